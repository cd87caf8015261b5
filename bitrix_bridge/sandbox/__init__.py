"""A sandbox that behaves like the shop's Bitrix site and answers over real HTTP.

Developers and tests use it, and it needs no Django. `python -m bitrix_bridge.sandbox` runs it. A test uses it like
this:

    with Sandbox(webhook_url=url) as sandbox:
        order = sandbox.place_order(recipient_name="Айгерім")
        sandbox.change_status(order["ID"], "AP")
        sandbox.flush()
"""

from __future__ import annotations

import random
import secrets
from types import TracebackType
from typing import Any, Literal

from .bridge import VERSIONS
from .creation import PROPERTY_OF_REQUEST_KEY
from .documents import NEW_IN_1_2
from .faults import Faults
from .sender import TIMEOUT, Sender
from .server import BRIDGE_PATH, SandboxServer
from .shop import order_request
from .site import Event, Site
from .storage import FileStorage, MemoryStorage, Storage
from .values import Order

__all__ = ["Event", "Faults", "Sandbox", "SandboxServer", "Sender", "Site"]


class Sandbox:
    """A context manager that runs a complete site on a free port of 127.0.0.1.

    If `webhook_url` is None, no webhook is sent; `.sender.events` contains the events in both cases. Tokens that are
    not given are random; read them from `.webhook_token`, `.api_token` and `.rest_secret`. `auth_in` selects whether
    the webhook token is sent in a header or in the body. If `legacy_bridge` is true, the bridge is the endpoint that
    the live site has today: it only creates orders. `bridge_version` "1.1" is the previous version of the bridge.
    `data_file` is the file that stores the data between runs; if it is None, the data is only in memory.

    The sender waits `retry_delays` seconds between attempts, and at most `timeout` seconds for an answer. It gives up
    an event after `max_tries` attempts, or never if `max_tries` is None. `place_order` places the same orders if `seed`
    is the same.
    """

    def __init__(
        self,
        webhook_url: str | None = None,
        *,
        webhook_token: str | None = None,
        api_token: str | None = None,
        rest_secret: str | None = None,
        auth_in: Literal["header", "body"] = "header",
        legacy_bridge: bool = False,
        bridge_version: str = VERSIONS["bridge"],
        data_file: str | None = None,
        retry_delays: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2),
        timeout: float = TIMEOUT,
        max_tries: int | None = None,
        seed: int = 1,
    ) -> None:
        self.api_token = api_token or secrets.token_hex(16)
        self.webhook_token = webhook_token or secrets.token_hex(16)
        self.rest_secret = rest_secret or secrets.token_hex(16)
        self.faults = Faults()
        self._storage: Storage = FileStorage(data_file) if data_file else MemoryStorage()
        self._random = random.Random(seed)
        self.site = Site(self._storage)
        if bridge_version == "1.1":
            self.site.omitted_keys = NEW_IN_1_2
        self.sender = Sender(
            self.site,
            webhook_url,
            self.webhook_token,
            auth_in=auth_in,
            storage=self._storage,
            retry_delays=retry_delays,
            timeout=timeout,
            max_tries=max_tries,
        )
        self.server = SandboxServer(
            self.site,
            api_token=self.api_token,
            rest_secret=self.rest_secret,
            faults=self.faults,
            queue_length=self.sender.waiting,
            pending_deletion=self.sender.pending_deletion,
            legacy_bridge=legacy_bridge,
            bridge_version=bridge_version,
        )
        self.url = self.server.url
        self.bridge_url = self.url + BRIDGE_PATH
        self.rest_url = f"{self.url}/rest/1/{self.rest_secret}/"

    def __enter__(self) -> Sandbox:
        """Start to answer requests and to send webhooks."""
        self.server.start()
        self.sender.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server and the sender.

        Webhooks that were not delivered remain in the data file, if there is one.
        """
        self.stop()

    def stop(self) -> None:
        """Stop the server and the sender. This method may be called twice."""
        self.server.stop()
        self.sender.stop()
        self._storage.close()

    def place_order(self, **overrides: Any) -> Order:
        """Place a plausible order of a customer, and return the stored order in the webhook's format.

        `overrides` are keys of the bridge's create request. They replace generated values; `properties` replace the
        generated properties one by one.
        """
        request = order_request(self._random)
        properties = {**request["properties"], **(overrides.pop("properties", None) or {})}
        # A key that the caller gives must override the same property of the generated order.
        for key, code in PROPERTY_OF_REQUEST_KEY.items():
            if key in overrides:
                properties[code] = overrides[key]
        return self.site.create_order({**request, **overrides, "properties": properties}).order

    def change_status(self, order_id: int | str, code: str) -> Order:
        """Set an order's status by the rules for staff of the site, and return the order.

        Raise `SiteError` 404 if the site does not have the order and 422 if it does not have the status.
        """
        return self.site.change_status(int(order_id), code)

    def flush(self, timeout: float = 5.0) -> None:
        """Wait until every webhook is delivered.

        Raise `TimeoutError` if this takes more than `timeout` seconds.
        """
        self.sender.flush(timeout)
