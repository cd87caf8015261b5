"""Tests of crashes: PostgreSQL is killed while gunicorn runs, and a worker is killed or stopped in the middle."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from bitrix_bridge.models import Push
from bitrix_bridge.sandbox import faults
from cvety_crm.dev import embedded_postgres
from cvety_crm.outbox import deliver_due
from orders import services
from tests.e2e.running_crm import environment_of
from tests.samples import order_data


def test_crm_answers_503_with_retry_after_while_its_database_is_down(crm):
    def post(number):
        return crm.post("order.create", order_data(ID=number, ACCOUNT_NUMBER=str(number)))

    assert post(1).json()["action"] == "created"
    crm.kill_postgresql()
    response = post(2)
    assert (response.status_code, response.json()["error"]) == (503, "database_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    embedded_postgres.revive(crm.folder)
    # The old connection of each process is closed, so the process opens a new connection.
    assert [post(number).status_code for number in (2, 3, 4, 5)] == [200] * 4
    assert post(1).json()["action"] == "duplicate"
    assert post(2).json()["action"] == "duplicate"
    # The sender does not notice a restart between two requests.
    crm.kill_postgresql()
    embedded_postgres.revive(crm.folder)
    assert [post(number).status_code for number in (6, 7, 8, 9)] == [200] * 4


WORKER = """
import django, sys
django.setup()
from bitrix_bridge.models import Push
from cvety_crm.outbox import deliver_one
print("claiming", flush=True)
deliver_one(Push, sys.argv[1])
"""


STOPPED_WORKER = """
import django, sys, time
django.setup()
from django.db import transaction
from orders import services
with transaction.atomic():
    services.change_status(order_id=sys.argv[1], status="accepted", actor=None)
    print("changed", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def start(site) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that runs a script in a separate process that uses the database of the test."""
    processes: list[subprocess.Popen[str]] = []

    def run(script: str, *arguments: object, **more: str) -> subprocess.Popen[str]:
        url = str(os.environ.get("DATABASE_URL") or embedded_postgres.database_url()).rsplit("/", 1)[0]
        environment = environment_of(
            f"{url}/{connection.settings_dict['NAME']}",
            SITE=site.bridge_url,
            DJANGO_SETTINGS_MODULE="tests.e2e.worker_settings",
            **more,
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            env=environment,
            cwd=django_settings.BASE_DIR,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()  # also ends a stopped process
        process.communicate()


@pytest.fixture
def claimed(site, arrived, manager, start) -> tuple[Push, subprocess.Popen[str]]:
    """Return a push, and the worker that has sent it to a site that does not answer."""
    order = arrived()
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    push = Push.objects.get()
    site.faults.give(faults.silent(), action="order.status")
    worker = start(WORKER, push.pk, OUTBOX_TIMEOUT="5")
    deadline = time.monotonic() + 30
    while Push.objects.get().state != "sending" or "order.status" not in {one["action"] for one in site.site.requests}:
        assert time.monotonic() < deadline, "the worker does not start"
        time.sleep(0.05)
    return push, worker


@pytest.mark.django_db(transaction=True)
def test_attempt_of_a_killed_worker_is_counted_and_the_push_is_retried(site, claimed, settle):
    push, worker = claimed
    worker.kill()
    worker.wait()

    push.refresh_from_db()
    assert (push.state, push.attempts) == ("sending", 1)
    assert deliver_due() == 0  # the lease of the killed worker has not expired
    Push.objects.update(lease_until=timezone.now())
    settle()
    _assert_delivered(site, push)


@pytest.mark.django_db(transaction=True)
def test_stopped_worker_that_continues_after_its_lease_changes_nothing(site, claimed, settle):
    push, worker = claimed
    worker.send_signal(signal.SIGSTOP)
    Push.objects.update(lease_until=timezone.now())
    settle()
    _assert_delivered(site, push)
    worker.send_signal(signal.SIGCONT)
    worker.communicate(timeout=60)
    assert worker.returncode == 0
    settle()
    _assert_delivered(site, push)


def _assert_delivered(site, push: Push) -> None:
    push.refresh_from_db()
    assert (push.state, push.attempts, push.order.sync_state) == ("delivered", 2, "synced")
    first, second = [attempt.outcome for attempt in push.attempt_log.order_by("number")]
    assert (first in ("died", "postponed"), second) == (True, "delivered")
    assert site.site.order(push.order.bitrix_order_id)["STATUS_ID"] == "AP"
    assert site.site.writes == 1


@pytest.mark.django_db(transaction=True)
def test_worker_that_is_stopped_in_a_transaction_loses_its_locks_and_changes_nothing(arrived, manager, start):
    order = arrived()
    # One second instead of the limit of `idle_transactions`, which `test_idle_transactions` tests.
    worker = start(STOPPED_WORKER, order.pk, PGOPTIONS="-c idle_in_transaction_session_timeout=1s")
    assert worker.stdout is not None
    assert worker.stdout.readline() == "changed\n"
    worker.send_signal(signal.SIGSTOP)
    services.change_status(order_id=order.pk, status="declined", actor=manager)
    assert Push.objects.count() == 1
    worker.send_signal(signal.SIGCONT)
    order.refresh_from_db()
    assert order.status_id == "declined"
