"""Tests of running the probes, of the probes of the CRM itself, and of the command."""

import threading
import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone, translation

from cvety_crm.models import Heartbeat
from cvety_crm.ops import health, probes
from cvety_crm.ops.health import Finding, Level, probe

HERE = "tests.cvety_crm.ops.test_health."
released = threading.Event()
runs: list[str] = []


@probe("well")
def well():
    runs.append("well")
    return Finding(Level.GREEN, "fine")


@probe("remark")
def remark():
    return Finding(Level.YELLOW, "so so", "look at it")


@probe("raising")
def raising():
    raise RuntimeError("no way to https://example.kz/?key=made-up-bitrix-token\nsecond line")


@probe("hanging")
def hanging():
    runs.append("hanging")
    released.wait(20)
    return Finding(Level.GREEN, "too late")


@probe("asleep", reads_database=True)
def asleep():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")
    return Finding(Level.GREEN, "too late")


@probe("hanging with the database", reads_database=True)
def hanging_with_database():
    released.wait(20)
    return Finding(Level.GREEN, "too late")


@probe("after it", reads_database=True)
def after_it():
    return Finding(Level.GREEN, "fine")


@pytest.fixture(autouse=True)
def _reset():
    cache.clear()
    runs.clear()
    released.clear()
    health._running.clear()
    yield
    released.set()
    for thread in threading.enumerate():
        if thread.name == "health":
            thread.join(10)


def run(*names, seconds=health.TIME_LIMIT):
    return health.run_probes([name if "." in name else HERE + name for name in names], seconds=seconds)


def test_report_keeps_the_order_of_the_settings_and_has_the_worst_level():
    report = run("remark", "well")
    assert [(one.title, one.level, one.figure, one.hint) for one in report.findings] == [
        ("remark", Level.YELLOW, "so so", "look at it"),
        ("well", Level.GREEN, "fine", ""),
    ]
    assert report.level == Level.YELLOW


def test_exception_becomes_a_red_finding_without_secrets():
    (found,) = run("raising").findings
    assert found.level == Level.RED
    assert found.figure == "RuntimeError: no way to https://example.kz/?key=••• second line"


def test_probe_that_hangs_is_not_awaited_and_not_started_twice():
    started = time.monotonic()
    first, second = (run("hanging", "well", seconds=0.2) for _ in range(2))
    assert time.monotonic() - started < 3
    for report in (first, second):
        assert [one.level for one in report.findings] == [Level.RED, Level.GREEN]
    assert first.findings[0].figure == "нет ответа за 0.2 с"
    assert runs.count("hanging") == 1
    started = time.monotonic()
    # The time limit is long, but the run does not wait for a probe that is already running.
    assert run("hanging", "well").level == Level.RED
    assert time.monotonic() - started < 3
    released.set()
    health._running[HERE + "hanging"].join(5)
    assert run("hanging").findings[0].level == Level.GREEN


@pytest.mark.django_db(transaction=True)
def test_probe_that_hangs_does_not_delay_the_next_ones():
    report = run("hanging_with_database", "after_it", "cvety_crm.ops.probes.database", seconds=2)
    assert [one.level for one in report.findings] == [Level.RED, Level.GREEN, Level.GREEN]


@pytest.mark.django_db(transaction=True)
def test_slow_statement_of_a_probe_is_cancelled_by_the_database():
    started = time.monotonic()
    found = asleep.run(seconds=0.3)
    assert time.monotonic() - started < 3
    assert found.level == Level.RED
    assert "QueryCanceled" in found.figure or "OperationalError" in found.figure
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.mark.django_db(transaction=True)
def test_all_probes_together_have_a_time_limit(monkeypatch):
    """With one connection, the probes that wait for a hanging probe do not finish in time either."""
    monkeypatch.setattr(health, "DATABASE_THREADS", 1)
    started = time.monotonic()
    report = run("hanging_with_database", "after_it", "hanging", "well", seconds=0.5)
    assert time.monotonic() - started < 2
    assert [one.level for one in report.findings] == [Level.RED, Level.RED, Level.RED, Level.GREEN]
    assert {one.figure for one in report.findings} == {"нет ответа за 0.5 с", "fine"}


@pytest.mark.django_db(transaction=True)
def test_a_check_opens_no_more_connections_than_it_may(monkeypatch):
    threads = set()

    def note(one, _seconds):
        threads.add(threading.get_ident())
        return one.check()

    monkeypatch.setattr(health.Probe, "_in_transaction", note)
    run("after_it", *(f"cvety_crm.ops.probes.{name}" for name in ("database", "migrations", "worker")))
    assert 1 <= len(threads) <= health.DATABASE_THREADS


