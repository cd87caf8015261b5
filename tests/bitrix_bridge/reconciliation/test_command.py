"""Tests of `manage.py reconcile_bitrix`: its output, its exit status, and how it stops."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from bitrix_bridge.management.commands import reconcile_bitrix
from bitrix_bridge.models import Reconciliation
from bitrix_bridge.reconciliation import runs
from bitrix_bridge.reconciliation.runs import comparisons
from bitrix_bridge.sandbox import Sandbox, faults
from cvety_crm.dev import embedded_postgres
from cvety_crm.long_runs import command as long_run_command
from cvety_crm.long_runs import terminal
from orders.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def run_command(monkeypatch):
    """Return a function that runs the command and returns its exit status and its output."""
    monkeypatch.setattr(terminal, "LINE_SECONDS", 0.0)
    monkeypatch.setattr(terminal, "BAR_SECONDS", 0.0)

    def run(*arguments, stream=None):
        out = stream or io.StringIO()
        status: Any = 0
        try:
            call_command("reconcile_bitrix", *arguments, stdout=out, stderr=out, no_color=True)
        except SystemExit as end:
            status = end.code
        return status, out.getvalue()

    return run


def test_command_prints_progress_and_result_when_both_sides_agree(site, place, run_command):
    place(3)
    status, said = run_command()
    assert status == 0
    assert "сверено: 3\n" in said
    assert "расхождения: 0\n" in said
    assert "согласны" in said
    assert "3 из 3, расхождений: 0" in said  # the line that reports the progress
    assert "\x1b" not in said
    assert "\r" not in said
    assert Reconciliation.objects.get().origin == "command"


def test_exit_status_is_1_for_differences_and_0_after_repair(site, place, run_command):
    (order,) = place(1)
    site.site.write_raw(order.bitrix_order_id, {"PRICE": "1"})
    status, said = run_command()
    assert (status, "Осталось решить (в админке, раздел «Сверка»): 1" in said) == (1, True)
    status, said = run_command("--repair")
    assert (status, "исправлено: 1" in said) == (0, True)
    assert run_command()[0] == 0


def test_exit_status_is_1_when_a_difference_needs_a_person(site, place, run_command):
    (order,) = place(1)
    Order.objects.update(status="accepted")
    site.site.write_raw(order.bitrix_order_id, {"STATUS_ID": "DE"})
    assert run_command("--repair")[0] == 1


def test_terminal_shows_a_progress_bar(site, place, run_command, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    place(2)
    _status, said = run_command(stream=Terminal())
    assert "━" in said
    assert "2 из 2" in said
    assert "в секунду" in said


def test_since_compares_only_orders_saved_later(site, place, run_command):
    order = place(2)[0]
    site.site.write_raw(order.bitrix_order_id, {"STATUS_ID": "DE", "DATE_UPDATE": "2026-01-01 10:00:00"})
    status, said = run_command("--since", "1h")
    assert (status, "сверено: 1\n" in said) == (0, True)
    status, said = run_command("--since", "2026-01-01")
    assert (status, "сверено: 2\n" in said) == (1, True)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", "2026-02-28T19:00:00+00:00"),
        ("2026-03-01T10:00", "2026-03-01T05:00:00+00:00"),
        ("2026-03-01 10:00:00Z", "2026-03-01T10:00:00+00:00"),
    ],
)
def test_since_accepts_dates_and_times(text, moment):
    assert reconcile_bitrix._since(text) == datetime.fromisoformat(moment)


def test_since_accepts_an_age():
    assert abs(timezone.now() - timedelta(days=3) - reconcile_bitrix._since("3d")) < timedelta(seconds=5)


@pytest.mark.parametrize("text", ["", "yesterday", "3", "2026-13-01", "2026-02-31", "99999d"])
def test_invalid_since_raises_error(text):
    with pytest.raises(CommandError):
        call_command("reconcile_bitrix", "--since", text)


def test_command_fails_while_another_run_is_active(site, run_command):
    runs.start(origin=runs.Origin.PAGE, is_repair=False)
    with pytest.raises(CommandError, match="уже идёт"):
        run_command()


def test_command_fails_with_a_hint_for_an_old_bridge(settings, run_command):
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, legacy_bridge=True) as old:
        settings.BITRIX_API_URL = old.bridge_url
        with pytest.raises(CommandError, match="bitrix_bridge/php"):
            run_command()


def skip_delays(monkeypatch, note):
    """Make the delays of the command end at once."""
    skipped = [0.0]
    original = time.monotonic

    def sleep(seconds):
        note(seconds)
        skipped[0] += seconds

    clock = SimpleNamespace(sleep=sleep, monotonic=lambda: original() + skipped[0])
    monkeypatch.setattr(long_run_command, "time", clock)


def test_command_retries_until_the_site_answers(site, place, run_command, monkeypatch):
    place(1)
    slept = []
    skip_delays(monkeypatch, slept.append)
    site.faults.give(faults.status(503), times=2)
    status, said = run_command()
    delays = sum(delay.total_seconds() for delay in comparisons.retry_delays[:2])
    assert (status, sum(slept)) == (0, pytest.approx(delays, rel=0.2))
    assert "Сайт не отвечает" in said


def test_run_that_failed_without_the_site_is_resumed_later(site, place, run_command, monkeypatch):
    place(1)
    skip_delays(monkeypatch, lambda _seconds: None)
    site.faults.give(faults.status(503), times=99)
    with pytest.raises(CommandError, match="--resume"):
        run_command()
    site.faults.clear()
    assert run_command("--resume")[0] == 0
    assert Reconciliation.objects.get().state == "done"
    with pytest.raises(CommandError):
        run_command("--resume")


def test_resume_without_a_run_raises_error(site, run_command):
    with pytest.raises(CommandError):
        run_command("--resume")


def test_command_fails_when_the_run_is_stopped_on_its_page(site, place, run_command, monkeypatch):
    place(1)
    monkeypatch.setattr(reconcile_bitrix.Command, "after_step", lambda _command, run: comparisons.stop(run))
    with pytest.raises(CommandError):
        run_command()
    assert Reconciliation.objects.get().state == "stopped"


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("numbers", "seconds"),
    [([signal.SIGINT], 2), ([signal.SIGTERM], 2), ([signal.SIGINT, signal.SIGINT], 30)],
    ids=["Ctrl-C", "kill", "Ctrl-C twice"],
)
def test_signal_stops_the_command_after_the_current_step(site, place, numbers, seconds):
    """The command runs in a separate process. After a second signal it ends without waiting for the site."""
    place(1)
    site.faults.give(faults.slow(seconds), action="order.list")
    environment = {
        **os.environ,
        "ENV_FILE": "",
        "SECRET_KEY": "made-up-and-long-enough-for-an-installation-in-production",
        "DEBUG": "off",
        "WEBHOOK_TOKENS": "made-up-and-long-enough",
        "DJANGO_SETTINGS_MODULE": "cvety_crm.settings",
        "DATABASE_URL": embedded_postgres.database_url(database=connection.settings_dict["NAME"]),
        "BITRIX_API_URL": site.bridge_url,
        "BITRIX_API_TOKEN": project.BITRIX_API_TOKEN,
    }
    command = [sys.executable, "manage.py", "reconcile_bitrix"]
    process = subprocess.Popen(
        command, env=environment, cwd=project.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    killer = threading.Timer(240, process.kill)
    killer.start()
    try:
        while not Reconciliation.objects.exclude(claimed_by=None).exists():
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.05)
        time.sleep(0.5)  # in this time the command starts to wait for the site
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.3)
        said, _ = process.communicate()
    finally:
        killer.cancel()
    assert process.returncode == 130, said
    assert "--resume" in said
    assert "Traceback" not in said
    assert Reconciliation.objects.get().state == "stopped"
