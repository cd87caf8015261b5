"""Management commands that take minutes. They show their progress, and Ctrl-C stops them after the current step."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection
from django.utils.functional import Promise
from django.utils.translation import gettext

from cvety_crm.long_runs.engine import LeaseLostError, RunEngine
from cvety_crm.long_runs.progress import Progress, progress
from cvety_crm.long_runs.terminal import ProgressLine

STOPPED = 130
"""The exit status after Ctrl-C, by the convention of shells: 128 plus the number of SIGINT."""
DATABASE_ERRORS = (OperationalError, InterfaceError)


class StoppableCommand(BaseCommand):
    """A command that Ctrl-C ends after its current step.

    It calls `watch_signals` once, and `raise_if_stopped` in each step.
    """

    _is_stopping = False

    def watch_signals(self) -> None:
        """Make Ctrl-C and `kill` end the command after the current step; a second signal ends it at once."""
        self._is_stopping = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def raise_if_stopped(self) -> None:
        """Raise `KeyboardInterrupt` if a signal was received."""
        if self._is_stopping:
            raise KeyboardInterrupt

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_stopping:
            raise KeyboardInterrupt
        self._is_stopping = True


class LongRunCommand(StoppableCommand):
    """A command that works on a run to its end, in its own process."""

    engine: RunEngine[Any]
    lease_lost_text: str | Promise
    failing_errors: tuple[type[Exception], ...] = DATABASE_ERRORS
    """Errors that end the run as failed, with their message."""

    _line: ProgressLine | None = None

    # --- hooks

    def progress_text(self, run: Any, far: Progress) -> str:
        """Return the progress line without the time left."""
        raise NotImplementedError

    # --- for subclasses

    @contextmanager
    def holding(self, run: Any) -> Iterator[None]:
        """Work on a leased run inside the `with` block: stop the run after a signal, and fail it after an error.

        The command ends in both cases.
        """
        try:
            with self.watching():
                yield
        except KeyboardInterrupt:
            connection.close()  # a statement may be in progress
            self.engine.stop(run)
            self.stderr.write(gettext("Stopped. Resume it with: %(command)s") % {"command": self._resume_command()})
            sys.exit(STOPPED)
        except LeaseLostError:
            raise CommandError(str(self.lease_lost_text)) from None
        except self.failing_errors as error:
            connection.close()
            # If the database does not answer, the run is found abandoned later, because its process has ended.
            with suppress(*DATABASE_ERRORS, LeaseLostError):
                self.engine.fail(run, str(error))
            raise self.resumable_error(str(error)) from error

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Show progress inside the `with` block. A signal stops the command after the current step."""
        self.watch_signals()
        self._line = ProgressLine(self.stdout)
        try:
            yield
        finally:
            self.end_line()

    def after_step(self, run: Any) -> None:
        """Show the progress of the run.

        Raise `KeyboardInterrupt` if a signal was received.
        """
        self.raise_if_stopped()
        if self._line is None:
            return
        far = progress(run)
        text = self.progress_text(run, far)
        if far.time_left:
            text += ", " + gettext("%(time)s left") % {"time": far.time_left}
        self._line.show(text, far.percent or 0)

    def end_line(self) -> None:
        """End the progress line, so that the next output starts on a new line."""
        if self._line is not None:
            self._line.close()

    def wait(self, delay: timedelta) -> None:
        """Wait for the delay.

        Raise `KeyboardInterrupt` if a signal is received.
        """
        until = time.monotonic() + delay.total_seconds()
        while (left := until - time.monotonic()) > 0:
            self.raise_if_stopped()
            time.sleep(min(left, 0.5))

    def resumable_error(self, why: str) -> CommandError:
        """Return the error of a run that can be resumed, with the command that resumes it."""
        advice = gettext("Resume it with: %(command)s") % {"command": self._resume_command()}
        return CommandError(f"{why}\n{advice}")

    def _resume_command(self) -> str:
        return f"manage.py {type(self).__module__.rpartition('.')[2]} --resume"