def test_latest_report_is_cached():
    paths = [HERE + "well"]
    assert health.latest(paths) == health.latest(paths)
    assert runs == ["well"]
    cache.clear()
    health.latest(paths)
    assert runs == ["well", "well"]


# --- probes of the CRM itself


@pytest.mark.django_db
def test_database_probe_is_yellow_when_slow(monkeypatch):
    assert probes.database.run().level == Level.GREEN
    monkeypatch.setattr(probes, "SLOW_MILLISECONDS", 0)
    assert probes.database.run().level == Level.YELLOW


def test_database_probe_is_red_without_a_connection(monkeypatch):
    def refuse(*_arguments, **_named):
        raise OSError("connection refused")

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    monkeypatch.setattr(connection, "get_autocommit", refuse)
    assert probes.database.run().level == Level.RED


@pytest.mark.django_db
def test_migrations_probe_is_red_when_a_migration_is_not_applied():
    assert probes.migrations.run().figure == "все применены"
    MigrationRecorder(connection).migration_qs.filter(app="orders").delete()
    found = probes.migrations.run()
    assert found.level == Level.RED
    assert "не примен" in found.figure


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("silence", "level"), [(None, Level.RED), (10, Level.GREEN), (200, Level.YELLOW), (301, Level.RED)]
)
def test_worker_probe_depends_on_the_age_of_the_heartbeat(silence, level):
    if silence is not None:
        beat_at = timezone.now() - timedelta(seconds=silence)
        Heartbeat.objects.update_or_create(name=Heartbeat.WORKER, defaults={"beat_at": beat_at})
    assert probes.worker.run().level == level


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "level"), [(5, Level.GREEN), (59, Level.GREEN), (61, Level.RED)])
def test_part_that_is_starting_is_no_problem_in_the_first_minute(seconds, level):
    Heartbeat.beat(Heartbeat.START)
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(seconds=seconds))
    found = probes.worker.run()
    assert (found.level, found.figure.startswith("запускается: ")) == (level, level == Level.GREEN)


@pytest.mark.django_db
def test_start_excuses_only_parts_that_need_a_moment(monkeypatch):
    Heartbeat.beat(Heartbeat.START)
    monkeypatch.setattr(probes.MigrationExecutor, "migration_plan", lambda *_args: [1])
    assert probes.migrations.run().level == Level.RED


# --- the command


class Terminal(StringIO):
    def isatty(self):
        return True


def status(stdout=None, **options):
    out = stdout or StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("system_status", stdout=out, **options)
    return left.value.code, out.getvalue()


@pytest.mark.parametrize(
    ("names", "code", "words"),
    [
        (["well"], 0, "ОБЩИЙ СТАТУС СИСТЕМЫ: ВСЕ СИСТЕМЫ РАБОТАЮТ"),
        (["well", "remark"], 1, "ОБЩИЙ СТАТУС СИСТЕМЫ: ЕСТЬ ЗАМЕЧАНИЯ"),
        (["raising", "remark", "well"], 2, "ОБЩИЙ СТАТУС СИСТЕМЫ: ЕСТЬ ПРОБЛЕМЫ"),
    ],
)
def test_command_prints_one_line_for_each_probe(settings, names, code, words):
    settings.HEALTH_PROBES = [HERE + name for name in names]
    left, text = status()
    lines = text.splitlines()
    assert (left, lines[0]) == (code, words)
    assert len([line for line in lines if line[0] in "✔▲✖"]) == len(names)
    assert "\x1b" not in text
    assert "made-up-bitrix-token" not in text


def test_command_uses_colours_only_on_terminals(settings):
    settings.HEALTH_PROBES = [HERE + "well"]
    assert "\x1b[" in status(Terminal(), force_color=True)[1]
    assert "\x1b[" not in status(Terminal(), no_color=True)[1]


@pytest.mark.django_db(transaction=True)
def test_command_reports_the_whole_system_in_russian():
    Heartbeat.beat(Heartbeat.WORKER)
    with translation.override("ru"):
        code, text = status()
    assert code == 1  # the system has no site, no Telegram and no event yet
    assert "✖" not in text, text
    for words in ("База данных", "Миграции", "Приём вебхуков", "Очередь на сайт", "Мост на сайте", "Telegram"):
        assert words in text


@pytest.mark.django_db(transaction=True)
def test_read_only_database_is_a_problem():
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        found = probes.database.run()
    assert (found.level, "только для чтения" in found.figure) == (Level.RED, True)
