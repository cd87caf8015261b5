"""Understand the requests of the senders of the shop's earlier CRM. docs/bitrix.md lists all of them."""

from collections.abc import Mapping
from typing import Any

from bitrix_bridge.payloads.amounts import read_id
from bitrix_bridge.payloads.translation import ABSENT, Fields

EVENTS = {
    "create_order": "order.create",
    "update_order": "order.update",
    "update_status": "order.status.change",
    "delete_order": "order.delete",
}
"""The event for each name in the field `action` of the earlier system."""
_ID_NAMES = ("order_id", "bitrix_order_id", "bitrix_id")
_STATUS_NAMES = ("status_id", "status", "new_status")
_ENVELOPE = frozenset({"event", "event_id", "action", "token", "data"})
_LONGEST_CODE = 2
"""A status of the site has at most two characters. The earlier system also had words, such as `confirmed`."""


def translated(body: Mapping[str, Any], *, default_event: str = "") -> dict[str, Any]:
    """Return the body in the format of the contract.

    A name in `action` replaces a missing event, and `default_event` replaces both. Without `data`, the other fields of
    the body are the data. A body that names an event of the contract is not changed.
    """
    name = body.get("event") or body.get("action")
    event = EVENTS.get(name.strip().lower(), name) if isinstance(name, str) and name.strip() else default_event
    is_earlier = bool(default_event) or event != body.get("event")
    if not event or not is_earlier:
        return dict(body)
    data = body.get("data")
    if not isinstance(data, Mapping):
        data = {key: value for key, value in body.items() if key not in _ENVELOPE}
    kept = {key: value for key, value in body.items() if key in _ENVELOPE}
    return {**kept, "event": event, "data": _with_columns(data) if event.startswith("order.") else dict(data)}


def _with_columns(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data with ID and STATUS_ID, which the earlier system may have under other names."""
    fields, found = Fields(data), dict(data)
    if fields.peek("ID") is ABSENT:
        ids = (fields.peek(name) for name in _ID_NAMES)
        order_id = next((raw for raw in ids if raw is not ABSENT and read_id(raw).value), None)
        found |= {"ID": order_id} if order_id is not None else {}
    if fields.peek("STATUS_ID") is ABSENT:
        codes = (fields.peek(name) for name in _STATUS_NAMES)
        code = next((raw for raw in codes if isinstance(raw, str) and 0 < len(raw.strip()) <= _LONGEST_CODE), None)
        found |= {"STATUS_ID": code} if code is not None else {}
    return found
