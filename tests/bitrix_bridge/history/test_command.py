"""Tests of the commands of the import: their output and exit status, and stopping and resuming a run."""

import csv
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from bitrix_bridge.management.commands import import_bitrix_orders
from bitrix_bridge.models import ImportRow, ImportRun
from cvety_crm.dev import embedded_postgres
from cvety_crm.long_runs import terminal
from orders.models import Order
from tests.bitrix_bridge.history.conftest import unanswered
from tests.bitrix_bridge.history.tables import Schema
from tests.bitrix_bridge.history.test_import import everything, refuse, whole_database

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("schema", [Schema.NEW])]


@pytest.fixture(autouse=True)
def _signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def run_command(source, monkeypatch):
    """Return a function that runs a command and returns its exit status and its output."""
    monkeypatch.setattr(terminal, "LINE_SECONDS", 0.0)
    monkeypatch.setattr(terminal, "BAR_SECONDS", 0.0)

    def run(*arguments, stream=None, name="import_bitrix_orders"):
        out = stream or io.StringIO()
        status: Any = 0
        try:
            call_command(name, *arguments, stdout=out, stderr=out, no_color=True)
        except SystemExit as end:
            status = end.code
        return status, out.getvalue()

    return run


def test_import_prints_progress_reasons_and_result(run_command):
    status, said = run_command("--no-input", "--batch-size", "10")
    assert status == 0
    lines = said.splitlines()
    assert lines[-1] == "54 из 54 заказов перенесено"
    assert {"создано: 54", "обновлено: 0", "без изменений: 0", "пропущено: 1", "не перенесено: 0"} <= set(lines)
    assert "строк из корзин, не переносятся: 3" in lines
    assert [line for line in lines if line.startswith("3 заказа: товар 5121 неизвестен — создана заглушка (1221")]
    assert "10 из 55, не перенесено: 0" in said  # the line that reports the progress
    assert "\x1b" not in said
    assert "\r" not in said
    assert any(line.startswith("    → ") for line in lines)  # the advice about the reasons


def test_dry_run_prints_the_forecast_and_changes_nothing(run_command):
    before = whole_database()
    status, said = run_command("--dry-run")
    assert status == 0
    assert whole_database() == before
    assert "товар 5121 неизвестен — будет создана заглушка" in said
    assert "54 из 54 заказов будет перенесено" in said
    assert said.splitlines()[-1] == "Ничего не изменилось: это был пробный запуск."


def test_dry_run_of_one_order_prints_its_result_or_that_it_is_missing(run_command):
    status, said = run_command("--dry-run", "--order", "122101")
    assert status == 0
    assert "1 из 1 заказа будет перенесено" in said
    with pytest.raises(CommandError, match="122999"):
        run_command("--no-input", "--order", "122999")
    with pytest.raises(CommandError, match="122999"):
        run_command("--dry-run", "--order", "122999")


