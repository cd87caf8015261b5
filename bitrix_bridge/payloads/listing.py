"""A row of the site's list of orders, the bridge's `order.list` or REST's `sale.order.list`: enough to compare by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from bitrix_bridge.payloads.amounts import read_id, read_money, read_whole_number
from bitrix_bridge.payloads.identity import PayloadError, crm_order_id, is_check_order, read_checksum
from bitrix_bridge.payloads.reading import Reading
from bitrix_bridge.payloads.storable import storable
from bitrix_bridge.payloads.translation import ABSENT, Fields, is_empty
from bitrix_bridge.payloads.values import read_flag, read_status
from orders.sync.fields import comparable


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """What the site says of an order in a list.

    `values` are status (the site's code), total_amount, payment_status and is_cancelled in their comparable form; what
    the row lacks is absent, what could not be read is in `unreadable`, as it came.
    """

    bitrix_order_id: int
    crm_order_id: UUID | None = None
    version: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    unreadable: Mapping[str, Any] = field(default_factory=dict)
    is_check: bool = False
    """`manage.py check_site` has made it: it is no order of the shop."""
    checksum: str | None = None
    """Over properties, lines and payments; None where the site tells none."""
    is_archived: bool = False
    """It stands in the site's archive, and nothing else is known of it."""


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Rows in growing order of their ids, and whether the list ends with them."""

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
    "total_amount": ("PRICE", read_money),
    "payment_status": ("PAYED", _paid),
    "is_cancelled": ("CANCELED", _cancelled),
}


def read_listed_order(row: Any) -> ListedOrder:
    """Translate a row. Raises PayloadError when there is no usable id."""
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
    version = fields.peek("VERSION")
    xml_id = fields.peek("XML_ID")
    return ListedOrder(
        bitrix_order_id=order_id,
        crm_order_id=None if is_empty(xml_id) or xml_id is ABSENT else crm_order_id(xml_id),
        version=None if version is ABSENT else read_whole_number(version).value,
        values=values,
        unreadable=unreadable,
        is_check=is_check_order(xml_id),
        checksum=read_checksum(fields.peek("CHECKSUM")),
        is_archived=fields.peek("ARCHIVED") is True,
    )


def read_page(rows: Any, *, after_id: int, is_last: bool) -> OrderPage:
    """Translate the rows that come after an id.

    Raises PayloadError unless their ids grow: a site that shows the same rows again would be asked for ever.
    """
    # PHP makes an object of a list with gaps, and a list of an empty object.
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
