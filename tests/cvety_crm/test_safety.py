"""Tests of the masking of secrets, row level security, required settings and the worker's schedules."""

import logging
import os
import subprocess
import sys
from datetime import timedelta
from typing import cast

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.models import Schedule, Task

from cvety_crm.log_formats import LineFormatter
from cvety_crm.masking import mask, truncate_masked
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
def test_every_configured_secret_is_masked(secrets, secret):
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
def test_secrets_in_known_urls_are_masked_even_if_not_configured(text, masked):
    assert masked in mask(text)


@pytest.mark.parametrize("secret", ["made-up pass", "made-up%20pass", 'made-up "key"', "made-up &quot;key&quot;"])
def test_secrets_in_the_bridge_url_are_masked(secrets, secret):
    secrets.BITRIX_API_URL = "https://crm:made-up%20pass@cvety.kz/bridge?key=made-up%20%22key%22&v=1"
    assert mask(f"before {secret} after") == "before ••• after"


@pytest.mark.parametrize("ending", ["", "/", "/profile.json"])
def test_secret_in_the_rest_url_is_masked(secrets, ending):
    secrets.BITRIX_REST_URL = f"https://cvety.kz/rest/1/madeupsecret{ending}"
    assert mask("before madeupsecret after, user 1 of rest") == "before ••• after, user 1 of rest"


def test_text_is_masked_before_it_is_cut(secrets):
    assert truncate_masked("made-up-first and more", 6) == "••• an"
    assert truncate_masked("x" * 10 + "made-up-first", 15) == "x" * 10 + "•••"


def test_characters_that_postgresql_cannot_store_are_replaced():
    assert truncate_masked("a\0b \ud83d c \ud83c\udf39") == "a\ufffdb \ufffd c 🌹"


def test_log_line_and_traceback_are_masked(secrets):
    try:
        raise ValueError("made-up-first is wrong")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "got %s", ("made-up-second",), sys.exc_info())
    line = LineFormatter().format(record)
    assert "Traceback" in line
    assert "made-up" not in line


def test_every_log_handler_uses_the_masking_formatter():
    handlers = cast("dict[str, dict[str, str]]", django_settings.LOGGING["handlers"])
    assert {handler["formatter"] for handler in handlers.values()} == {"line"}


@pytest.mark.django_db
class TestRowLevelSecurity:
    def test_is_enabled_on_every_table_including_those_of_libraries(self):
        assert unprotected_tables(connection) == []
        with connection.cursor() as cursor:
            cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity")
            tables = {name for (name,) in cursor.fetchall()}
            cursor.execute("SELECT count(*) FROM pg_policy")
            assert cursor.fetchone() == (0,)
        assert {"orders", "users", "telegram_messages", "staff_users", "staff_sessions", "django_q_task"} <= tables

    def test_table_without_it_fails_the_system_check(self):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE forgotten (id int)")
        errors = run_checks(tags=["database"], databases=["default"])
        assert [error.id for error in errors] == ["cvety_crm.E002"]
        assert "forgotten" in errors[0].msg

    def test_other_database_role_reads_no_rows(self, post_webhook):
        with connection.cursor() as cursor:
            cursor.execute("CREATE ROLE anon_of_the_test")
            cursor.execute("GRANT SELECT ON order_statuses TO anon_of_the_test")
            cursor.execute("SELECT count(*) FROM order_statuses")
            assert cursor.fetchone()[0] > 0
            cursor.execute("SET LOCAL ROLE anon_of_the_test")
            cursor.execute("SELECT count(*) FROM order_statuses")
            assert cursor.fetchone() == (0,)


MADE_UP = "made-up-and-long-enough-for-an-installation-in-production"


def production_environment(**changes: str) -> dict[str, str]:
    return {
        **os.environ,
        "ENV_FILE": "",
        "DEBUG": "off",
        "SECRET_KEY": MADE_UP,
        "WEBHOOK_TOKENS": MADE_UP,
        "DATABASE_URL": "postgres://unused@127.0.0.1:9/unused",
        "DJANGO_SETTINGS_MODULE": "cvety_crm.settings",
        **changes,
    }


def _start(**changes: str) -> subprocess.CompletedProcess[str]:
    environment = production_environment(**changes)
    command = [sys.executable, "manage.py", "check"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=django_settings.BASE_DIR)


@pytest.mark.parametrize("name", ["SECRET_KEY", "WEBHOOK_TOKENS", "DATABASE_URL"])
def test_missing_required_setting_is_reported_in_one_line(name):
    result = _start(**{name: ""})
    assert result.returncode != 0
    (line,) = (result.stdout + result.stderr).strip().splitlines()
    assert line.startswith(f"{name} is not set")