def test_report_of_dry_run_equals_report_of_real_run(run_command, tmp_path):
    """No cell starts with a character that makes a spreadsheet read the cell as a formula."""
    run_command("--dry-run", "--report", str(tmp_path / "dry.csv"))
    run_command("--no-input", "--report", str(tmp_path / "real.csv"))
    dry, real = (
        list(csv.reader((tmp_path / name).read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
        for name in ("dry.csv", "real.csv")
    )
    assert len(dry) == len(real) == 56
    assert [row[:2] for row in dry] == [row[:2] for row in real]
    assert dry[1][:2] == ["122101", "создан"]
    assert not [cell for row in dry[1:] for cell in row if cell[:1] in "=+-@" and cell]


def test_failed_order_gives_exit_status_1_and_resume_repeats_it(run_command, caplog):
    refuse("122107")
    status, said = run_command("--no-input")
    assert status == 1
    assert "53 из 54 заказов перенесено" in said
    assert "не перенесено: 1" in said
    assert said.index("122107") < said.index("5121")  # failures are printed first
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse ON orders")
    status, said = run_command("--resume")
    assert status == 0
    assert "54 из 54 заказов перенесено" in said
    assert "Неудавшиеся заказы повторяются, осталось: 0" in said
    with pytest.raises(CommandError):
        run_command("--resume")


@pytest.mark.parametrize("columns", [80, 30])
def test_terminal_shows_progress_bar_within_its_width(run_command, monkeypatch, columns):
    """A bar that is wider than the terminal would leave a line on the screen each time it is drawn again."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    _status, said = run_command("--no-input", "--batch-size", "10", stream=Terminal())
    bar, _rest = re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", said).split("\n", 1)
    shown = bar.split("\r")
    assert len(shown) > 2
    assert all(len(line) <= columns and "из 55" in line for line in shown)
    if columns > 30:
        assert all("━" in line and "в секунду" in line for line in shown)
    assert said.splitlines()[-1].endswith("54 из 54 заказов перенесено")


class TestBeforeStart:
    def test_import_without_terminal_requires_no_input_option(self, run_command, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(CommandError, match="--no-input"):
            run_command()
        assert not Order.objects.exists()

    @pytest.mark.parametrize(("answer", "orders"), [("да", 54), ("y", 54), ("", 0), ("нет", 0)])
    def test_import_starts_only_after_yes(self, run_command, monkeypatch, answer, orders):
        asked = []
        monkeypatch.setattr(import_bitrix_orders.sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or answer)
        if orders:
            run_command()
        else:
            with pytest.raises(CommandError):
                run_command()
        assert Order.objects.count() == orders
        assert "55" in asked[0]
        assert "site_copy" in asked[0]
        assert "read:er" not in asked[0]

    @pytest.mark.parametrize(
        ("account", "right"),
        [("writer", "ALL PRIVILEGES ON `site_copy`.*"), ("role_reader", "INSERT ON `site_copy`.* (роль `inserting`)")],
    )
    @pytest.mark.parametrize("how", [["--no-input"], ["--dry-run"]])
    def test_writable_account_is_refused_unless_allowed(self, run_command, site_copy, settings, account, right, how):
        settings.BITRIX_MYSQL_URL = site_copy.url(account)
        with pytest.raises(CommandError, match=f"{re.escape(right)}.*--allow-writable-account"):
            run_command(*how)
        assert not Order.objects.exists()
        status, said = run_command(*how, "--allow-writable-account")
        assert status == 0
        assert right in said

    @pytest.mark.parametrize("url", ["", "mysql://reader:hidden-word@localhost/none?unix_socket=/tmp"])
    def test_missing_copy_raises_error_without_the_password(self, run_command, settings, url):
        settings.BITRIX_MYSQL_URL = url
        with unanswered():
            for name in ("import_bitrix_orders", "check_source"):
                with pytest.raises(CommandError, match=r"MySQL|BITRIX_MYSQL_URL") as error:
                    run_command(name=name)
                assert "hidden-word" not in str(error.value)
                del error

    @pytest.mark.parametrize(
        "options",
        [
            ["--count", "0"],
            ["--start-id", "-5"],
            ["--order", "x"],
            ["--since", "yesterday"],
            ["--until", "2025-02-31"],
            ["--batch-size", "0"],
            ["--batch-size", "1001"],
            ["--resume", "--dry-run"],
            ["--resume", "--count", "5"],
        ],
    )
    def test_invalid_options_raise_error(self, run_command, options):
        with pytest.raises(CommandError):
            run_command("--no-input", *options)

    def test_resume_without_a_run_raises_error(self, run_command):
        with pytest.raises(CommandError):
            run_command("--resume")

    def test_resume_of_an_active_run_raises_error(self, run_command):
        """The error does not say that the run has finished."""
        ImportRun.objects.create()  # The button has started this run. No worker has claimed it yet.
        with pytest.raises(CommandError, match="идёт"):
            run_command("--resume")

    @pytest.mark.parametrize("how", [["--no-input"], ["--dry-run"]])
    def test_unwritable_report_file_raises_error_before_the_import(self, run_command, tmp_path, how):
        with pytest.raises(CommandError, match="nowhere"):
            run_command(*how, "--report", str(tmp_path / "nowhere" / "report.csv"))
        assert not ImportRun.objects.exists()

    @pytest.mark.parametrize("key", [EOFError, KeyboardInterrupt])
    def test_import_does_not_start_when_the_question_is_aborted(self, run_command, monkeypatch, key):
        def leave(_question):
            raise key

        monkeypatch.setattr(import_bitrix_orders.sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", leave)
        with pytest.raises(CommandError, match="не сделано"):
            run_command()


def test_resume_with_another_copy_prints_a_warning(run_command):
    """The command prints a warning and not an error, because the same copy may have a different address."""
    ImportRun.objects.create(state="stopped", source="reader@elsewhere:3306/site", after_id=122150)
    status, said = run_command("--resume")
    assert status == 0
    assert "reader@elsewhere:3306/site" in said
    assert Order.objects.count() == 4


def test_since_and_until_are_days_in_the_shops_time_zone(run_command):
    run_command("--no-input", "--since", "2025-08-12", "--until", "2025-08-12")
    days = {f"{timezone.localtime(moment):%d.%m}" for moment in Order.objects.values_list("created_at", flat=True)}
    assert days == {"12.08"}
    assert Order.objects.count() > 3
    run = ImportRun.objects.get()
    assert run.options["since"] == "2025-08-12T00:00:00+05:00"
    assert run.options["until"] == "2025-08-13T00:00:00+05:00"
    assert run.expected == run.processed


class TestSeparateProcess:
    """Tests of the command in separate processes that use the test database."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def start(self, site_copy):
        processes = []

        def start(*arguments):
            environment = {
                **os.environ,
                "ENV_FILE": "",
                "SECRET_KEY": "made-up-and-long-enough-for-an-installation-in-production",
                "DEBUG": "off",
                "WEBHOOK_TOKENS": "made-up-and-long-enough",
                "DJANGO_SETTINGS_MODULE": "cvety_crm.settings",
                "DATABASE_URL": embedded_postgres.database_url(database=connection.settings_dict["NAME"]),
                "BITRIX_MYSQL_URL": site_copy.url("reader"),
                "BITRIX_PAY_SYSTEMS": "1=cash,2=card,3=kaspi",
            }
            command = [sys.executable, "manage.py", "import_bitrix_orders", "--no-input", *arguments]
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=project.BASE_DIR,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            killer = threading.Timer(240, process.kill)
            killer.start()
            processes.append((process, killer))
            return process

        yield start
        for process, killer in processes:
            killer.cancel()
            process.kill()
            process.wait()

    @pytest.mark.parametrize("how", ["Ctrl-C", "killed"])
    def test_resumed_import_gives_the_same_result_as_an_uninterrupted_one(self, start, site_copy, how):
        add_delay(site_copy)
        process = start("--batch-size", "3")
        while ImportRow.objects.count() < 6:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.02)
        process.send_signal(signal.SIGINT if how == "Ctrl-C" else signal.SIGKILL)
        said, _ = process.communicate()
        run = ImportRun.objects.get()
        assert 6 <= run.processed < 55
        if how == "Ctrl-C":
            assert (process.returncode, run.state) == (130, "stopped")
            assert "--resume" in said
            assert "Traceback" not in said
        else:
            assert run.state == "running"
        assert Order.objects.count() == run.created == ImportRow.objects.filter(outcome="created").count()

        remove_delay(site_copy)
        process = start("--resume")
        said, _ = process.communicate()
        assert process.returncode == 0, said
        assert "54 из 54 заказов перенесено" in said
        run = ImportRun.objects.get()
        assert (run.state, run.created, run.skipped, run.failed) == ("done", 54, 1, 0)
        stopped = {order.bitrix_order_id: everything(order) for order in Order.objects.all()}
        rows = list(ImportRow.objects.order_by("bitrix_order_id").values_list("bitrix_order_id", "outcome", "reasons"))

        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE orders, users, products, bitrix_import_runs CASCADE")
        process = start()
        said, _ = process.communicate()
        assert process.returncode == 0, said
        assert {order.bitrix_order_id: everything(order) for order in Order.objects.all()} == stopped
        clean = ImportRow.objects.order_by("bitrix_order_id").values_list("bitrix_order_id", "outcome", "reasons")
        assert list(clean) == rows

    @pytest.mark.parametrize("how", [["--no-input"], ["--dry-run"]])
    def test_lost_database_connection_fails_the_run_and_resume_finishes_it(self, run_command, monkeypatch, how):
        show, cut = import_bitrix_orders.Command.after_step, []

        def cut_once(command, run):
            if not cut:
                cut.append(True)
                process, other = connection.connection.info.backend_pid, connection.copy()
                with other.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(%s)", [process])
                other.close()
            show(command, run)

        monkeypatch.setattr(import_bitrix_orders.Command, "after_step", cut_once)
        with pytest.raises(CommandError, match="terminating connection") as error:
            run_command(*how)
        connection.close()
        if how == ["--dry-run"]:
            assert not ImportRun.objects.exists()
            assert not Order.objects.exists()
        else:
            assert "--resume" in str(error.value)
            assert run_command("--resume")[0] == 0
            assert Order.objects.count() == 54

    def test_stopped_dry_run_leaves_no_rows(self, start, site_copy):
        add_delay(site_copy)
        process = start("--dry-run", "--batch-size", "1")
        while not is_read(site_copy):
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.02)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate()
        assert process.returncode == 130, said
        assert "Traceback" not in said
        assert not Order.objects.exists()
        assert not ImportRun.objects.exists()


