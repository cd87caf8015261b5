"""A payload of the site without everything about people, for an order whose customer was erased."""

from collections.abc import Mapping
from typing import Any

from orders.values.phone_masking import without_phones

ERASED = "erased"
"""The key that says to staff why most of the payload is missing."""
_KEPT = frozenset(
    [
        "event",
        "event_id",
        "id",
        "data",
        "basket",
        "basketitems",
        "payments",
        "account_number",
        "status_id",
        "date_status",
        "payed",
        "canceled",
        "price",
        "price_delivery",
        "discount_value",
        "sum_paid",
        "currency",
        "pay_system_id",
        "pay_system_name",
        "date_insert",
        "date_update",
        "version",
        "checksum",
        "webhook_timestamp",
        "webhook_source",
        "xml_id",
        "product_id",
        "product_xml_id",
        "name",
        "quantity",
        "base_price",
        "discount_price",
        "delay",
        "can_buy",
        "type",
        "set_parent_id",
        "sum",
        "paid",
        "date_paid",
    ]
)
"""The keys of values about what was sold, when, and for how much. An order has its own `name` only in its properties,
which are left out."""
_LINES = frozenset({"basket", "basketitems", "payments"})


def without_people(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of an event about an order that say nothing about people. It can still be processed."""
    kept = {key: _of_event(key, value) for key, value in payload.items() if key.lower() in _KEPT - {"name"}}
    return {**kept, ERASED: True}


def _of_event(key: str, value: Any) -> Any:
    if key.lower() == "data" and isinstance(value, Mapping):
        return {name: _of_order(name, one) for name, one in value.items() if name.lower() in _KEPT - {"name", "data"}}
    return _of_order(key, value)


def _of_order(key: str, value: Any) -> Any:
    if key.lower() not in _LINES:
        return value if not isinstance(value, Mapping | list) else None
    lines = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(lines, list):
        return None
    return [
        {name: _scalar(one) for name, one in line.items() if name.lower() in _KEPT}
        for line in lines
        if isinstance(line, Mapping)
    ]


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return without_phones(value)
    return value if not isinstance(value, Mapping | list) else None
