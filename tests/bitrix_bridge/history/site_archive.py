"""Move orders of a copy to the site's archive, as `Bitrix\\Sale\\Archive\\Manager` of the site does."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import phpserialize

from tests.mariadb import Copy

_PARTS = {
    "PROPERTIES": "b_sale_order_props_value",
    "PAYMENT": "b_sale_order_payment",
    "SHIPMENT": "b_sale_order_delivery",
}
_DELETED = ("b_sale_basket", *_PARTS.values(), "b_sale_order_change")


def archive_order(copy: Copy, order_id: int, *, as_json: bool = False, in_one_table: bool = False) -> int:
    """Move an order to the archive, and return the id of its row there.

    `as_json` packs the values as later versions of Bitrix do. `in_one_table` stores them as early versions do.
    """
    (order,) = _rows(copy, "b_sale_order", "ID", order_id)
    data: dict[str, Any] = {"ORDER": order}
    for name, table in _PARTS.items():
        rows = [row for row in _rows(copy, table, "ORDER_ID", order_id) if row.get("SYSTEM") != "Y"]
        data[name] = {row["ID"]: row for row in rows}
    data["DISCOUNT"] = {"ORDER_DATA": {}, "COUPON_LIST": {}, "RULES_DATA": {}}
    pack = _as_json if as_json else _serialized
    columns = {row[0] for row in copy.execute("SHOW COLUMNS FROM b_sale_order_archive")}
    own = {name: value for name, value in order.items() if name in columns} | {"VERSION": 2 if as_json else 1}
    del own["ID"]
    archive_id = _insert(copy, "b_sale_order_archive", own | {"ORDER_ID": order_id, "DATE_ARCHIVED": "2026-03-01"})
    _store(copy, ("b_sale_order_archive", "ORDER_ARCHIVE_ID", "ORDER_DATA"), archive_id, pack(data), in_one_table)
    for item in _rows(copy, "b_sale_basket", "ORDER_ID", order_id):
        properties = _rows(copy, "b_sale_basket_props", "BASKET_ID", item["ID"])
        columns = {row[0] for row in copy.execute("SHOW COLUMNS FROM b_sale_basket_archive")} - {"ID"}
        own = {name: value for name, value in item.items() if name in columns} | {"ARCHIVE_ID": archive_id}
        item_id = _insert(copy, "b_sale_basket_archive", own)
        packed = pack(item | {"PROPERTY_ITEMS": dict(enumerate(properties))})
        _store(copy, ("b_sale_basket_archive", "BASKET_ARCHIVE_ID", "BASKET_DATA"), item_id, packed, in_one_table)
    for table in _DELETED:
        copy.execute(f"DELETE FROM `{table}` WHERE ORDER_ID = %s", [order_id])
    copy.execute("DELETE FROM b_sale_order WHERE ID = %s", [order_id])
    return archive_id


def _store(copy: Copy, where: tuple[str, str, str], key: int, packed: bytes, in_one_table: bool) -> None:
    table, packed_key, column = where
    if in_one_table:
        copy.execute(f"UPDATE `{table}` SET `{column}` = %s WHERE ID = %s", [packed.decode(), key])
    else:
        copy.insert(f"{table}_packed", [{packed_key: key, column: packed.decode()}])


def _insert(copy: Copy, table: str, row: dict[str, Any]) -> int:
    copy.insert(table, [row])
    return int(copy.execute(f"SELECT MAX(ID) FROM `{table}`")[0][0])


def _rows(copy: Copy, table: str, key: str, value: object) -> list[dict[str, Any]]:
    names = [row[0] for row in copy.execute(f"SHOW COLUMNS FROM `{table}`")]
    found = copy.execute(f"SELECT * FROM `{table}` WHERE `{key}` = %s", [value])
    return [dict(zip(names, row, strict=True)) for row in found]


def _as_json(value: Any) -> bytes:
    return json.dumps(_plain(value), ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return str(value) if isinstance(value, Decimal | date) else value


def _serialized(value: Any) -> bytes:
    """Return the value as PHP serializes it. Numbers are strings, and dates are objects of Bitrix."""
    if isinstance(value, dict):
        parts = b"".join(_serialized(key) + _serialized(one) for key, one in value.items())
        return b"a:%d:{%s}" % (len(value), parts)
    if isinstance(value, datetime):
        moment = f"{value:%Y-%m-%d %H:%M:%S}.000000".encode()
        php = (
            b'O:8:"DateTime":3:{s:4:"date";s:26:"' + moment + b'";s:13:"timezone_type";i:3;'
            b's:8:"timezone";s:11:"Asia/Almaty";}'
        )
        name = b"Bitrix\\Main\\Type\\DateTime"
        return b'O:%d:"%s":2:{s:8:"\0*\0value";' % (len(name), name) + php + b's:18:"\0*\0userTimeEnabled";b:1;}'
    found: bytes = phpserialize.dumps(str(value) if isinstance(value, Decimal) else value)
    return found
