"""Read the address to listen on from HOST and PORT, and check that it is free.

This module does not import Django, so a port in use is reported before anything else starts.
"""

import errno
import os
import socket

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8001


def listen_address() -> tuple[str, int]:
    """Return the host and port to listen on.

    Raise `ValueError` with a readable message if PORT is not the number of a port.
    """
    host = os.environ.get("HOST") or DEFAULT_HOST
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return host, int(text)


def exit_unless_free() -> None:
    """Exit with status 1 and one line on stderr when it is not possible to listen on the address."""
    try:
        host, port = listen_address()
    except ValueError as error:
        raise SystemExit(str(error)) from None
    try:
        _bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"Port {port} on {host} is already in use: stop what uses it, or set PORT to another."
        else:
            reason = f"Cannot listen on {host}:{port}: {error.strerror or error}."
        raise SystemExit(reason) from None


def free_port(preferred: int) -> int:
    """Return a free port of this machine: the preferred port if possible.

    Raise `OSError` if no port is free.
    """
    for port in (preferred, 0):
        try:
            with socket.create_server((DEFAULT_HOST, port)) as probe:
                return int(probe.getsockname()[1])
        except (OSError, OverflowError):
            continue
    raise OSError("No port is free.")


def _bind(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Like gunicorn, create_server sets SO_REUSEADDR, so a port in TIME_WAIT is considered free.
    with socket.create_server((host, port), family=family):
        pass
