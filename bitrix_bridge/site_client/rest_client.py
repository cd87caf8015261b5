"""The client of Bitrix's REST API. It reads orders and sets their status and a few of their columns.

The address of the API is an inbound webhook of Bitrix. It contains the secret, so only the client and the settings
store it. Errors are classified by `bitrix_bridge.site_client.errors`. The client never calls
`sale.propertyvalue.modify`, because that method deletes every property that the request does not contain.
"""

import json
import re
import time
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.payloads import PayloadError
from bitrix_bridge.payloads.listing import OrderPage, read_page
from bitrix_bridge.payloads.response import read_response
from bitrix_bridge.site_client.bridge_client import Updated
from bitrix_bridge.site_client.errors import StatusConflictError, Transport, failure, unusable_list
from cvety_crm.http import Answer, NoAnswerError, post_json
from cvety_crm.outbox import (
    MisconfiguredError,
    PermanentDeliveryError,
    UnreachableError,
)

COLUMNS: Mapping[str, str] = MappingProxyType(
    {"USER_DESCRIPTION": "userDescription", "COMMENTS": "comments", "CANCELED": "canceled"}
)
"""Columns that the client changes -> their names in REST (sale/lib/rest/entity/order.php). Sums are changed only over
the bridge, because they depend on the items and REST has no single method for both."""

LISTED = ("id", "xmlId", "version", "statusId", "price", "payed", "canceled", "dateUpdate")
"""The columns that are requested for a list of orders. A comparison needs them."""

_ADDRESS = re.compile(r"https?://[^/?#]+(?:/[^?#]+)?/rest/\d+/\w+")
REMEMBER_SECONDS = 600.0
"""How long a process caches that the site has a status."""
_known_statuses: dict[tuple[str, str], float] = {}
"""Address and status -> the `time.monotonic` until which the status is cached."""


