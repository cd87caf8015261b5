"""The client of the PHP bridge: one method for each action. It checks responses and raises classified failures.

The contract is in docs/bitrix.md. A redirect means that the address in the settings is wrong: Bitrix routes PHP files
itself, rewrites `_` to `-` and catches `/api/…`.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from bitrix_bridge.payloads import PayloadError
from bitrix_bridge.payloads.listing import OrderPage, read_page
from bitrix_bridge.payloads.response import read_response
from bitrix_bridge.site_client.errors import OrderNotFoundError, StatusConflictError, Transport, failure, unusable_list
from cvety_crm.http import Answer, NoAnswerError, post_json
from cvety_crm.outbox import MisconfiguredError, PermanentDeliveryError, TemporaryDeliveryError
from orders.sync.site_response import SILENCE, SiteResponse

__all__ = ["BridgeClient", "Created", "OrderNotFoundError", "StatusConflictError", "Updated"]

REMEMBER_SECONDS = 600.0
"""How long a process caches which actions an endpoint supports."""
Version = tuple[int, ...]
known_endpoints: dict[str, tuple[Version | None, float]] = {}
"""Address -> the bridge's version, None for an endpoint that can only create orders, and until when it is cached
(`time.monotonic`)."""


@dataclass(frozen=True, slots=True)
class Created:
    """The site's order with the requested XML_ID.

    `is_new` is False when the order existed before this request. `is_deleted` is True when it was deleted on the site
    and the webhook about the deletion has not arrived yet, `is_archived` when it is in the site's archive.
    """

    order_id: int
    order_number: str
    version: int | None
    is_new: bool
    is_deleted: bool = False
    is_archived: bool = False
    response: SiteResponse = SILENCE


@dataclass(frozen=True, slots=True)
class Updated:
    """The result of an update: the order's new version, and whether an earlier request had made the update already."""

    version: int | None
    is_repetition: bool = False
    response: SiteResponse = SILENCE


