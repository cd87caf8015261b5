"""The client of the PHP bridge. It has one method for each action, checks the responses and raises classified errors.

The actions are described in docs/bitrix.md. A redirect means that the address in the settings is wrong: Bitrix routes
requests for PHP files itself, replaces `_` with `-` and handles all addresses under `/api/`.
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
from cvety_crm.outbox import (
    MisconfiguredError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
    UnreachableError,
)
from orders.sync.site_response import SILENCE, SiteResponse

__all__ = ["BridgeClient", "Created", "OrderNotFoundError", "StatusConflictError", "Updated"]

REMEMBER_SECONDS = 600.0
"""The time for which a process caches the version of an endpoint."""
Version = tuple[int, ...]
known_endpoints: dict[str, tuple[Version | None, float]] = {}
"""Address -> the bridge's version, and the `time.monotonic` until which it is cached. The version is None for an
endpoint that can only create orders."""


@dataclass(frozen=True, slots=True)
class Created:
    """The site's order with the requested XML_ID.

    `is_new` is False if the order existed before this request. `is_deleted` is True if the order was deleted on the
    site and the site has not yet delivered the webhook about it. `is_archived` is True if the order is in the site's
    archive.
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
    """The result of an update.

    `version` is the order's new version. `is_repetition` is True if an earlier request had already made the update.
    """

    version: int | None
    is_repetition: bool = False
    response: SiteResponse = SILENCE


class BridgeClient:
    """The client of the bridge. If a request fails, every method raises a `DeliveryError` and makes no retry."""

    def __init__(self, url: str | None = None, token: str | None = None, timeout: float | None = None) -> None:
        self.url = settings.BITRIX_API_URL if url is None else url
        self.token = settings.BITRIX_API_TOKEN if token is None else token
        self.timeout = settings.OUTBOX_TIMEOUT if timeout is None else timeout

    def create_order(self, order: Mapping[str, Any]) -> Created:
        """Create an order, or return the existing order with the same `xml_id`.

        An endpoint that can only create orders ignores `xml_id`. Raise `PermanentDeliveryError` if the response of such
        an endpoint is lost, so that staff check whether the order exists.
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
        """Set the status of an order if its status on the site is still `expected_status_id`.

        Raise `StatusConflictError` with the status on the site if it is different.
        """
        request = {"order_id": order_id, "status_id": status_id, "expected_status_id": expected_status_id}
        answer = self._call_bridge({"action": "order.status", **request})
        return Updated(_version(answer), response=read_response(answer))

    def update_order(self, order_id: int, changes: Mapping[str, Any], *, event_id: str = "") -> Updated:
        """Change only the named fields, properties or items of an order.

        The site executes only one of several requests with the same `event_id`. Raise `StatusConflictError` if the
        changes contain `expected_status_id` and the status on the site is different. The site has then changed nothing.
        """
        request = {"action": "order.update", "order_id": order_id, "event_id": event_id, **changes}
        try:
            answer = self._call_bridge(request)
            return Updated(_version(answer), bool(answer.get("repeated")), read_response(answer))
        except StatusConflictError as conflict:
            if "expected_status_id" in changes:
                raise
            # The request contained no expected status, so this response 409 is not a status conflict.
            raise PermanentDeliveryError(gettext("The site refused: %(text)s") % {"text": conflict}) from conflict

    def read_response(self, order_id: int, event_id: str) -> SiteResponse | None:
        """Return the response to an earlier update with this `event_id`, or None if the site did not execute it.

        The request names no changes, so it changes nothing. An earlier update that arrives after it is not executed,
        because its `event_id` is then already known.
        """
        updated = self.update_order(order_id, {}, event_id=event_id)
        return updated.response if updated.is_repetition else None

    def get_order(self, order_id: int) -> dict[str, Any]:
        """Return an order in the format of the webhooks.

        Raise `OrderNotFoundError` if the site has no such order, and `OrderArchivedError` if the order is in the site's
        archive.
        """
        data = self._call_bridge({"action": "order.get", "order_id": order_id})
        order = data.get("order", data)
        if not isinstance(order, dict) or not order.get("ID"):
            raise PermanentDeliveryError(gettext("The site's answer holds no order."), answer=json.dumps(data))
        return order

    def list_orders(self, *, since: datetime | None = None, after_id: int = 0, limit: int = 500) -> OrderPage:
        """Return at most `limit` orders with ids above `after_id`, sorted by id.

        If `since` is given, return only orders that were saved since then. A bridge of version 1.2 or later also
        returns the orders in the site's archive.
        """
        request = {"action": "order.list", "after_id": after_id, "limit": limit, "archived": True}
        data = self._call_bridge(request | ({"since": since.isoformat(timespec="seconds")} if since else {}))
        try:
            return read_page(data.get("orders"), after_id=after_id, is_last=not data.get("next_after_id"))
        except PayloadError as error:
            raise unusable_list(error) from error

    def reference(self) -> dict[str, Any]:
        """Return the site's statuses, cities, shops, delivery slots and pay systems."""
        return self._call_bridge({"action": "reference"})

    def ping(self) -> dict[str, Any]:
        """Return what the bridge reports about its versions, its handlers and its queue of webhooks."""
        return self._call({"action": "ping"})

    def knows_all_actions(self) -> bool:
        """Return whether the endpoint is the bridge and not the site's earlier endpoint, which can only create orders.

        The earlier endpoint creates an order for every request. Raise the same exceptions as any request to the bridge.
        """
        return self.version() is not None

    def version(self) -> Version | None:
        """Return the version of the bridge; None for the site's earlier endpoint, which refuses a `ping`.

        The result is cached for `REMEMBER_SECONDS`. Raise the same exceptions as any request to the bridge.
        """
        known, until = known_endpoints.get(self.url, (None, 0.0))
        if time.monotonic() >= until:
            try:
                known = _bridge_version(self.ping())
            except MisconfiguredError:
                raise
            except PermanentDeliveryError:
                known = None
            # An endpoint that can only create orders is likely to be replaced soon, so None is cached for a shorter
            # time.
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
            raise UnreachableError(gettext("The site does not answer: %(why)s.") % {"why": error}) from error
        return _read(answer)


def _bridge_version(pong: Mapping[str, Any]) -> Version | None:
    """Return the version in the response to a `ping`.

    Return an empty tuple if the version can't be read, and None if the response has no `versions`.
    """
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
    """Return the JSON object of a successful response. Raise the classified error of any other response."""
    try:
        data = json.loads(answer.text)
    except ValueError:
        data = None
    if 200 <= answer.status < 300 and isinstance(data, dict) and data.get("success") is True:
        return data
    raise _failure(answer, data if isinstance(data, dict) else None)


def _failure(answer: Answer, data: dict[str, Any] | None) -> Exception:
    error = (data or {}).get("error")
    # The site's earlier endpoint returns the error as a string, the bridge returns it as an object.
    error = error if isinstance(error, dict) else {"message": error or ""}
    if answer.status == 409:
        current = (data or {}).get("current")
        if isinstance(current, dict) and current.get("status_id"):
            return StatusConflictError(str(current["status_id"]), _version(current))
        if isinstance(current, str) and current:
            return StatusConflictError(current, None)
    code = str(error["code"]) if error.get("code") else None
    return failure(Transport.BRIDGE, answer, data, code=code, text=str(error.get("message", "")))
