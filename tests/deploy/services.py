"""A small replacement of systemd. It runs the units of an installation, with the sockets that they inherit.

It knows what the units of the CRM use: socket activation, `Type=notify`, `Restart=always` and `KillMode=mixed`. A
`systemctl` in the PATH of the installer sends its arguments to this process.
"""

import configparser
import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SYSTEMCTL = """#!{python}
import json, socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.connect({path!r})
    client.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    code, text = json.loads(client.makefile().readline())
sys.stderr.write(text)
sys.exit(code)
"""
HANDED_OVER = 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&{0}'


@dataclass
class Service:
    """A service that should run, and its process."""

    name: str
    process: "subprocess.Popen[bytes]"


class Services:
    """The services of a machine. `commands` are the arguments of each call of `systemctl`."""

    def __init__(self, root: Path, scratch: Path, on_nginx: Callable[[], None]) -> None:
        self.units, self.scratch, self.on_nginx = root / "etc/systemd/system", scratch, on_nginx
        self.commands: list[list[str]] = []
        self._sockets: dict[str, socket.socket] = {}
        self._running: dict[str, Service] = {}
        self._lock = threading.RLock()
        self._is_closed = threading.Event()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(scratch / "systemctl.socket"))
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()
        threading.Thread(target=self._restart_ended, daemon=True).start()

    def write_systemctl(self, path: Path) -> None:
        """Write the program that the installer calls."""
        path.write_text(SYSTEMCTL.format(python=sys.executable, path=str(self.scratch / "systemctl.socket")))
        path.chmod(0o755)

    def pid(self, name: str) -> int:
        """Return the process id of a running service, such as `cvety-web`."""
        return self._running[f"{name}.service"].process.pid

    def kill(self, name: str) -> None:
        """Kill a service with all its processes, as if memory ran out. It is started again by itself."""
        _kill_group(self.pid(name))

    def log(self, name: str) -> str:
        """Return the output of a service."""
        return (self.scratch / f"{name}.service.log").read_text(errors="replace")

    def call(self, *arguments: str) -> None:
        """Do what `systemctl` does with these arguments. Raise `RuntimeError` if a service does not start."""
        verb, *units = [argument for argument in arguments if not argument.startswith("-")]
        for unit in units:
            if "." not in unit:
                unit += ".service"
            if unit == "nginx.service":
                self.on_nginx()
            elif not (self.units / unit).exists():
                continue  # a service of the operating system, such as PostgreSQL
            elif verb == "enable" and "--now" in arguments:
                self._start(unit)
            elif verb in ("start", "restart"):
                if verb == "restart":
                    self.stop(unit)
                self._start(unit)
            elif verb == "stop":
                self.stop(unit)

    def stop(self, unit: str) -> None:
        """Stop a service as `KillMode=mixed` does, or close a socket."""
        with self._lock:
            if unit in self._sockets:
                self._sockets.pop(unit).close()
            service = self._running.pop(unit, None)
        if service is None:
            return
        assert self._options(unit)["KillMode"] == "mixed"
        service.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.process.wait(float(self._options(unit)["TimeoutStopSec"]))
        _kill_group(service.process.pid)
        service.process.wait()

    def close(self) -> None:
        """Stop everything."""
        self._is_closed.set()
        for unit in [*self._running, *self._sockets]:
            self.stop(unit)
        self._server.close()

    def _options(self, unit: str) -> "configparser.SectionProxy":
        parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(self.units / unit)
        return parser["Socket" if unit.endswith(".socket") else "Service"]

    def _start(self, unit: str) -> None:
        if unit in self._running or unit in self._sockets:
            return
        options = self._options(unit)
        if unit.endswith(".socket"):
            host, _, port = options["ListenStream"].rpartition(":")
            # systemd sets SO_REUSEADDR, too.
            self._sockets[unit] = socket.create_server((host, int(port)), backlog=int(options["Backlog"]))
            return
        if self._sockets.get(f"{unit.removesuffix('.service')}.socket") is None and "notify" in options["Type"]:
            self._start(f"{unit.removesuffix('.service')}.socket")
        self._running[unit] = Service(unit, self._run(unit, options))

    def _run(self, unit: str, options: "configparser.SectionProxy") -> "subprocess.Popen[bytes]":
        command = shlex.split(options["ExecStart"])
        environment = {"PATH": "/usr/bin:/bin", **dict([options["Environment"].split("=", 1)])}
        listener = self._sockets.get(f"{unit.removesuffix('.service')}.socket")
        handed: tuple[int, ...] = ()
        if listener is not None:
            handed = (listener.fileno(),)
            command = ["bash", "-c", HANDED_OVER.format(listener.fileno()), "unit", *command]
        with (self.scratch / f"{unit}.log").open("ab") as log, self._notification(options) as ready:
            if ready is not None:
                environment["NOTIFY_SOCKET"] = ready.getsockname()
            process = subprocess.Popen(
                command, cwd=os.path.realpath(options["WorkingDirectory"]), env=environment, pass_fds=handed,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
            if ready is not None:
                self._wait(ready, process, unit, float(options["TimeoutStartSec"]))
        return process

    @contextlib.contextmanager
    def _notification(self, options: "configparser.SectionProxy") -> Iterator[socket.socket | None]:
        if options["Type"] != "notify":
            yield None
            return
        path = self.scratch / f"notify-{time.monotonic_ns()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(path))
            ready.settimeout(0.1)
            yield ready
        path.unlink()

    def _wait(self, ready: socket.socket, process: "subprocess.Popen[bytes]", unit: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(TimeoutError):
                if b"READY=1" in ready.recv(4096):
                    return
        _kill_group(process.pid)
        process.wait()
        raise RuntimeError(f"Job for {unit} failed.")

    def _restart_ended(self) -> None:
        while not self._is_closed.wait(0.1):
            with self._lock:
                ended = [service for service in self._running.values() if service.process.poll() is not None]
                for service in ended:
                    del self._running[service.name]
            for service in ended:
                _kill_group(service.process.pid)  # systemd kills what is left in the control group
                time.sleep(float(self._options(service.name)["RestartSec"]))
                with contextlib.suppress(RuntimeError), self._lock:
                    self._start(service.name)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                with client:
                    arguments = json.loads(client.makefile().readline())
                    self.commands.append(arguments)
                    answer: tuple[int, str] = (0, "")
                    try:
                        self.call(*arguments)
                    except Exception as error:
                        answer = (1, f"{error}\n")
                    client.sendall(json.dumps(answer).encode() + b"\n")


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
