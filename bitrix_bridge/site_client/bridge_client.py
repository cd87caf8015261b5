"""The PHP bridge, as seen from here: one method an action, answers checked, failures sorted.

The contract is in docs/bitrix.md. A redirect is a mistake in the settings: Bitrix routes PHP files itself, rewrites
`_` to `-` and catches `/api/…`.
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
"""How long a process believes that an endpoint knows all actions, or only creating, before it asks again."""
Version = tuple[int, ...]
known_endpoints: dict[str, tuple[Version | None, float]] = {}
"""Address -> the bridge's version, None for an endpoint that only creates, and until when that is believed
(`time.monotonic`)."""


@dataclass(frozen=True, slots=True)
class Created:
    """The site's order behind an XML_ID: `is_new` is False when it existed before this request, `is_deleted` is True
    when the site's people have deleted it since, which its webhook has yet to say, `is_archived` when it is in the
    site's archive."""

    order_id: int
    order_number: str
    version: int | None
    is_new: bool
    is_deleted: bool = False
    is_archived: bool = False
    words: SiteResponse = SILENCE


@dataclass(frozen=True, slots=True)
class Updated:
    """What the site says of an update: the version it made, and whether an earlier request had made it already."""

    version: int | None
    is_repetition: bool = False
    words: SiteResponse = SILENCE


class BridgeClient:
    """Calls the bridge. Every method raises `cvety_crm.outbox` failures; nothing is retried here."""

    def __init__(self, url: str | None = None, token: str | None = None, timeout: float | None = None) -> None:
        self.url = settings.BITRIX_API_URL if url is None else url
        self.token = settings.BITRIX_API_TOKEN if token is None else token
        self.timeout = settings.OUTBOX_TIMEOUT if timeout is None else timeout

    def create_order(self, order: Mapping[str, Any]) -> Created:
        """Create an order, or get the one that exists with the same `xml_id`.

        An endpoint that only creates does not look at `xml_id`: there an answer that is lost is left to a person.
        """
        is_safe_to_repeat = self.knows_all_actions()
        try:
            data = self._call({"action": "order.create", **order})
        except TemporaryDeliveryError as failure:
            if is_safe_to_repeat:
                raise
            raise PermanentDeliveryError(
                gettext("The site may have created the order or not: look there before you repeat. %(why)s")
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
            words=read_response(data),
        )

    def set_status(self, order_id: int, *, status_id: str, expected_status_id: str) -> Updated:
        """Set an order's status if it still is the expected one.

        Raises `StatusConflictError` with the site's present status.
        """
        request = {"order_id": order_id, "status_id": status_id, "expected_status_id": expected_status_id}
        answer = self._ask({"action": "order.status", **request})
        return Updated(_version(answer), words=read_response(answer))

    def update_order(self, order_id: int, changes: Mapping[str, Any], *, event_id: str = "") -> Updated:
        """Change fields, properties or items of an order, the named ones only.

        The site does what comes with one `event_id` once, however often it is asked. With `expected_status_id` among
        the changes it raises `StatusConflictError` when the site has another status by then, and has changed nothing.
        """
        request = {"action": "order.update", "order_id": order_id, "event_id": event_id, **changes}
        try:
            answer = self._ask(request)
            return Updated(_version(answer), bool(answer.get("repeated")), read_response(answer))
        except StatusConflictError as conflict:
            if "expected_status_id" in changes:
                raise
            # Nothing was expected of the status: another kind of 409.
            raise PermanentDeliveryError(gettext("The site refused: %(text)s") % {"text": conflict}) from conflict

    def get_order(self, order_id: int) -> dict[str, Any]:
        """Return an order in the webhook's shape. Raises `OrderNotFoundError` and `OrderArchivedError`."""
        data = self._ask({"action": "order.get", "order_id": order_id})
        order = data.get("order", data)
        if not isinstance(order, dict) or not order.get("ID"):
            raise PermanentDeliveryError(gettext("The site's answer holds no order."), answer=json.dumps(data))
        return order

    def list_orders(self, *, since: datetime | None = None, after_id: int = 0, limit: int = 500) -> OrderPage:
        """Return the orders behind an id, in growing order; with `since`, those saved then or later (DATE_UPDATE).

        Those in the site's archive stand among the others, with a bridge since 1.2.
        """
        request = {"action": "order.list", "after_id": after_id, "limit": limit, "archived": True}
        data = self._ask(request | ({"since": since.isoformat(timespec="seconds")} if since else {}))
        try:
            return read_page(data.get("orders"), after_id=after_id, is_last=not data.get("next_after_id"))
        except PayloadError as error:
            raise unusable_list(error) from error

    def reference(self) -> dict[str, Any]:
        """Return the site's statuses, cities, shops, slots and pay systems."""
        return self._ask({"action": "reference"})

    def ping(self) -> dict[str, Any]:
        """Return what the bridge says of itself."""
        return self._call({"action": "ping"})

    def knows_all_actions(self) -> bool:
        """Return whether the endpoint is the project's own; the site's earlier one takes any request for an order.

        Raises what any call may raise.
        """
        return self.version() is not None

    def version(self) -> Version | None:
        """Return the version of the project's endpoint; None for the site's earlier one.

        That one refuses a `ping`, which has no items. Asked once in a while. Raises what any call may raise.
        """
        known, until = known_endpoints.get(self.url, (None, 0.0))
        if time.monotonic() >= until:
            try:
                known = _bridge_version(self.ping())
            except MisconfiguredError:
                raise
            except PermanentDeliveryError:
                known = None
            # One that only creates is about to be replaced: it is asked again sooner.
            seconds = REMEMBER_SECONDS if known is not None else REMEMBER_SECONDS / 10
            known_endpoints[self.url] = known, time.monotonic() + seconds
        return known

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
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


def _bridge_version(said: Mapping[str, Any]) -> Version | None:
    """Return the version that the answer to a `ping` names, empty if it can't be read; None where it names none."""
    versions = said.get("versions")
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
    """Return the object of a successful answer. Raise the error that `bitrix_bridge.site_client.errors` finds in it."""
    try:
        data = json.loads(answer.text)
    except ValueError:
        data = None
    if 200 <= answer.status < 300 and isinstance(data, dict) and data.get("success") is True:
        return data
    raise _failure(answer, data if isinstance(data, dict) else None)


def _failure(answer: Answer, data: dict[str, Any] | None) -> Exception:
    error = (data or {}).get("error")
    # The live endpoint's error is a text, the project's own an object.
    error = error if isinstance(error, dict) else {"message": error or ""}
    if answer.status == 409:
        current = (data or {}).get("current")
        if isinstance(current, dict) and current.get("status_id"):
            return StatusConflictError(str(current["status_id"]), _version(current))
        if isinstance(current, str) and current:
            return StatusConflictError(current, None)
    code = str(error["code"]) if error.get("code") else None
    return failure(Transport.BRIDGE, answer, data, code=code, text=str(error.get("message", "")))
