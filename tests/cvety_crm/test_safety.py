"""Secrets, row level security, missing settings, the worker's clock."""

import logging
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.models import Schedule, Task

from cvety_crm.masking import MaskingFormatter, mask, truncate_masked
from cvety_crm.models import Heartbeat
from cvety_crm.ops import schedules
from cvety_crm.ops.retention import prune
from cvety_crm.ops.row_level_security import unprotected_tables


@pytest.fixture
def secrets(settings):
    settings.SECRET_KEY = "made-up-secret-key"
    settings.BITRIX_API_TOKEN = "made-up/bitrix+token"
    settings.TELEGRAM_BOT_TOKEN = "123456:made-up-bot-token"
    settings.WEBHOOK_TOKENS = ["made-up-first", "made-up-second"]
    return settings


@pytest.mark.parametrize(
    "secret",
    [
        "made-up-secret-key",
        "made-up/bitrix+token",
        "made-up%2Fbitrix%2Btoken",
        r"made-up\/bitrix+token",
        "123456:made-up-bot-token",
        "made-up-first",
        "made-up-second",
    ],
)
def test_every_secret_is_masked_in_any_text(secrets, secret):
    assert mask(f"before {secret} after") == "before ••• after"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("POST https://api.telegram.org/bot987:AAof-another/sendMessage", "/bot•••/sendMessage"),
        ("https://cvety.kz/rest/1/abcdef123456/sale.order.get", "/rest/1/•••/sale.order.get"),
        (f"Not Found: /p/{'a_-4' * 10}abc.{'b' * 43}/", "Not Found: /p/•••/"),
        (r'"https:\/\/cvety.kz\/rest\/1\/abcdef123456\/x"', r"\/rest\/1\/•••\/x"),
    ],
)
def test_secrets_in_addresses_are_masked_even_if_not_ours(text, masked):
    assert masked in mask(text)


@pytest.mark.parametrize("secret", ["made-up pass", "made-up%20pass", 'made-up "key"', "made-up &quot;key&quot;"])
def test_secrets_in_the_bridges_own_address_are_masked(secrets, secret):
    secrets.BITRIX_API_URL = "https://crm:made-up%20pass@cvety.kz/bridge?key=made-up%20%22key%22&v=1"
    assert mask(f"before {secret} after") == "before ••• after"


@pytest.mark.parametrize("behind", ["", "/", "/profile.json"])
def test_the_secret_in_rests_own_address_is_masked(secrets, behind):
    secrets.BITRIX_REST_URL = f"https://cvety.kz/rest/1/madeupsecret{behind}"
    assert mask("before madeupsecret after, user 1 of rest") == "before ••• after, user 1 of rest"


def test_a_text_is_masked_before_it_is_cut(secrets):
    assert truncate_masked("made-up-first and more", 6) == "••• an"
    assert truncate_masked("x" * 10 + "made-up-first", 15) == "x" * 10 + "•••"


def test_what_postgresql_can_not_store_is_not_kept():
    assert truncate_masked("a\0b \ud83d c \ud83c\udf39") == "a\ufffdb \ufffd c 🌹"


def test_a_log_line_and_its_traceback_are_masked(secrets):
    try:
        raise ValueError("made-up-first is wrong")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "got %s", ("made-up-second",), sys.exc_info())
    line = MaskingFormatter().format(record)
    assert "Traceback" in line
    assert "made-up" not in line


def test_every_handler_of_the_logs_masks():
    assert {handler["formatter"] for handler in django_settings.LOGGING["handlers"].values()} == {"line"}


@pytest.mark.django_db
class TestRowLevelSecurity:
    def test_it_is_on_for_every_table_of_django_and_the_libraries_too(self):
        assert unprotected_tables(connection) == []
        with connection.cursor() as cursor:
            cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity")
            tables = {name for (name,) in cursor.fetchall()}
            cursor.execute("SELECT count(*) FROM pg_policy")
            assert cursor.fetchone() == (0,)
        assert {"orders", "users", "telegram_messages", "staff_users", "django_session", "django_q_task"} <= tables

    def test_a_missed_table_fails_the_check(self):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE forgotten (id int)")
        errors = run_checks(tags=["database"], databases=["default"])
        assert [error.id for error in errors] == ["cvety_crm.E002"]
        assert "forgotten" in errors[0].msg

    def test_another_role_reads_nothing(self, post_webhook):
        with connection.cursor() as cursor:
            cursor.execute("CREATE ROLE anon_of_the_test")
            cursor.execute("GRANT SELECT ON order_statuses TO anon_of_the_test")
            cursor.execute("SELECT count(*) FROM order_statuses")
            assert cursor.fetchone()[0] > 0
            cursor.execute("SET LOCAL ROLE anon_of_the_test")
            cursor.execute("SELECT count(*) FROM order_statuses")
            assert cursor.fetchone() == (0,)


