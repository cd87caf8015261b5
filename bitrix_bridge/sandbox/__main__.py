"""The command that runs the sandbox.

Call it as `python -m bitrix_bridge.sandbox --port 8002 --webhook-url URL --data-file PATH`. It is for development only:
it does not start unless DEBUG is on. The environment contains the tokens: BITRIX_API_TOKEN, and WEBHOOK_TOKENS, of
which the first is used.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Mapping, Sequence

from .sender import Sender
from .server import BRIDGE_PATH, SandboxServer
from .shop import simulate_shop
from .site import Site
from .storage import FileStorage, MemoryStorage, Storage

logger = logging.getLogger("bitrix_bridge.sandbox")


class CannotStartError(Exception):
    """An error that prevents the start of the sandbox. Its message is one line."""


def tokens(environment: Mapping[str, str], *, sends_webhooks: bool) -> tuple[str, str]:
    """Return the API token and the webhook token.

    Raise `CannotStartError` if DEBUG is off, if the API token is missing, or if the webhook token is missing although
    webhooks are sent.
    """
    if environment.get("DEBUG", "").strip().lower() not in ("1", "true", "yes", "on"):
        raise CannotStartError("the sandbox is for development only: it starts with DEBUG on, and DEBUG is off")
    api_token = environment.get("BITRIX_API_TOKEN", "").strip()
    if not api_token:
        raise CannotStartError("BITRIX_API_TOKEN is not set: the sandbox must know the token that the CRM sends")
    webhook_token = environment.get("WEBHOOK_TOKENS", "").split(",")[0].strip()
    if sends_webhooks and not webhook_token:
        raise CannotStartError("WEBHOOK_TOKENS is not set: the CRM would refuse every webhook")
    return api_token, webhook_token


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT, and return the exit status: 2 if the sandbox could not start, otherwise 0."""
    parser = argparse.ArgumentParser(
        prog="python -m bitrix_bridge.sandbox", description="A sandbox for the shop's site"
    )
    parser.add_argument("--port", type=int, default=8002, help="port on 127.0.0.1 (8002)")
    parser.add_argument("--webhook-url", default=None, help="where the CRM receives webhooks; without it none are sent")
    parser.add_argument("--data-file", default=None, help="sqlite3 file that keeps the data; without it, memory")
    parser.add_argument("--every", type=float, default=6.0, help="seconds between events in the shop (6); 0: none")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s sandbox %(message)s", datefmt="%H:%M:%S")
    try:
        api_token, webhook_token = tokens(os.environ, sends_webhooks=options.webhook_url is not None)
        storage: Storage = FileStorage(options.data_file) if options.data_file else MemoryStorage()
        site = Site(storage)
        sender = Sender(site, options.webhook_url, webhook_token, storage=storage)
        server = SandboxServer(site, api_token=api_token, port=options.port, queue_length=sender.waiting)
    except CannotStartError as reason:
        print(f"sandbox: {reason}", file=sys.stderr)
        return 2
    except (OSError, OverflowError, sqlite3.Error) as error:
        print(f"sandbox: cannot start: {error}", file=sys.stderr)
        return 2

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server.start()
    sender.start()
    logger.info("listening on %s, the bridge is %s%s", server.url, server.url, BRIDGE_PATH)
    if options.every > 0:
        simulate_shop(site, options.every, stop)
    stop.wait()
    server.stop()
    sender.stop()
    storage.close()
    logger.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