def test_production_starts_with_all_required_settings():
    assert _start().returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET_KEY", "a"), ("SECRET_KEY", "x" * 49), ("WEBHOOK_TOKENS", f"{MADE_UP},short"), ("HEALTH_TOKEN", "secret")],
)
def test_secret_that_can_be_guessed_is_reported_in_one_line(name, value):
    result = _start(**{name: value})
    assert result.returncode != 0
    (line,) = (result.stdout + result.stderr).strip().splitlines()
    assert (name in line, "is too short" in line, value.split(",")[-1] in line.split(name)[-1].split()) == (
        True,
        True,
        False,
    )


def test_check_for_deployment_has_no_warnings():
    environment = production_environment(HTTPS="on", ALLOWED_HOSTS="crm.example.kz")
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=django_settings.BASE_DIR)
    assert result.returncode == 0, result.stderr


def test_web_server_reads_the_env_file(tmp_path):
    (tmp_path / "env").write_text("HOST=127.0.0.2\nPORT=8123\nWEB_CONCURRENCY=4\n")
    script = "from cvety_crm.ops import gunicorn_conf as conf; print(conf.bind, conf.workers)"
    environment = {name: value for name, value in os.environ.items() if name not in ("HOST", "PORT", "WEB_CONCURRENCY")}
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=environment | {"ENV_FILE": str(tmp_path / "env")},
        capture_output=True,
        text=True,
        cwd=django_settings.BASE_DIR,
    )
    assert result.stdout == "127.0.0.2:8123 4\n", result.stderr


@pytest.mark.parametrize("seconds", ["-1", "3601"])
def test_invalid_hold_period_is_reported_in_one_line(seconds):
    result = _start(STATUS_HOLD_SECONDS=seconds)
    assert result.returncode != 0
    (line,) = (result.stdout + result.stderr).strip().splitlines()
    assert line.startswith("STATUS_HOLD_SECONDS must be")


@pytest.mark.parametrize("days", ["0", "91"])
def test_invalid_lifetime_of_photo_links_is_reported_in_one_line(days):
    result = _start(PHOTO_LINK_DAYS=days)
    assert result.returncode != 0
    (line,) = (result.stdout + result.stderr).strip().splitlines()
    assert line.startswith("PHOTO_LINK_DAYS must be")


def test_database_url_must_name_postgresql():
    assert "PostgreSQL" in _start(DATABASE_URL="sqlite:///x.db").stderr


@pytest.mark.parametrize(
    ("setting", "value"),
    [("ORDER_EVENT_HANDLERS", ["orders.no_such.handler"]), ("REFERENCE_REFRESH", "orders.no_such.handler")],
)
def test_handler_that_cannot_be_imported_fails_the_system_check(settings, setting, value):
    setattr(settings, setting, value)
    (error,) = [error for error in run_checks() if error.id == "cvety_crm.E001"]
    assert "orders.no_such.handler" in error.msg


@pytest.mark.django_db
class TestSchedules:
    def test_migrate_creates_each_schedule_once(self):
        Schedule.objects.all().delete()  # the kept test database may be days old
        call_command("migrate", verbosity=0)
        call_command("migrate", verbosity=0)
        jobs = sorted(Schedule.objects.values_list("func", flat=True))
        assert jobs == [schedules.EACH_DAY, schedules.EACH_HOUR, schedules.EACH_MINUTE, schedules.EACH_NIGHT]
        night = timezone.localtime(Schedule.objects.get(func=schedules.EACH_NIGHT).next_run)
        assert (night.hour, timedelta(0) < night - timezone.now() <= timedelta(days=1)) == (4, True)
        hourly = Schedule.objects.get(func=schedules.EACH_HOUR)
        assert (hourly.schedule_type, hourly.next_run.minute) == (Schedule.HOURLY, 30), (
            "not at the time of the nightly jobs"
        )
        assert timedelta(0) < hourly.next_run - timezone.now() <= timedelta(hours=2)
        assert Schedule.objects.get(func=schedules.EACH_MINUTE).next_run > timezone.now() - timedelta(minutes=5)

    def test_each_minute_writes_heartbeat_and_runs_jobs_after_a_failed_one(self, settings, monkeypatch, caplog):
        runs = []
        monkeypatch.setattr(schedules, "import_string", {"bad": lambda: 1 / 0, "good": lambda: runs.append(1)}.get)
        settings.MINUTE_JOBS = ["bad", "good"]
        schedules.each_minute()
        assert (runs, "the job bad failed" in caplog.text) == ([1], True)
        assert timezone.now() - Heartbeat.last(Heartbeat.WORKER) < timedelta(seconds=10)

    def test_prune_deletes_old_task_results(self):
        for name, age in (("old", 8), ("new", 6)):
            stopped = timezone.now() - timedelta(days=age)
            Task.objects.create(id=name, name=name, func="f", started=stopped, stopped=stopped, success=False)
        prune()
        assert list(Task.objects.values_list("id", flat=True)) == ["new"]