def _start(**changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "ENV_FILE": "",
        "DEBUG": "off",
        "SECRET_KEY": "made-up",
        "WEBHOOK_TOKENS": "made-up",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none",
        "DJANGO_SETTINGS_MODULE": "cvety_crm.settings",
        **changes,
    }
    command = [sys.executable, "manage.py", "check"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=django_settings.BASE_DIR)


@pytest.mark.parametrize("name", ["SECRET_KEY", "WEBHOOK_TOKENS", "DATABASE_URL"])
def test_in_production_a_missing_setting_stops_the_start_with_one_line_that_names_it(name):
    result = _start(**{name: ""})
    assert result.returncode != 0
    (line,) = (result.stdout + result.stderr).strip().splitlines()
    assert line.startswith(f"{name} is not set")


def test_production_starts_with_all_of_them():
    assert _start().returncode == 0


@pytest.mark.parametrize("seconds", ["-1", "3601"])
def test_a_grace_time_that_makes_no_sense_stops_the_start_with_one_line(seconds):
    result = _start(STATUS_HOLD_SECONDS=seconds)
    assert result.returncode != 0
    (line,) = (result.stdout + result.stderr).strip().splitlines()
    assert line.startswith("STATUS_HOLD_SECONDS must be")


@pytest.mark.parametrize("days", ["0", "91"])
def test_a_link_for_ever_or_for_no_time_stops_the_start_with_one_line(days):
    result = _start(PHOTO_LINK_DAYS=days)
    assert result.returncode != 0
    (line,) = (result.stdout + result.stderr).strip().splitlines()
    assert line.startswith("PHOTO_LINK_DAYS must be")


def test_only_postgresql():
    assert "PostgreSQL" in _start(DATABASE_URL="sqlite:///x.db").stderr


@pytest.mark.parametrize(
    ("setting", "value"),
    [("ORDER_EVENT_HANDLERS", ["orders.no_such.handler"]), ("REFERENCE_REFRESH", "orders.no_such.handler")],
)
def test_a_handler_that_can_not_be_imported_fails_the_check(settings, setting, value):
    setattr(settings, setting, value)
    (error,) = [error for error in run_checks() if error.id == "cvety_crm.E001"]
    assert "orders.no_such.handler" in error.msg


@pytest.mark.django_db
class TestClock:
    def test_migrate_makes_the_schedules_once(self):
        call_command("migrate", verbosity=0)
        call_command("migrate", verbosity=0)
        jobs = sorted(Schedule.objects.values_list("func", flat=True))
        assert jobs == [schedules.EACH_DAY, schedules.EACH_HOUR, schedules.EACH_MINUTE, schedules.EACH_NIGHT]
        night = timezone.localtime(Schedule.objects.get(func=schedules.EACH_NIGHT).next_run)
        assert (night.hour, timedelta(0) < night - timezone.now() <= timedelta(days=1)) == (4, True)
        hourly = Schedule.objects.get(func=schedules.EACH_HOUR)
        assert (hourly.schedule_type, hourly.next_run.minute) == (Schedule.HOURLY, 30), "not when the night's begin"
        assert timedelta(0) < hourly.next_run - timezone.now() <= timedelta(hours=2)
        assert Schedule.objects.get(func=schedules.EACH_MINUTE).next_run > timezone.now() - timedelta(minutes=5)

    def test_each_minute_beats_the_heart_and_survives_a_failing_job(self, settings, monkeypatch, caplog):
        ran = []
        monkeypatch.setattr(schedules, "import_string", {"bad": lambda: 1 / 0, "good": lambda: ran.append(1)}.get)
        settings.MINUTE_JOBS = ["bad", "good"]
        schedules.each_minute()
        assert (ran, "the job bad failed" in caplog.text) == ([1], True)
        assert timezone.now() - Heartbeat.last(Heartbeat.WORKER) < timedelta(seconds=10)

    def test_old_results_are_pruned(self):
        for name, age in (("old", 8), ("new", 6)):
            stopped = timezone.now() - timedelta(days=age)
            Task.objects.create(id=name, name=name, func="f", started=stopped, stopped=stopped, success=False)
        prune()
        assert list(Task.objects.values_list("id", flat=True)) == ["new"]
