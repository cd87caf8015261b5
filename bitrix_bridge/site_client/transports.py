"""Choose the transport of each request to the site: the PHP bridge or REST. No other module makes this choice.

Statuses are sent over REST if `BITRIX_REST_URL` is set. All other requests use the bridge. If the site has no bridge,
or only its earlier endpoint that can only create orders, REST is used for the requests that it supports.
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
from orders.sync.site_response import SiteResponse


def can_read_orders() -> bool:
    """Return whether the settings contain a transport that can fetch an order."""
    return bool(settings.BITRIX_API_URL or settings.BITRIX_REST_URL)


ONE_SAVE: Version = (1, 2)
"""The first version of the bridge that changes the status and other fields in one save."""


class NoTransportError(MisconfiguredError):
    """No transport in the settings supports this request. Other requests may still be possible."""


class SiteClient:
    """The client of the site, over the bridge or REST. Every method raises a `DeliveryError` if a request fails."""

    def __init__(self, timeout: float | None = None) -> None:
        self._bridge = BridgeClient(timeout=timeout)
        self._rest = RestClient(timeout=timeout) if settings.BITRIX_REST_URL else None

    def create_order(self, order: Mapping[str, Any]) -> Created:
        """Create an order, or return the existing order with the same `xml_id` (see `BridgeClient.create_order`).

        Raise `NoTransportError` if REST is the only transport.
        """
        if self._rest is not None and not self._bridge.url:
            raise NoTransportError(
                gettext("REST can't create an order: set BITRIX_API_URL, the bridge (bitrix_bridge/php).")
            )
        return self._bridge.create_order(order)

    def set_status(self, order_id: int, *, status_id: str, expected_status_id: str) -> Updated:
        """Set the status of an order if its status on the site is still `expected_status_id`.

        Raise `StatusConflictError` with the status on the site if it is different.
        """
        client = self._bridge if self._rest is None else self._rest
        return client.set_status(order_id, status_id=status_id, expected_status_id=expected_status_id)

    def update_order(self, order_id: int, changes: Mapping[str, Any], *, event_id: str = "") -> Updated:
        """Change the named fields, properties or items of an order.

        REST has no `event_id`, so a request that is repeated over REST may be executed twice. Raise `NoTransportError`
        if REST does not support the changes and the site has no bridge.
        """
        if self._rest is None or self._has_whole_bridge():
            return self._bridge.update_order(order_id, changes, event_id=event_id)
        if not self._rest.can_update(changes):
            raise NoTransportError(gettext("REST can't change this: the bridge is needed (bitrix_bridge/php)."))
        return self._rest.update_order(order_id, changes)

    def read_response(self, order_id: int, event_id: str) -> SiteResponse | None:
        """Return the response to an earlier update, or None if it was not executed (`BridgeClient.read_response`).

        REST has no `event_id`, so without the bridge the response is not known.
        """
        return self._bridge.read_response(order_id, event_id) if self._has_whole_bridge() else None

    def takes_status_along(self) -> bool:
        """Return whether an update may contain a new status together with the expected status.

        Raise the same exceptions as any request to the bridge.
        """
        return self._rest is None and self._is_bridge_since(ONE_SAVE)

    def get_order(self, order_id: int) -> dict[str, Any]:
        """Return an order in a format that `bitrix_bridge.payloads` reads.

        Raise `OrderNotFoundError` if the site has no such order, and `OrderArchivedError` if the order is in the site's
        archive.
        """
        if self._rest is None or self._has_whole_bridge():
            return self._bridge.get_order(order_id)
        return self._rest.get_order(order_id)

    def list_orders(self, *, since: datetime | None = None, after_id: int = 0, limit: int = 500) -> OrderPage:
        """Return orders with ids above `after_id`, sorted by id. The number of orders may differ from `limit`.

        If `since` is given, return only orders that were saved since then.
        """
        if self._rest is None or self._has_whole_bridge():
            return self._bridge.list_orders(since=since, after_id=after_id, limit=limit)
        return self._rest.list_orders(since=since, after_id=after_id)

    def _has_whole_bridge(self) -> bool:
        return bool(self._bridge.url) and self._bridge.knows_all_actions()

    def _is_bridge_since(self, version: Version) -> bool:
        return bool(self._bridge.url) and (self._bridge.version() or ()) >= version
