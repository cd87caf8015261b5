"""Run several programs in parallel and stop them together.

honcho and foreman are not used, because they stop a program by sending SIGTERM to its process group. If all processes
of a django-q cluster get the signal, the cluster loses its sentinel process and then waits for it for ever. This
supervisor sends SIGTERM only to the first process of each program, which stops its own child processes. Process groups
that are still running after `STOP_TIMEOUT` are killed.

Each program runs in its own session, so Ctrl-C in the terminal reaches only the supervisor. If the supervisor is
killed, its watchdog stops the programs in the same way. The watchdog is a small process that detects when the pipe to
the supervisor closes.

The code is single-threaded and uses only the standard library, because the watchdog runs this file as a script.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

STOP_TIMEOUT = 8.0  # seconds between SIGTERM and SIGKILL
RESTART_DELAYS = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before a crashed program is restarted
STABLE_AFTER = 60.0  # seconds; after a run of this length the restart delays begin again
POLL = 0.2  # seconds


@dataclass(frozen=True)
class Program:
    """A program to run: its name in the output, its command line, and additional environment variables."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """A supervisor that keeps programs running until SIGINT, SIGTERM or SIGHUP arrives.

    A second Ctrl-C kills the programs at once.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        stop_timeout: float = STOP_TIMEOUT,
        restart_delays: Sequence[float] = RESTART_DELAYS,
        on_tick: Callable[[], None] | None = None,
    ) -> None:
        self.stop_timeout = stop_timeout
        self.on_tick = on_tick
        self._selector = selectors.DefaultSelector()
        width = max((len(program.name) for program in programs), default=0)
        self._children = [_Child(program, restart_delays, width, self._print) for program in programs]
        self._stopping_since: float | None = None
        self._kill_now = False
        self._watchdog: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Start the programs, and return after all of them have stopped."""
        handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        previous = {number: signal.signal(number, self._on_signal) for number in handled}
        try:
            self._start_watchdog()
            try:
                self._supervise()
            finally:
                self._stop()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            self._selector.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
        elif time.monotonic() - self._stopping_since > 0.5:  # a closing terminal sends several signals
            self._kill_now = True

    def _supervise(self) -> None:
        next_tick = time.monotonic() + 5
        while self._stopping_since is None:
            for child in self._children:
                if child.process is None and time.monotonic() >= child.start_at:
                    self._start(child)
                elif child.process is not None and child.process.poll() is not None:
                    self._restart_later(child)
            if self.on_tick and time.monotonic() >= next_tick:
                self.on_tick()
                next_tick = time.monotonic() + 5
            self._forward(POLL)

    def _start(self, child: "_Child") -> None:
        try:
            process = child.start()
        except OSError as error:
            self._print(f"{child.program.name} cannot be started: {error}. Trying again in {child.postpone():g} s.")
            return
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
            self._selector.register(process.stdout, selectors.EVENT_READ, child)
        self._notify_watchdog(f"+{process.pid}")

    def _restart_later(self, child: "_Child") -> None:
        process = self._finish(child)
        delay = child.postpone()
        self._print(f"{child.program.name} {_ending(process.returncode)}. Starting it again in {delay:g} s.")

    def _finish(self, child: "_Child") -> "subprocess.Popen[bytes]":
        """Kill the remaining processes of an ended program, and clear its state."""
        process = child.process
        assert process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdout is not None:
            if process.stdout in self._selector.get_map():
                self._selector.unregister(process.stdout)
            child.forward(last=True)
            process.stdout.close()
        self._notify_watchdog(f"-{process.pid}")
        child.process = None
        return process

    def _stop(self) -> None:
        running = [child for child in self._children if child.process is not None]
        for child in running:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + self.stop_timeout
        killed = False
        while running:
            if not killed and (time.monotonic() >= deadline or self._kill_now):
                killed = True
                for child in running:
                    self._print(f"{child.program.name} does not stop by itself; killing it.")
                    child.kill()
            for child in [child for child in running if child.process and child.process.poll() is not None]:
                self._finish(child)
                running.remove(child)
            self._forward(0.05 if running else 0)
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
            self._watchdog.wait()

    def _forward(self, timeout: float) -> None:
        """Print the output of the programs. Wait at most `timeout` seconds for output."""
        if not self._selector.get_map():
            time.sleep(timeout)
            return
        for key, _ in self._selector.select(timeout):
            child: _Child = key.data
            if not child.forward():
                self._selector.unregister(key.fileobj)  # a closed pipe would wake the selector repeatedly

    def _print(self, line: str) -> None:
        try:
            print(line, flush=True)  # noqa: T201 - the output of the programs belongs on the terminal
        except OSError:
            # The terminal is closed. Stop, and discard further output.
            self._stopping_since = self._stopping_since or time.monotonic()
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _start_watchdog(self) -> None:
        # The option -I is needed: the modules in this file's folder must not shadow the standard library.
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", __file__, str(self.stop_timeout)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def _notify_watchdog(self, line: str) -> None:
        if self._watchdog is not None and self._watchdog.stdin is not None:
            with contextlib.suppress(OSError):
                self._watchdog.stdin.write(line.encode() + b"\n")
                self._watchdog.stdin.flush()


class _Child:
    """A program, its current process, and its recent failures."""

    def __init__(
        self, program: Program, restart_delays: Sequence[float], width: int, print_line: Callable[[str], None]
    ) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.start_at = 0.0
        self._restart_delays = restart_delays
        self._prefix = f"{program.name:<{width}} | "
        self._print = print_line
        self._started = 0.0
        self._failures = 0
        self._unfinished = b""

    def start(self) -> "subprocess.Popen[bytes]":
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            list(self.program.command),
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.program.environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
            start_new_session=True,
        )  # fmt: skip
        return self.process

    def postpone(self) -> float:
        """Set the time of the next start, with a longer delay after each early exit. Return the delay in seconds."""
        now = time.monotonic()
        if now - self._started >= STABLE_AFTER:
            self._failures = 0
        delay = self._restart_delays[min(self._failures, len(self._restart_delays) - 1)]
        self._failures += 1
        self.start_at = now + delay
        return delay

    def forward(self, last: bool = False) -> bool:
        """Print the complete lines that have arrived. Return False if the output has ended."""
        assert self.process is not None
        assert self.process.stdout is not None
        data = self.process.stdout.read(65536)
        lines = (self._unfinished + (data or b"")).split(b"\n")
        self._unfinished = lines.pop()
        if last and self._unfinished:
            lines.append(self._unfinished)
            self._unfinished = b""
        for line in lines:
            self._print(self._prefix + line.decode(errors="replace").rstrip("\r"))
        return data != b""

    def send(self, number: signal.Signals) -> None:
        """Send the signal only to the first process. A django-q cluster hangs if its process group gets SIGTERM."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill the process group."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"stopped by itself (exit status {status})"


def _watch(stop_timeout: float) -> None:
    """Read process ids from the supervisor. When the supervisor has ended, stop the processes that still run."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    running: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            running.add(pid)
        else:
            running.discard(pid)
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + stop_timeout
    while time.monotonic() < deadline and any(_exists(pid) for pid in running):
        time.sleep(0.1)
    for pid in running:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    _watch(float(sys.argv[1]))
