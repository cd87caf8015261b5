"""Tests of a command that works on a run: its output, and the state of the run at the end of the command."""

import io
import signal
from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.core.management.base import OutputWrapper
from django.db import OperationalError

from bitrix_bridge.models import ImportRun
from cvety_crm.long_runs import command as module
from cvety_crm.long_runs import terminal
from cvety_crm.long_runs.command import LongRunCommand
from cvety_crm.long_runs.engine import LeaseLostError
from cvety_crm.long_runs.terminal import ProgressLine


@pytest.fixture(autouse=True)
def _signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def command(engine, monkeypatch):
    monkeypatch.setattr(terminal, "LINE_SECONDS", 0.0)
    # The connection must remain open for the transaction of the test.
    monkeypatch.setattr(module.connection, "close", lambda: None)

    class Command(LongRunCommand):
        lease_lost_text = "it was stopped"

        def progress_text(self, run, far):
            return f"{far.done} of {far.expected}"

    Command.engine = engine
    Command.__module__ = "somewhere.commands.count_flowers"
    return Command(stdout=io.StringIO(), stderr=io.StringIO(), no_color=True)


class Terminal(io.StringIO):
    def isatty(self):
        return True


class TestLine:
    def test_output_to_a_file_has_a_line_at_each_interval(self, monkeypatch):
        out = io.StringIO()
        line = ProgressLine(OutputWrapper(out))
        for percent in (1, 2, 3):
            line.show(f"{percent} of 100", percent)
        monkeypatch.setattr(terminal, "LINE_SECONDS", 0.0)
        line.show("4 of 100", 4)
        line.close()
        assert out.getvalue() == "1 of 100\n4 of 100\n"

    @pytest.mark.parametrize(("name", "has_bar"), [("xterm", True), ("dumb", False)])
    def test_terminal_shows_a_bar_only_if_it_can_redraw(self, monkeypatch, name, has_bar):
        monkeypatch.setenv("TERM", name)
        monkeypatch.setattr(terminal, "BAR_SECONDS", 0.0)
        out = Terminal()
        line = ProgressLine(OutputWrapper(out))
        line.show("40 of [100]", 40)
        line.show("41 of [100]", 41)
        line.close()
        said = out.getvalue()
        assert "40 of [100]" in said
        assert said.endswith("\n\x1b[?25h" if has_bar else "100]\n")
        assert ("\r" in said, "━" in said) == (has_bar, has_bar)


@pytest.mark.django_db
class TestLongRunCommand:
    def test_command_shows_the_progress_after_each_step(self, command, engine):
        run = engine.start(is_claimed=True, expected=3)
        with command.holding(run):
            for _ in range(3):
                engine.record(run, {"created": 1})
                command.after_step(run)
            engine.finish(run)
        lines = command.stdout._out.getvalue().splitlines()
        assert [line.split(",")[0] for line in lines] == ["1 of 3", "2 of 3", "3 of 3"]
        assert (run.state, run.created) == ("done", 3)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_signal_stops_the_run_after_the_current_step(self, command, engine, number):
        run = engine.start(is_claimed=True)
        with pytest.raises(SystemExit) as end, command.holding(run):  # noqa: PT012 - the signal ends the block
            signal.raise_signal(number)
            engine.record(run, {"created": 1})  # this is the current step, which is completed after the signal
            command.after_step(run)
            raise AssertionError("the command was not stopped")
        run.refresh_from_db()
        assert (end.value.code, run.state, run.created) == (130, "stopped", 1)
        said = command.stderr._out.getvalue()
        assert said == "Остановлено. Продолжить: manage.py count_flowers --resume\n"

    def test_second_signal_stops_the_run_during_the_step(self, command, engine):
        run = engine.start(is_claimed=True)
        with pytest.raises(SystemExit), command.holding(run):  # noqa: PT012 - the signal ends the block
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("the command was not stopped")
        run.refresh_from_db()
        assert run.state == "stopped"

    def test_signal_ends_a_retry_delay(self, command, engine):
        run = engine.start(is_claimed=True)
        with pytest.raises(SystemExit), command.holding(run):  # noqa: PT012 - the signal ends the block
            signal.raise_signal(signal.SIGINT)
            command.wait(timedelta(hours=1))

    def test_lost_lease_ends_the_command_without_changing_the_run(self, command, engine):
        run = engine.start(is_claimed=True)
        with pytest.raises(CommandError, match=r"^it was stopped$"), command.holding(run):
            raise LeaseLostError
        run.refresh_from_db()
        assert run.state == "running"

    def test_database_error_fails_the_run_with_the_resume_command(self, command, engine):
        run = engine.start(is_claimed=True)
        with pytest.raises(CommandError) as error, command.holding(run):
            raise OperationalError("the database is away")
        assert str(error.value) == "the database is away\nПродолжить: manage.py count_flowers --resume"
        assert ImportRun.objects.values_list("state", "error").get() == ("failed", "the database is away")

    def test_unexpected_error_is_raised(self, command, engine):
        run = engine.start(is_claimed=True)
        with pytest.raises(ZeroDivisionError), command.holding(run):
            _ = 1 / 0
