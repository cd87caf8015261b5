"""The processes that have leases of runs."""

import os
import socket


def current_process() -> str:
    """Return `host:pid` of this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_dead(process: str) -> bool:
    """Return whether a process has ended. Return False for a process of another machine, which cannot be checked."""
    host, _, number = process.rpartition(":")
    if host != socket.gethostname() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