class BridgeClient:
    """The client of the bridge. Every method raises the failures of `cvety_crm.outbox` and makes no retries."""

    def __init__(self, url: str | None = None, token: str | None = None, timeout: float | None = None) -> None:
        self.url = settings.BITRIX_API_URL if url is None else url
        self.token = settings.BITRIX_API_TOKEN if token is None else token
        self.timeout = settings.OUTBOX_TIMEOUT if timeout is None else timeout

    def create_order(self, order: Mapping[str, Any]) -> Created:
        """Create an order, or return the existing one with the same `xml_id`.

        An endpoint that can only create orders ignores `xml_id`. If its response is lost, `PermanentDeliveryError` is
        raised, so that staff check whether the order exists.
        """
        is_safe_to_repeat = self.knows_all_actions()
        try:
            data = self._call({"action": "order.create", **order})
        except TemporaryDeliveryError as failure:
            if is_safe_to_repeat:
                raise
            raise PermanentDeliveryError(
                gettext("The site may have created the order: check the site before you retry. %(why)s")
                % {"why": failure.message},
                code=failure.code,
                answer=failure.answer,
            ) from failure
        try:
            order_id = int(data["order_id"])
        except (KeyError, TypeError, ValueError) as error:
            raise TemporaryDeliveryError(
                gettext("The site created the order but returned no id."), answer=json.dumps(data)
            ) from error
        number = str(data.get("order_number") or order_id)
        return Created(
            order_id,
            number,
            _version(data),
            is_new=bool(data.get("created", True)),
            is_deleted=bool(data.get("deleted", False)),
            is_archived=bool(data.get("archived", False)),
            response=read_response(data),
        )

    def set_status(self, order_id: int, *, status_id: str, expected_status_id: str) -> Updated:
        """Set an order's status if it is still the expected one.

        Raise `StatusConflictError` with the site's current status if it is not.
        """
        request = {"order_id": order_id, "status_id": status_id, "expected_status_id": expected_status_id}
        answer = self._call_bridge({"action": "order.status", **request})
        return Updated(_version(answer), response=read_response(answer))

    def update_order(self, order_id: int, changes: Mapping[str, Any], *, event_id: str = "") -> Updated:
        """Change only the named fields, properties or items of an order.

        The site executes requests with the same `event_id` once. With `expected_status_id` among the changes, raise
        `StatusConflictError` if the site has another status; the site has then changed nothing.
        """
        request = {"action": "order.update", "order_id": order_id, "event_id": event_id, **changes}
        try:
            answer = self._call_bridge(request)
            return Updated(_version(answer), bool(answer.get("repeated")), read_response(answer))
        except StatusConflictError as conflict:
            if "expected_status_id" in changes:
                raise
            # The request named no expected status, so this 409 is not a status conflict.
            raise PermanentDeliveryError(gettext("The site refused: %(text)s") % {"text": conflict}) from conflict

    def get_order(self, order_id: int) -> dict[str, Any]:
        """Return an order in the webhook's format. Raise `OrderNotFoundError` or `OrderArchivedError`."""
        data = self._call_bridge({"action": "order.get", "order_id": order_id})
        order = data.get("order", data)
        if not isinstance(order, dict) or not order.get("ID"):
            raise PermanentDeliveryError(gettext("The site's answer holds no order."), answer=json.dumps(data))
        return order

    def list_orders(self, *, since: datetime | None = None, after_id: int = 0, limit: int = 500) -> OrderPage:
        """Return the orders with ids above `after_id`, sorted by id; with `since`, only those saved since then.

        A bridge from version 1.2 on includes the orders in the site's archive.
        """
        request = {"action": "order.list", "after_id": after_id, "limit": limit, "archived": True}
        data = self._call_bridge(request | ({"since": since.isoformat(timespec="seconds")} if since else {}))
        try:
            return read_page(data.get("orders"), after_id=after_id, is_last=not data.get("next_after_id"))
        except PayloadError as error:
            raise unusable_list(error) from error

    def reference(self) -> dict[str, Any]:
        """Return the site's statuses, cities, shops, slots and pay systems."""
        return self._call_bridge({"action": "reference"})

    def ping(self) -> dict[str, Any]:
        """Return the bridge's report about itself: versions, handlers and the queue of its webhooks."""
        return self._call({"action": "ping"})

    def knows_all_actions(self) -> bool:
        """Return whether the endpoint is the project's bridge and not the site's earlier one.

        The earlier endpoint treats every request as the creation of an order. Raise any error of a request.
        """
        return self.version() is not None

    def version(self) -> Version | None:
        """Return the version of the bridge; None for the site's earlier endpoint, which refuses a `ping`.

        The result is cached for `REMEMBER_SECONDS`. Raise any error of a request.
        """
        known, until = known_endpoints.get(self.url, (None, 0.0))
        if time.monotonic() >= until:
            try:
                known = _bridge_version(self.ping())
            except MisconfiguredError:
                raise
            except PermanentDeliveryError:
                known = None
            # An endpoint that can only create orders is likely to be replaced soon, so it is cached for a shorter time.
            seconds = REMEMBER_SECONDS if known is not None else REMEMBER_SECONDS / 10
            known_endpoints[self.url] = known, time.monotonic() + seconds
        return known

    def _call_bridge(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if not self.knows_all_actions():
            raise MisconfiguredError(
                gettext("The site's endpoint can only create orders: install the bridge (bitrix_bridge/php).")
            )
        return self._call(request)

    def _call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if not self.url:
            raise MisconfiguredError(gettext("BITRIX_API_URL is not set: there is nowhere to send to."))
        try:
            answer = post_json(self.url, request, headers={"X-API-TOKEN": self.token}, timeout=self.timeout)
        except NoAnswerError as error:
            raise TemporaryDeliveryError(gettext("The site does not answer: %(why)s.") % {"why": error}) from error
        return _read(answer)


def _bridge_version(pong: Mapping[str, Any]) -> Version | None:
    """Return the version in the response to a `ping`: empty if it can't be read, None if the response has none."""
    versions = pong.get("versions")
    if versions is None:
        return None
    text = str(versions.get("bridge") or "") if isinstance(versions, Mapping) else ""
    return tuple(int(part) for part in text.split(".")) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}", text) else ()


def _version(data: Mapping[str, Any]) -> int | None:
    try:
        return int(data["version"])
    except (KeyError, TypeError, ValueError):
        return None


def _read(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of a successful response; raise the classified failure of any other response."""
    try:
        data = json.loads(answer.text)
    except ValueError:
        data = None
    if 200 <= answer.status < 300 and isinstance(data, dict) and data.get("success") is True:
        return data
    raise _failure(answer, data if isinstance(data, dict) else None)


def _failure(answer: Answer, data: dict[str, Any] | None) -> Exception:
    error = (data or {}).get("error")
    # The site's earlier endpoint returns the error as a text, the bridge as an object.
    error = error if isinstance(error, dict) else {"message": error or ""}
    if answer.status == 409:
        current = (data or {}).get("current")
        if isinstance(current, dict) and current.get("status_id"):
            return StatusConflictError(str(current["status_id"]), _version(current))
        if isinstance(current, str) and current:
            return StatusConflictError(current, None)
    code = str(error["code"]) if error.get("code") else None
    return failure(Transport.BRIDGE, answer, data, code=code, text=str(error.get("message", "")))
