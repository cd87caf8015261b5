"""Progress in a terminal: a progress bar, or plain lines at intervals if the output can't be redrawn."""

import time
from typing import IO, Any, cast

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column

LINE_SECONDS = 5.0
"""The shortest time between two plain lines."""
BAR_SECONDS = 0.2
"""The shortest time between two redraws of the bar."""
BAR_WIDTH = 24


class ProgressLine:
    """The progress of one command."""

    def __init__(self, stdout: OutputWrapper) -> None:
        self._stdout = stdout
        self._console = Console(file=cast(IO[str], _WithoutEndings(stdout)), highlight=False)
        self._has_bar = self._console.is_terminal and not self._console.is_dumb_terminal
        self._bar: Bar | None = None
        self._task = TaskID(0)
        self._shown_at = 0.0

    def show(self, text: str, percent: int) -> None:
        """Show the progress, unless the time since the last output is shorter than the interval."""
        now = time.monotonic()
        if now - self._shown_at < (BAR_SECONDS if self._has_bar else LINE_SECONDS):
            return
        self._shown_at = now
        if not self._has_bar:
            self._stdout.write(text)
            return
        if self._bar is None:
            self._bar = self._new_bar()
            self._task = self._bar.add_task(text, completed=percent, total=100)
            self._bar.start()
            return
        self._bar.update(self._task, completed=percent, description=text)
        self._bar.refresh()

    def close(self) -> None:
        """Stop redrawing the bar, so that the next output starts on a new line."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _new_bar(self) -> Bar:
        text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
        return Bar(
            BarColumn(BAR_WIDTH if self._console.width > 3 * BAR_WIDTH else None),
            text,
            console=self._console,
            # There is no refreshing thread: the command refreshes the bar after each step.
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )


class _WithoutEndings:
    """Django's stdout wrapper without the line feed that it adds to each write."""

    def __init__(self, stdout: OutputWrapper) -> None:
        self._stdout = stdout

    def write(self, text: str) -> int:
        self._stdout.write(text, ending="")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stdout, name)
