"""Tests of crashes: PostgreSQL is killed while gunicorn runs, and a worker is killed during a push."""

import os
import subprocess
import sys
import time

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


KILLED_WORKER = """
import django, sys
django.setup()
from bitrix_bridge.models import Push
from cvety_crm.outbox import deliver_one
print("claiming", flush=True)
deliver_one(Push, sys.argv[1])
"""


@pytest.mark.django_db(transaction=True)
def test_attempt_of_a_killed_worker_is_counted_and_the_push_is_retried(site, arrived, settle, manager):
    order = arrived()
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    push = Push.objects.get()
    site.faults.give(faults.silent(), action="order.status")
    database = connection.settings_dict
    # The worker runs in a separate process that uses the database of the test.
    url = str(os.environ.get("DATABASE_URL") or embedded_postgres.database_url()).rsplit("/", 1)[0]
    environment = environment_of(
        f"{url}/{database['NAME']}",
        SITE=site.bridge_url,
        DJANGO_SETTINGS_MODULE="tests.e2e.worker_settings",
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", KILLED_WORKER, str(push.pk)], env=environment, cwd=django_settings.BASE_DIR
    )
    deadline = time.monotonic() + 30
    while Push.objects.get().state != "sending" or "order.status" not in {one["action"] for one in site.site.requests}:
        assert time.monotonic() < deadline, "the worker does not start"
        time.sleep(0.05)
    worker.kill()
    worker.wait()

    push.refresh_from_db()
    assert (push.state, push.attempts) == ("sending", 1)
    assert deliver_due() == 0  # the lease of the killed worker has not expired
    Push.objects.update(lease_until=timezone.now())
    settle()
    push.refresh_from_db()
    order.refresh_from_db()
    assert (push.state, push.attempts, order.sync_state) == ("delivered", 2, "synced")
    assert [attempt.outcome for attempt in push.attempt_log.order_by("number")] == ["died", "delivered"]
    assert site.site.order(order.bitrix_order_id)["STATUS_ID"] == "AP"
    assert site.site.writes == 1