class RestClient:
    """The client of REST. If a request fails, every method raises a `DeliveryError` and makes no retry."""

    def __init__(self, url: str | None = None, timeout: float | None = None) -> None:
        self.url = settings.BITRIX_REST_URL if url is None else url
        self.timeout = settings.OUTBOX_TIMEOUT if timeout is None else timeout

    def check_access(self) -> None:
        """Check that orders may be read. Raise the same exceptions as any request if they may not.

        The check requests an id that does not exist. An empty list shows that orders may be read.
        """
        result = self._call("sale.order.list", {"filter": {"id": 0}, "select": ["id"], "start": -1})
        if not isinstance(result, dict) or not isinstance(result.get("orders"), list):
            raise PermanentDeliveryError(
                gettext("The site's response contains no list of orders."), answer=json.dumps(result)
            )

    def get_order(self, order_id: int) -> dict[str, Any]:
        """Return an order in the format of `sale.order.get`, which `bitrix_bridge.payloads` reads.

        Raise `OrderNotFoundError` if the site has no such order.
        """
        return self._order("sale.order.get", {"id": order_id})

    def pay_systems(self) -> list[dict[str, Any]]:
        """Return the site's pay systems in the format of the bridge, without the customers' accounts on the site.

        REST returns all of them at once. The webhook needs the right `pay_system` (REST documentation,
        sale-pay-system-list).
        """
        result = self._call("sale.paysystem.list", {"select": ["ID", "NAME", "ACTIVE", "ACTION_FILE"]})
        rows = result if isinstance(result, list) else []
        return [
            {"id": row.get("ID"), "name": row.get("NAME"), "active": row.get("ACTIVE")}
            for row in rows
            if isinstance(row, dict) and row.get("ACTION_FILE") != "inner"
        ]

    def list_orders(self, *, since: datetime | None = None, after_id: int = 0) -> OrderPage:
        """Return orders with ids above `after_id`, sorted by id. REST returns at most 50 orders for one request.

        If `since` is given, return only orders that were saved since then. The value -1 for `start` prevents the
        counting of all orders (REST documentation, sale-order-list).
        """
        wanted: dict[str, Any] = {">id": after_id}
        if since is not None:
            wanted[">=dateUpdate"] = timezone.localtime(since).isoformat(timespec="seconds")
        request = {"select": list(LISTED), "filter": wanted, "order": {"id": "asc"}, "start": -1}
        result = self._call("sale.order.list", request)
        rows = result.get("orders") if isinstance(result, dict) else None
        try:
            # Access rights may hide a part of a page, so only an empty page shows the end of the list.
            return read_page(rows, after_id=after_id, is_last=not rows)
        except PayloadError as error:
            raise unusable_list(error) from error

    def set_status(self, order_id: int, *, status_id: str, expected_status_id: str) -> Updated:
        """Set the status of an order if its status on the site is still `expected_status_id`.

        Raise `StatusConflictError` with the status on the site if it is different. REST can't compare and set in one
        request. The site's webhook reports a change between the two requests.
        """
        order = self.get_order(order_id)
        current = _status(order)
        if current == status_id:  # an earlier request set the status, and its response was lost
            return Updated(_version(order))
        if current != expected_status_id:
            raise StatusConflictError(current, _version(order))
        self._check_status(status_id)
        order = self._order("sale.order.update", {"id": order_id, "fields": {"statusId": status_id}})
        if _status(order) != status_id:  # an event handler on the site has changed the status
            raise StatusConflictError(_status(order), _version(order))
        return Updated(_version(order))

    def can_update(self, changes: Mapping[str, Any]) -> bool:
        """Return whether `changes`, in the bridge's format, contain only columns that REST can set safely."""
        return set(changes) == {"fields"} and set(changes["fields"]) <= set(COLUMNS)

    def update_order(self, order_id: int, changes: Mapping[str, Any]) -> Updated:
        """Change columns of an order. Raise `MisconfiguredError` if the changes contain more than these `COLUMNS`."""
        if not self.can_update(changes):
            raise MisconfiguredError(gettext("REST can't change this: the bridge is needed (bitrix_bridge/php)."))
        fields = {COLUMNS[column]: value for column, value in changes["fields"].items()}
        order = self._order("sale.order.update", {"id": order_id, "fields": fields})
        # The site returns the order right after the save, so a different text is its own doing.
        held = [
            {"what": f"fields.{column}", "value": order[name]}
            for column, name in COLUMNS.items()
            if isinstance(fields.get(name), str) and isinstance(order.get(name), str) and order[name] != fields[name]
        ]
        return Updated(_version(order), response=read_response({"held": held}))

    def _check_status(self, status_id: str) -> None:
        # `sale.order.update` stores any two letters, even if the site has no such status.
        key = (self.url, status_id)
        if time.monotonic() < _known_statuses.get(key, 0.0):
            return
        request = {"filter": {"id": status_id, "type": "O"}, "select": ["id"], "start": -1}
        result = self._call("sale.status.list", request)
        rows = result.get("statuses") if isinstance(result, dict) else None
        if not any(isinstance(row, dict) and str(row.get("id")) == status_id for row in rows or ()):
            raise PermanentDeliveryError(
                gettext("The site has no status with the code %(code)s.") % {"code": status_id}
            )
        _known_statuses[key] = time.monotonic() + REMEMBER_SECONDS

    def _order(self, method: str, request: Mapping[str, Any]) -> dict[str, Any]:
        result = self._call(method, request)
        order = result.get("order") if isinstance(result, dict) else None
        if not isinstance(order, dict) or not order.get("id"):
            raise PermanentDeliveryError(gettext("The site's answer holds no order."), answer=json.dumps(result))
        return order

    def _call(self, method: str, request: Mapping[str, Any]) -> Any:
        address = _ADDRESS.match(self.url)  # without the example method that Bitrix shows after the address
        if address is None:
            raise MisconfiguredError(
                gettext("BITRIX_REST_URL is not the address of a webhook: …/rest/<user>/<secret>/.")
            )
        try:
            answer = post_json(f"{address[0]}/{method}", request, timeout=self.timeout)
        except NoAnswerError as error:
            raise UnreachableError(gettext("The site does not answer: %(why)s.") % {"why": error}) from error
        return _read(answer)


def _read(answer: Answer) -> Any:
    """Return the result of a successful response. Raise the classified error of any other response."""
    try:
        data = json.loads(answer.text)
    except ValueError:
        data = None
    data = data if isinstance(data, dict) else None
    error = (data or {}).get("error")
    if 200 <= answer.status < 300 and data is not None and error is None and "result" in data:
        return data["result"]
    # The REST module returns the code as a string, the sale module returns it as a number, which may be 0.
    code = None if error in (None, "") else str(error)
    text = str((data or {}).get("error_description") or "")
    raise failure(Transport.REST, answer, data, code=code, text=text)


def _status(order: Mapping[str, Any]) -> str:
    return str(order.get("statusId") or "")


def _version(order: Mapping[str, Any]) -> int | None:
    try:
        return int(order["version"])
    except (KeyError, TypeError, ValueError):
        return None
