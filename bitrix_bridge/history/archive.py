"""Read orders from the site's archive, to which Bitrix moves old orders (`sale/lib/archive`).

An archived order is one row with a few columns, and one packed value with all other columns, properties, payments and
shipments. Each of its items is also one row and one packed value. A packed value is serialized by PHP, or JSON in later
versions. If a packed value cannot be read, the columns of the row remain.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import phpserialize

from bitrix_bridge.history import columns
from bitrix_bridge.history.encodings import decode
from bitrix_bridge.history.source import Row, Source, grouped
from bitrix_bridge.history.source_order import SourceOrder, real_shipments
from bitrix_bridge.payloads.php_values import unserialize_packed

_ORDERS, _ITEMS = "b_sale_order_archive", "b_sale_basket_archive"


def next_rows(source: Source, where: str, values: Sequence[object], limit: int) -> list[Row]:
    """Return the next rows of archived orders that `where` selects, sorted by the id of the order."""
    if not source.has(_ORDERS, "ORDER_ID"):
        return []
    return list(source.rows(_ORDERS, columns.ARCHIVED_ORDER, where, values, order="`ORDER_ID`", limit=limit))


def rows_of(source: Source, ids: Sequence[int]) -> list[Row]:
    """Return the rows of the archived orders with these ids."""
    return source.among(_ORDERS, columns.ARCHIVED_ORDER, "ORDER_ID", ids, order="`ORDER_ID`")


def count(source: Source, where: str, values: Sequence[object]) -> int:
    """Return how many archived orders `where` selects. An order that is also in `b_sale_order` is not counted."""
    if not source.has(_ORDERS, "ORDER_ID"):
        return 0
    sql = (
        f"SELECT COUNT(DISTINCT `ORDER_ID`) FROM `{_ORDERS}` WHERE {where} "  # noqa: S608
        "AND `ORDER_ID` NOT IN (SELECT `ID` FROM `b_sale_order`)"
    )
    return source.number(sql, values)


def unpack(source: Source, rows: Sequence[Row]) -> list[SourceOrder]:
    """Return the archived orders of these rows, with at most five queries.

    If an order has several rows, use the last one.
    """
    rows = list({row["ORDER_ID"]: row for row in rows}.values())
    packed = _packed(source, _ORDERS, "ORDER_ARCHIVE_ID", "ORDER_DATA", [row.get("ID") for row in rows])
    items = source.among(_ITEMS, columns.ARCHIVED_ITEM, "ARCHIVE_ID", [row.get("ID") for row in rows], order="`ID`")
    packed_items = _packed(source, _ITEMS, "BASKET_ARCHIVE_ID", "BASKET_DATA", [row.get("ID") for row in items])
    items_of = grouped(items, "ARCHIVE_ID")
    return [_order(row, packed, items_of.get(row.get("ID") or "", []), packed_items) for row in rows]


def _packed(source: Source, table: str, key: str, column: str, ids: Sequence[str | None]) -> dict[str, bytes]:
    """Return a dictionary of packed values. Old versions of Bitrix have them in the same table as the other columns."""
    found: dict[str, bytes] = {}
    for name, its_key in ((table, "ID"), (f"{table}_packed", key)):
        if not ids or not source.has(name, its_key) or not source.has(name, column):
            continue
        marks = ", ".join(["%s"] * len(ids))
        sql = f"SELECT `{its_key}`, `{column}` FROM `{name}` WHERE `{its_key}` IN ({marks})"  # noqa: S608
        found |= {decode(row_id)[0]: value for row_id, value in source.query(sql, ids) if row_id and value}
    return found


def _order(
    row: Row, packed: Mapping[str, bytes], items: Sequence[Row], packed_items: Mapping[str, bytes]
) -> SourceOrder:
    data = _unpacked(packed.get(row.get("ID") or ""))
    own = {name: value for name, value in row.items() if name not in ("ID", "ORDER_ID")}
    found = _row(_part(data, "ORDER"), columns.ORDER)
    found.update(own)
    found["ID"] = row["ORDER_ID"]
    made = SourceOrder(found, is_archived=True, is_whole=data is not None)
    made.values = _rows(_part(data, "PROPERTIES"), columns.PROPERTY_VALUE)
    made.payments = _rows(_part(data, "PAYMENT"), columns.PAYMENT)
    made.shipments = real_shipments(_rows(_part(data, "SHIPMENT"), columns.SHIPMENT))
    for item in items:
        _add_item(made, item, _unpacked(packed_items.get(item.get("ID") or "")))
    return made


def _add_item(made: SourceOrder, item: Row, data: Mapping[str, Any] | None) -> None:
    made.is_whole &= data is not None
    line = _row(data or {}, columns.BASKET)
    for name, value in item.items():
        if name not in ("ID", "ARCHIVE_ID"):
            line.setdefault(name, value)
    made.lines.append(line)
    properties = _rows((data or {}).get("PROPERTY_ITEMS"), columns.BASKET_PROPERTY)
    if properties and line.get("ID"):
        made.line_properties[line["ID"] or ""] = properties


def _unpacked(raw: bytes | None) -> Mapping[str, Any] | None:
    """Return the packed value, or None if it is missing or cannot be read."""
    if not raw:
        return None
    try:
        value = json.loads(raw) if raw.lstrip()[:1] == b"{" else unserialize_packed(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, Mapping) else None


def _part(data: Mapping[str, Any] | None, name: str) -> Any:
    return data.get(name) if data is not None else None


def _rows(part: Any, names: Iterable[str]) -> list[Row]:
    rows = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
    wanted = tuple(names)
    return [_row(one, wanted) for one in rows if isinstance(one, Mapping)]


def _row(values: Any, names: Iterable[str]) -> Row:
    """Return a row with the columns that the import reads. All values become strings, as MySQL sends them."""
    found, repaired = [], []
    for name in names:
        if isinstance(values, Mapping) and name in values:
            text, is_repaired = _text(values[name])
            found.append((name, text))
            if is_repaired:
                repaired.append(name)
    return Row(found, repaired)


def _text(value: Any) -> tuple[str | None, bool]:
    if isinstance(value, bytes):
        return decode(value)
    if value is None or value in ({}, []):
        return None, False
    if isinstance(value, bool):
        return ("1" if value else ""), False
    if isinstance(value, float):
        return (str(int(value)) if value.is_integer() else repr(value)), False
    if isinstance(value, dict | list):
        # Several values of a property are stored in MySQL as PHP serializes them.
        return decode(phpserialize.dumps(value))
    return decode(str(value).encode("utf-8", "replace"))
