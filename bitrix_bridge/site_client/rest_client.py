"""Bitrix's own REST, as seen from here: an order read, its status and a few of its columns set.

Its address, an inbound webhook's, is the secret itself, so it stays in this object and in the settings. Errors are
sorted by `bitrix_bridge.site_client.errors`. Nothing here calls `sale.propertyvalue.modify`: it deletes the properties
that it is not sent.
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
from bitrix_bridge.site_client.bridge_client import Updated
from bitrix_bridge.site_client.errors import StatusConflictError, Transport, failure, unusable_list
from cvety_crm.http import Answer, NoAnswerError, post_json
from cvety_crm.outbox import MisconfiguredError, PermanentDeliveryError, TemporaryDeliveryError

COLUMNS: Mapping[str, str] = MappingProxyType(
    {"USER_DESCRIPTION": "userDescription", "COMMENTS": "comments", "CANCELED": "canceled"}
)
"""Columns that are changed here -> REST's name (sale/lib/rest/entity/order.php). Sums stay with the bridge: they
belong to the lines, and REST has no one call for both."""

LISTED = ("id", "xmlId", "version", "statusId", "price", "payed", "canceled", "dateUpdate")
"""Columns of an order that a list shows: enough to compare by."""

_ADDRESS = re.compile(r"https?://[^/?#]+(?:/[^?#]+)?/rest/\d+/\w+")
REMEMBER_SECONDS = 600.0
"""How long a process believes that the site has a status, before it asks again."""
_known_statuses: dict[tuple[str, str], float] = {}
"""Address and status -> until when that is believed (`time.monotonic`)."""


class RestClient:
    """Calls REST. Every method raises `cvety_crm.outbox` failures; nothing is retried here."""

    def __init__(self, url: str | None = None, timeout: float | None = None) -> None:
        self.url = settings.BITRIX_REST_URL if url is None else url
        self.timeout = settings.OUTBOX_TIMEOUT if timeout is None else timeout

    def check_access(self) -> None:
        """Ask for orders with an id that none has: whoever gets an empty list may read orders. Raises as any call."""
        result = self._call("sale.order.list", {"filter": {"id": 0}, "select": ["id"], "start": -1})
        if not isinstance(result, dict) or not isinstance(result.get("orders"), list):
            raise PermanentDeliveryError(
                gettext("The site's answer holds no list of orders."), answer=json.dumps(result)
            )

    def get_order(self, order_id: int) -> dict[str, Any]:
        """Return an order as `sale.order.get` shows it:

        `bitrix_bridge.payloads` reads it. Raises `OrderNotFoundError`.
        """
        return self._order("sale.order.get", {"id": order_id})

    def list_orders(self, *, since: datetime | None = None, after_id: int = 0) -> OrderPage:
        """Return the orders behind an id, in growing order, as many as REST gives at once (50).

        With `since`, those saved then or later. REST documentation, sale-order-list: `start` -1 counts nothing.
        """
        wanted: dict[str, Any] = {">id": after_id}
        if since is not None:
            wanted[">=dateUpdate"] = timezone.localtime(since).isoformat(timespec="seconds")
        request = {"select": list(LISTED), "filter": wanted, "order": {"id": "asc"}, "start": -1}
        result = self._call("sale.order.list", request)
        rows = result.get("orders") if isinstance(result, dict) else None
        try:
            # A page that is not full may be one of which rights have hidden a part: only an empty one is the end.
            return read_page(rows, after_id=after_id, is_last=not rows)
        except PayloadError as error:
            raise unusable_list(error) from error

    def set_status(self, order_id: int, *, status_id: str, expected_status_id: str) -> Updated:
        """Set an order's status if it still is the expected one.

        Raises `StatusConflictError` with the site's present status. REST can't compare and set in one call: what
        happens in the moment between the two is told by the site's webhook.
        """
        order = self.get_order(order_id)
        present = _status(order)
        if present == status_id:  # so said an earlier request of ours, whose answer was lost
            return Updated(_version(order))
        if present != expected_status_id:
            raise StatusConflictError(present, _version(order))
        self._check_status(status_id)
        order = self._order("sale.order.update", {"id": order_id, "fields": {"statusId": status_id}})
        if _status(order) != status_id:  # a handler of the site's had a say
            raise StatusConflictError(_status(order), _version(order))
        return Updated(_version(order))

    def can_update(self, changes: Mapping[str, Any]) -> bool:
        """Return whether the changes, in the bridge's words, are of columns that REST sets without harm."""
        return set(changes) == {"fields"} and set(changes["fields"]) <= set(COLUMNS)

    def update_order(self, order_id: int, changes: Mapping[str, Any]) -> Updated:
        """Change columns of an order. Raises `MisconfiguredError` for others than `COLUMNS`."""
        if not self.can_update(changes):
            raise MisconfiguredError(gettext("REST can't change this: the bridge is needed (bitrix_bridge/php)."))
        fields = {COLUMNS[column]: value for column, value in changes["fields"].items()}
        return Updated(_version(self._order("sale.order.update", {"id": order_id, "fields": fields})))

    def _check_status(self, status_id: str) -> None:
        # `sale.order.update` stores any two letters, whether the site has such a status or not.
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
        address = _ADDRESS.match(self.url)  # without the method that Bitrix shows as an example behind it
        if address is None:
            raise MisconfiguredError(
                gettext("BITRIX_REST_URL is not the address of a webhook: …/rest/<user>/<secret>/.")
            )
        try:
            answer = post_json(f"{address[0]}/{method}", request, timeout=self.timeout)
        except NoAnswerError as error:
            raise TemporaryDeliveryError(gettext("The site does not answer: %(why)s.") % {"why": error}) from error
        return _read(answer)


def _read(answer: Answer) -> Any:
    """Return the result of a successful answer. Raise the error that `bitrix_bridge.site_client.errors` finds in it."""
    try:
        data = json.loads(answer.text)
    except ValueError:
        data = None
    data = data if isinstance(data, dict) else None
    error = (data or {}).get("error")
    if 200 <= answer.status < 300 and data is not None and error is None and "result" in data:
        return data["result"]
    # A word of the REST layer or a number of the sale module, 0 among them.
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
