"""Read the site's list of orders, from the bridge's `order.list` or REST's `sale.order.list`, for a comparison."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from bitrix_bridge.payloads.amounts import read_id, read_price, read_whole_number
from bitrix_bridge.payloads.identity import PayloadError, crm_order_id, is_check_order, read_checksum
from bitrix_bridge.payloads.reading import Reading
from bitrix_bridge.payloads.storable import storable
from bitrix_bridge.payloads.translation import ABSENT, Fields
from bitrix_bridge.payloads.values import read_flag, read_status
from orders.sync.fields import comparable


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An order in the site's list.

    `values` contains the status (the site's code), total_amount, payment_status and is_cancelled in their comparable
    form. A field that the row does not contain is absent. `unreadable` contains the raw values that could not be read.
    """

    bitrix_order_id: int
    crm_order_id: UUID | None = None
    version: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    unreadable: Mapping[str, Any] = field(default_factory=dict)
    is_check: bool = False
    """Whether `manage.py check_site` created the order. It is then not an order of the shop."""
    checksum: str | None = None
    """The checksum of properties, items and payments; None if the site sends no checksum."""
    is_archived: bool = False
    """Whether the order is in the site's archive. The row then has no other values."""


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Orders sorted by id, and whether they are the last orders of the list."""

    orders: tuple[ListedOrder, ...]
    is_last: bool


def _paid(raw: Any) -> Reading[str]:
    reading = read_flag(raw)
    return Reading("paid" if reading.value else "pending", reading.reason)


def _cancelled(raw: Any) -> Reading[bool]:
    reading = read_flag(raw)
    return Reading(bool(reading.value), reading.reason)


_COLUMNS: Mapping[str, tuple[str, Callable[[Any], Reading[Any]]]] = {
    "status": ("STATUS_ID", read_status),
    "total_amount": ("PRICE", read_price),
    "payment_status": ("PAYED", _paid),
    "is_cancelled": ("CANCELED", _cancelled),
}


def read_listed_order(row: Any) -> ListedOrder:
    """Return the order of a row. Raise `PayloadError` if the row has no valid id."""
    if not isinstance(row, Mapping):
        raise PayloadError("orders", "a row of the list is not an object")
    fields = Fields(row)
    raw_id = fields.peek("ORDER_ID")
    order_id = read_id(fields.peek("ID") if raw_id is ABSENT else raw_id).value
    if order_id is None:
        raise PayloadError("orders", "a row of the list has no id")
    values: dict[str, Any] = {}
    unreadable: dict[str, Any] = {}
    for name, (column, reader) in _COLUMNS.items():
        raw = fields.peek(column)
        if raw is ABSENT:
            continue
        reading = reader(raw)
        if reading.reason is not None:
            unreadable[name] = storable(raw)
        elif reading.value is not None:
            values[name] = comparable(reading.value)
    xml_id = fields.peek("XML_ID")
    return ListedOrder(
        bitrix_order_id=order_id,
        crm_order_id=crm_order_id(xml_id),
        version=read_whole_number(fields.peek("VERSION")).value,
        values=values,
        unreadable=unreadable,
        is_check=is_check_order(xml_id),
        checksum=read_checksum(fields.peek("CHECKSUM")),
        is_archived=fields.peek("ARCHIVED") is True,
    )


def read_page(rows: Any, *, after_id: int, is_last: bool) -> OrderPage:
    """Return the page of the rows with ids above `after_id`.

    Raise `PayloadError` if the ids do not increase. If the site returned the same rows again, the requests would never
    end.
    """
    # PHP encodes a list with gaps as an object, and an empty object as a list.
    found = list(rows.values()) if isinstance(rows, Mapping) else rows
    if not isinstance(found, list):
        raise PayloadError("orders", "the list is no list")
    orders = tuple(read_listed_order(row) for row in found)
    before = after_id
    for order in orders:
        if order.bitrix_order_id <= before:
            raise PayloadError("orders", f"order {order.bitrix_order_id} comes after {before}")
        before = order.bitrix_order_id
    return OrderPage(orders, is_last or not orders)
