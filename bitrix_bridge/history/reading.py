"""Read batches of orders with their related rows from the site's database copy, with about seventeen queries each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.utils import timezone

from bitrix_bridge.history import archive, columns
from bitrix_bridge.history.source import Row, Source, grouped, named
from bitrix_bridge.history.source_order import SourceOrder, real_shipments
from bitrix_bridge.payloads.dates import ALMATY, read_moment

_NEIGHBOURS = 20
"""The maximum number of earlier orders, and of later orders, that are searched for a date that an order lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The orders to import. By default, all orders are imported. `since` and `until` are compared with DATE_INSERT."""

    first_id: int = 0
    count: int | None = None
    order_ids: tuple[int, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    """Orders that were placed at this time are not imported."""

    def as_json(self) -> dict[str, Any]:
        """Return the selection as it is stored in the run's options."""
        values = {
            "first_id": self.first_id,
            "count": self.count,
            "order_ids": list(self.order_ids),
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
        }
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the selection that was stored with `as_json`."""
        return cls(
            first_id=values.get("first_id", 0),
            count=values.get("count"),
            order_ids=tuple(values.get("order_ids", ())),
            since=datetime.fromisoformat(values["since"]) if values.get("since") else None,
            until=datetime.fromisoformat(values["until"]) if values.get("until") else None,
        )

    def condition(self, after_id: int, *, key: str = "ID") -> tuple[str, list[object]]:
        """Return the SQL condition for the selected orders with ids above `after_id`, and its parameters.

        `key` is the column that contains the id of the order.
        """
        parts, values = [f"`{key}` > %s"], [max(after_id, self.first_id - 1)]  # type: list[str], list[object]
        if self.order_ids:
            parts.append(f"`{key}` IN ({', '.join(['%s'] * len(self.order_ids))})")
            values += self.order_ids
        for moment, sign in ((self.since, ">="), (self.until, "<")):
            if moment is not None:
                # The site's columns have no offset and are in the shop's time zone.
                parts.append(f"`DATE_INSERT` {sign} %s")
                values.append(timezone.make_naive(moment, ALMATY).strftime("%Y-%m-%d %H:%M:%S"))
        return " AND ".join(parts), values


@dataclass(slots=True)
class Batch:
    """Orders sorted by id, and the users to whom the orders refer."""

    orders: list[SourceOrder]
    users: dict[str, Row]
    """Id on the site -> user: customers, and staff who have changed orders."""


def count_orders(source: Source, selection: Selection, after_id: int = 0) -> int:
    """Return how many of the selected orders have ids above `after_id`."""
    where, values = selection.condition(after_id)
    number = source.number(f"SELECT COUNT(*) FROM `b_sale_order` WHERE {where}", values)  # noqa: S608
    number += archive.count(source, *selection.condition(after_id, key="ORDER_ID"))
    return number if selection.count is None else min(number, selection.count)


def read_next(source: Source, selection: Selection, *, after_id: int, limit: int) -> Batch:
    """Return the next selected orders with ids above `after_id`, sorted by id. The batch is empty at the end."""
    where, values = selection.condition(after_id)
    rows = list(source.rows("b_sale_order", columns.ORDER, where, values, order="`ID`", limit=limit))
    archived = archive.next_rows(source, *selection.condition(after_id, key="ORDER_ID"), limit)
    ids = {int(row["ID"] or 0) for row in rows} | {int(row["ORDER_ID"] or 0) for row in archived}
    last = sorted(ids)[:limit][-1] if ids else 0
    return read_batch(
        source,
        [row for row in rows if int(row["ID"] or 0) <= last],
        [row for row in archived if int(row["ORDER_ID"] or 0) <= last],
    )


def read_orders(source: Source, ids: Sequence[int]) -> Batch:
    """Return the orders with these ids. Leave out ids that the site's database copy does not contain."""
    rows = source.among("b_sale_order", columns.ORDER, "ID", ids, order="`ID`")
    return read_batch(source, rows, archive.rows_of(source, ids))


