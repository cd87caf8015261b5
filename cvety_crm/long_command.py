"""What a command has that runs for minutes: a line of progress, and an end after the present step if told to."""

import shutil
import signal
import time
from types import FrameType

from django.core.management.base import BaseCommand

LINE_SECONDS = 5.0
"""Between two lines of progress where they can't be overwritten."""
BAR_SECONDS = 0.2
BAR_WIDTH = 24


class LongCommand(BaseCommand):
    """Call `watch_signals` at the beginning, `stop_if_requested` and `show_progress` after each step."""

    _is_stopping = False
    _is_line_open = False
    _shown_at = 0.0

    def watch_signals(self) -> None:
        """Let Ctrl-C and `kill` end the command after the present step, which a signal would tear apart."""
        self._is_stopping, self._shown_at = False, 0.0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def stop_if_requested(self) -> None:
        """Raise `KeyboardInterrupt` if the command was told to stop."""
        if self._is_stopping:
            raise KeyboardInterrupt

    def show_progress(self, text: str, percent: int) -> None:
        """Show how far it is: a bar in a terminal, else a line now and then."""
        is_terminal, now = self.stdout.isatty(), time.monotonic()
        if now - self._shown_at < (BAR_SECONDS if is_terminal else LINE_SECONDS):
            return
        self._shown_at = now
        if not is_terminal:
            self.stdout.write(text)
            return
        # A line that is wider than the terminal can't be overwritten: its last column stays free, too.
        columns = shutil.get_terminal_size().columns - 1
        width = max(0, min(BAR_WIDTH, columns - len(text) - 1))
        done = width * percent // 100
        line = f"{'█' * done}{'░' * (width - done)} {text}".lstrip()[:columns]
        self.stdout.write(f"\r\x1b[K{line}", ending="")
        self.stdout.flush()
        self._is_line_open = True

    def end_line(self) -> None:
        """Leave the bar where it is: what is said next begins on a line of its own."""
        if self._is_line_open:
            self.stdout.write("")
            self._is_line_open = False

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        # A second one does not wait.
        if self._is_stopping:
            raise KeyboardInterrupt
        self._is_stopping = True
