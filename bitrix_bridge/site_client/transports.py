"""Choose the transport of each request to the site: the PHP bridge or REST. No other module makes this choice.

Statuses are sent by REST if `BITRIX_REST_URL` is set. All other requests use the bridge. If there is no bridge, or only
the site's earlier endpoint that can only create orders, the requests that REST supports use REST.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from bitrix_bridge.payloads.listing import OrderPage
from bitrix_bridge.site_client.bridge_client import BridgeClient, Created, Updated, Version
from bitrix_bridge.site_client.rest_client import RestClient
from cvety_crm.outbox import MisconfiguredError

ONE_SAVE: Version = (1, 2)
"""The first version of the bridge that changes the status and other fields in one save."""


class NoTransportError(MisconfiguredError):
    """The settings have no transport for this request; other requests may have one."""


class SiteClient:
    """The site, over either transport. Every method raises the failures of `cvety_crm.outbox`."""

    def __init__(self, timeout: float | None = None) -> None:
        self._bridge = BridgeClient(timeout=timeout)
        self._rest = RestClient(timeout=timeout) if settings.BITRIX_REST_URL else None

    def create_order(self, order: Mapping[str, Any]) -> Created:
        """Create an order, or return the existing one with the same `xml_id`: see `BridgeClient.create_order`."""
        if self._rest is not None and not self._bridge.url:
            raise NoTransportError(
                gettext("REST can't create an order: set BITRIX_API_URL, the bridge (bitrix_bridge/php).")
            )
        return self._bridge.create_order(order)

    def set_status(self, order_id: int, *, status_id: str, expected_status_id: str) -> Updated:
        """Set an order's status if it is still the expected one. Raise `StatusConflictError` if it is not."""
        client = self._bridge if self._rest is None else self._rest
        return client.set_status(order_id, status_id=status_id, expected_status_id=expected_status_id)

    def update_order(self, order_id: int, changes: Mapping[str, Any], *, event_id: str = "") -> Updated:
        """Change the named fields, properties or items of an order. Raise `NoTransportError`.

        REST has no `event_id`, so a request that is repeated over REST may be executed twice.
        """
        if self._rest is None or self._has_whole_bridge():
            return self._bridge.update_order(order_id, changes, event_id=event_id)
        if not self._rest.can_update(changes):
            raise NoTransportError(gettext("REST can't change this: the bridge is needed (bitrix_bridge/php)."))
        return self._rest.update_order(order_id, changes)

    def takes_status_along(self) -> bool:
        """Return whether an update may contain a new status and the expected one. Raise any error of a request."""
        return self._rest is None and self._is_bridge_since(ONE_SAVE)

    def get_order(self, order_id: int) -> dict[str, Any]:
        """Return an order in a format that `bitrix_bridge.payloads` reads.

        Raise `OrderNotFoundError` or `OrderArchivedError`.
        """
        if self._rest is None or self._has_whole_bridge():
            return self._bridge.get_order(order_id)
        return self._rest.get_order(order_id)

    def list_orders(self, *, since: datetime | None = None, after_id: int = 0, limit: int = 500) -> OrderPage:
        """Return the orders with ids above `after_id`, sorted by id; with `since`, only those saved since then.

        The site may return fewer or more orders than `limit`.
        """
        if self._rest is None or self._has_whole_bridge():
            return self._bridge.list_orders(since=since, after_id=after_id, limit=limit)
        return self._rest.list_orders(since=since, after_id=after_id)

    def _has_whole_bridge(self) -> bool:
        return bool(self._bridge.url) and self._bridge.knows_all_actions()

    def _is_bridge_since(self, version: Version) -> bool:
        return bool(self._bridge.url) and (self._bridge.version() or ()) >= version