def read_batch(source: Source, rows: Sequence[Row], archived: Sequence[Row] = ()) -> Batch:
    """Read the related rows of these rows of `b_sale_order` and of these rows of `b_sale_order_archive`.

    If a table without keys contains several rows with the same id, use the last row. An order in both tables was
    restored from the archive, so its row in `b_sale_order` is used.
    """
    rows = list({row["ID"]: row for row in rows}.values())
    ids = [row["ID"] for row in rows]
    known = set(ids)
    packed = archive.unpack(source, [row for row in archived if row["ORDER_ID"] not in known])
    changes_of = _children(source, "b_sale_order_change", columns.CHANGE, [*ids, *(one.row["ID"] for one in packed)])
    orders = [*_present(source, rows, ids), *packed]
    customers = {order.row.get("USER_ID") for order in orders} - {None, "", "0"}
    staff = {change.get("USER_ID") for changes in changes_of.values() for change in changes} - {None, "", "0"}
    users = named(source.among("b_user", columns.USER, "ID", sorted(customers | staff, key=str)), "ID")
    phones = named(
        source.among("b_user_phone_auth", columns.USER_PHONE, "USER_ID", sorted(customers, key=str)), "USER_ID"
    )
    for order in orders:
        phone = phones.get(order.row.get("USER_ID") or "")
        order.changes = changes_of.get(order.row["ID"] or "", [])
        order.user = users.get(order.row.get("USER_ID") or "")
        order.phone = phone.get("PHONE_NUMBER") if phone else None
    return Batch(sorted(orders, key=lambda order: order.bitrix_order_id), dict(users))


def _present(source: Source, rows: Sequence[Row], ids: Sequence[object]) -> list[SourceOrder]:
    lines = source.among("b_sale_basket", columns.BASKET, "ORDER_ID", ids, order=_sorted(source, "b_sale_basket"))
    line_properties = grouped(
        source.among(
            "b_sale_basket_props",
            columns.BASKET_PROPERTY,
            "BASKET_ID",
            [line["ID"] for line in lines if line.get("ID")],
            order=_sorted(source, "b_sale_basket_props"),
        ),
        "BASKET_ID",
    )
    lines_of = grouped(lines, "ORDER_ID")
    values_of = _children(source, "b_sale_order_props_value", columns.PROPERTY_VALUE, ids)
    payments_of = _children(source, "b_sale_order_payment", columns.PAYMENT, ids)
    shipments_of = _children(source, "b_sale_order_delivery", columns.SHIPMENT, ids)
    orders = []
    for row in rows:
        key = row["ID"] or ""
        shipments = shipments_of.get(key, [])
        real = real_shipments(shipments)
        orders.append(
            SourceOrder(
                row=row,
                lines=lines_of.get(key, []),
                line_properties=line_properties,
                values=values_of.get(key, []),
                payments=payments_of.get(key, []),
                shipments=real,
                system_shipments=len(shipments) - len(real),
            )
        )
    return orders


def nearest_date(source: Source, bitrix_order_id: int) -> str | None:
    """Return the date of the nearest earlier order that has a date, or else the date of the nearest later order.

    The dates are similar, because the site's ids increase with time.
    """
    for sign, direction in (("<", "DESC"), (">", "ASC")):
        dated = source.rows(
            "b_sale_order",
            ("DATE_INSERT",),
            f"`ID` {sign} %s AND `DATE_INSERT` > '2000-01-01' AND `DATE_INSERT` < '2100-01-01'",
            [bitrix_order_id],
            order=f"`ID` {direction}",
            limit=_NEIGHBOURS,
        )
        for row in list(dated):
            if read_moment(row["DATE_INSERT"]).value is not None:
                return row["DATE_INSERT"]
    return None


def count_carts(source: Source) -> int:
    """Return how many rows of `b_sale_basket` belong to carts without an order."""
    if not source.has("b_sale_basket", "ORDER_ID"):
        return 0
    return source.number("SELECT COUNT(*) FROM `b_sale_basket` WHERE `ORDER_ID` IS NULL OR `ORDER_ID` = 0")


def count_lines_not_bought(source: Source) -> int:
    """Return how many rows of `b_sale_basket` belong to an order but were not bought."""
    conditions = (("DELAY", "`DELAY` = 'Y'"), ("CAN_BUY", "`CAN_BUY` = 'N'"))
    found = [condition for column, condition in conditions if source.has("b_sale_basket", column)]
    if not found or not source.has("b_sale_basket", "ORDER_ID"):
        return 0
    sql = f"SELECT COUNT(*) FROM `b_sale_basket` WHERE `ORDER_ID` > 0 AND ({' OR '.join(found)})"  # noqa: S608
    return source.number(sql)


def _children(source: Source, table: str, names: Sequence[str], ids: Sequence[object]) -> dict[str, list[Row]]:
    return grouped(source.among(table, names, "ORDER_ID", ids, order=_by_id(source, table)), "ORDER_ID")


def _sorted(source: Source, table: str) -> str:
    by_id = _by_id(source, table)
    return f"`SORT`, {by_id}" if by_id and source.has(table, "SORT") else by_id


def _by_id(source: Source, table: str) -> str:
    return "`ID`" if source.has(table, "ID") else ""