def add_delay(site_copy):
    """Make each batch slow. The test can then stop the run before its end."""
    site_copy.execute("ALTER TABLE b_sale_order_payment RENAME TO payments")
    columns = [row[0] for row in site_copy.execute("SHOW COLUMNS FROM payments")]
    names = ", ".join(f"`{column}`" for column in columns if column != "ORDER_ID")
    slow = "`ORDER_ID` + 0 * SLEEP(0.003) AS ORDER_ID"  # the query sleeps for each row that it reads
    site_copy.execute(f"CREATE SQL SECURITY INVOKER VIEW b_sale_order_payment AS SELECT {names}, {slow} FROM payments")


def remove_delay(site_copy):
    site_copy.execute("DROP VIEW b_sale_order_payment")
    site_copy.execute("ALTER TABLE payments RENAME TO b_sale_order_payment")


def is_read(site_copy) -> bool:
    sessions = site_copy.execute("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'reader'")
    return sessions[0][0] > 0


def test_check_source_prints_the_contents_and_changes_nothing(run_command):
    before = whole_database()
    status, said = run_command(name="check_source")
    assert status == 0
    assert whole_database() == before
    assert "MariaDB" in said
    assert "08.2025" in said
    assert "b_sale_order_change" in said
    assert "UN Нереализован" in said
    assert "ZZ" in said
    assert "read:er" not in said
    print(said)


def test_check_source_names_statuses_that_mean_something_else(run_command, site_copy):
    site_copy.execute("UPDATE b_sale_status_lang SET NAME = 'В пути' WHERE STATUS_ID = 'DE' AND LID = 'ru'")
    site_copy.execute("UPDATE b_sale_order SET STATUS_ID = 'DE' WHERE ID = 122104")
    before = whole_database()
    _status, said = run_command(name="check_source")
    assert "DE В пути  — здесь «Отклонён», этап «Отменён»: решите на странице «Статусы сайта»" in said
    assert whole_database() == before
