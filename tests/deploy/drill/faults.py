"""The faults of the drill. Each function causes one, waits, and ends it; the CRM must recover by itself afterwards."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from bitrix_bridge.sandbox import faults
from cvety_crm.dev import embedded_postgres
from tests.deploy.drill.stack import Stack

AWAY = 2.0
"""Seconds for which a killed server is away."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault with its name in the table. Some faults need the rights of root."""

    name: str
    cause: Callable[[Stack], None]
    needs_root: bool = False


def nothing(stack: Stack) -> None:
    """Cause no fault, for comparison."""
    time.sleep(AWAY)


def kill_web(stack: Stack) -> None:
    """Kill all web processes, then only the main one."""
    stack.machine.services.kill("cvety-web")
    time.sleep(AWAY)
    _wait_for(stack, "cvety-web")
    os.kill(stack.machine.services.pid("cvety-web"), 9)


def kill_worker(stack: Stack) -> None:
    """Kill the worker while the site is processing its request."""
    stack.site.faults.give(faults.slow(2), action="order.status")
    _wait_until_given(stack)
    time.sleep(0.5)
    stack.machine.services.kill("cvety-worker")
    time.sleep(AWAY)


def kill_postgresql(stack: Stack) -> None:
    """Kill all processes of PostgreSQL, and start it again later. An operating system does this by itself."""
    first = _postgres(stack)
    processes = [first, *first.children(recursive=True)]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)
    time.sleep(AWAY)
    embedded_postgres.revive(stack.machine.postgres)


def kill_pooler(stack: Stack) -> None:
    """Kill PgBouncer, and start it again later."""
    stack.machine.pooler.kill()
    time.sleep(AWAY)
    stack.machine.pooler.start()


def fill_disk(stack: Stack) -> None:
    """Fill the disk of the database, and free it later. If PostgreSQL has stopped, it is started again."""
    ballast = stack.machine.postgres / "ballast"
    with ballast.open("wb") as file:
        # Not all free blocks can be allocated at once, so that the rest is written.
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(stack.machine.postgres).free - 1024 * 1024)
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
                file.flush()
    _wait_until_refused(stack)
    time.sleep(AWAY)
    ballast.unlink()
    embedded_postgres.revive(stack.machine.postgres)


def lie(fault: faults.Fault) -> Callable[[Stack], None]:
    """Return a fault: the first answer of the site's bridge about each changed order is wrong."""

    def cause(stack: Stack) -> None:
        stack.site.faults.give(fault, times=len(stack.changed[stack.phase]), action="order.status")
        _wait_until_given(stack)

    return cause


def _wait_until_given(stack: Stack, seconds: float = 60) -> None:
    """Wait until the site has given its wrong answers, and do not give those that are left."""
    deadline = time.monotonic() + seconds
    while stack.site.faults.waiting() and time.monotonic() < deadline:
        time.sleep(0.2)
    stack.site.faults.clear()


def _wait_until_refused(stack: Stack) -> None:
    deadline = time.monotonic() + 90
    refused = len(stack.refusals())
    while len(stack.refusals()) == refused and time.monotonic() < deadline:
        time.sleep(0.2)


def _wait_for(stack: Stack, service: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(KeyError):
            stack.machine.services.pid(service)
            return
        time.sleep(0.1)


def _postgres(stack: Stack) -> psutil.Process:
    pid_file: Path = stack.machine.postgres / "data/postmaster.pid"
    return psutil.Process(int(pid_file.read_text().splitlines()[0]))


FAULTS = (
    Fault("none", nothing),
    Fault("web killed twice", kill_web),
    Fault("worker killed", kill_worker),
    Fault("PostgreSQL killed", kill_postgresql),
    Fault("pooler killed", kill_pooler),
    Fault("disk full", fill_disk, needs_root=True),
    Fault("bridge: 302", lie(faults.redirect())),
    Fault("bridge: HTML", lie(faults.html())),
    Fault("bridge: 200, refused", lie(faults.success_false_200())),
    Fault("bridge: 200, no effect", lie(faults.Fault("answer", body='{"success": true}'))),
    Fault("bridge: answer lost", lie(faults.answer_lost())),
)
