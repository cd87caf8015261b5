"""Read products, reference data and facts about orders from the site's database copy, in the formats of the site."""

from collections.abc import Iterable, Mapping
from typing import Any

from bitrix_bridge.history import columns
from bitrix_bridge.history.documents import Knowledge
from bitrix_bridge.history.encodings import has_lost_characters, is_broken, repair
from bitrix_bridge.history.product_pictures import read_pictures
from bitrix_bridge.history.source import Row, Source, grouped, named
from bitrix_bridge.payloads import read_product
from bitrix_bridge.payloads import reference as payloads_reference
from bitrix_bridge.payloads.amounts import read_id
from bitrix_bridge.payloads.values import read_status
from orders.sync.snapshot import ProductSnapshot, ReferenceSnapshot

_LANGUAGE = "ru"
_SAMPLE = 500
"""The number of rows of each table whose texts show whether the copy is faithful."""


def read_knowledge(source: Source) -> Knowledge:
    """Read facts about the copy that do not depend on the order, with a fixed number of queries."""
    return Knowledge(
        properties=property_definitions(source),
        choices=property_choices(source),
        repeated_numbers=repeated_numbers(source),
        longest_value=_length(source, "b_sale_order_props_value", "VALUE"),
        longest_comment=_length(source, "b_sale_order", "USER_DESCRIPTION"),
        is_faithful=is_faithful(source),
    )


def property_definitions(source: Source) -> Mapping[str, Row]:
    """Return a dictionary of the definitions of order properties with ids as keys."""
    return named(source.rows("b_sale_order_props", columns.PROPERTY), "ID")


def property_choices(source: Source) -> Mapping[str, Mapping[str, str]]:
    """Return the names of the values of list properties, by the id of the property and the stored value."""
    found: dict[str, dict[str, str]] = {}
    for row in source.rows("b_sale_order_props_variant", columns.VARIANT):
        name = _repaired(row.get("NAME"))
        if name:
            found.setdefault(row.get("ORDER_PROPS_ID") or "", {})[row.get("VALUE") or ""] = name
    return found


def is_faithful(source: Source) -> bool:
    """Return whether most texts with letters that are not Latin are intact.

    A copy that was made in a wrong encoding has broken letters in every text: in names that people entered by hand, and
    in the latest values of orders.
    """
    intact = broken = 0
    for table, column in (
        ("b_sale_status_lang", "NAME"),
        ("b_sale_order_props", "NAME"),
        ("b_sale_order_props_value", "VALUE"),
    ):
        order = "`ID` DESC" if source.has(table, "ID") else ""
        for row in source.rows(table, (column,), order=order, limit=_SAMPLE):
            text = row.get(column) or ""
            if row.repaired or has_lost_characters(text) or is_broken(text) or repair(text) is not None:
                broken += 1
            elif not text.isascii():
                intact += 1
    return intact > broken


def repeated_numbers(source: Source) -> frozenset[str]:
    """Return the order numbers that several orders share."""
    if not source.has("b_sale_order", "ACCOUNT_NUMBER"):
        return frozenset()
    sql = (
        "SELECT `ACCOUNT_NUMBER` FROM `b_sale_order` WHERE `ACCOUNT_NUMBER` <> '' "
        "GROUP BY `ACCOUNT_NUMBER` HAVING COUNT(*) > 1"
    )
    return frozenset(number.strip() for (number,) in source.texts(sql))


def read_products(source: Source, ids: Iterable[int]) -> list[ProductSnapshot]:
    """Read these products with their prices, stock and picture. Leave out products that the database copy lacks."""
    elements = source.among("b_iblock_element", columns.ELEMENT, "ID", sorted(set(ids)))
    keys = [row["ID"] for row in elements]
    stock = named(source.among("b_catalog_product", columns.CATALOGUE, "ID", keys), "ID")
    prices = grouped(source.among("b_catalog_price", columns.PRICE, "PRODUCT_ID", keys), "PRODUCT_ID")
    pictures = read_pictures(source, elements)
    found = []
    for row in elements:
        data: dict[str, Any] = {name: _repaired(value) for name, value in row.items()}
        if (row["ID"] or "") in stock:
            data["QUANTITY"] = stock[row["ID"] or ""].get("QUANTITY")
        if base_prices := [price for price in prices.get(row["ID"] or "", []) if not price.get("QUANTITY_FROM")]:
            data["PRICES"] = [dict(price) for price in base_prices]
        found.append(read_product(data | pictures.get(row["ID"] or "", {})))
    return found


def read_reference(source: Source) -> ReferenceSnapshot:
    """Read the reference data in the format of the response to the bridge's action `reference`.

    A city is a variant of the property `city`, a delivery slot is a variant of the property `when`. A shop is an
    element of an infoblock; only shops to which orders refer are read.
    """
    return payloads_reference.read_reference(
        {
            "statuses": statuses(source),
            "cities": _variants(source, "city"),
            "shops": _shops(source),
            "slots": _variants(source, "when"),
            "pay_systems": _pay_systems(source),
        }
    )


def statuses(source: Source) -> list[dict[str, Any]]:
    """Return the statuses of orders (`TYPE` O) with their Russian names."""
    names: dict[str, Row] = {}
    for row in source.rows("b_sale_status_lang", columns.STATUS_NAME):
        code = row.get("STATUS_ID") or ""
        if row.get("LID") == _LANGUAGE or code not in names:
            names[code] = row
    return [
        {"id": code, "name": _repaired(names[code].get("NAME")), "sort": row.get("SORT")}
        for row in source.rows("b_sale_status", columns.STATUS)
        if (code := row.get("ID") or "") in names and (row.get("TYPE") or "O") == "O"
    ]


def used_statuses(source: Source) -> set[str]:
    """Return the status codes of all orders, also of archived ones.

    The site's codes are case-sensitive, MySQL's comparison is not.
    """
    found = set()
    for table in ("b_sale_order", "b_sale_order_archive"):
        if source.has(table, "STATUS_ID"):
            sql = f"SELECT `STATUS_ID` FROM `{table}` GROUP BY CAST(`STATUS_ID` AS BINARY), `STATUS_ID`"  # noqa: S608
            found |= {status for code, *_ in source.texts(sql) if (status := read_status(code).value)}
    return found


def pay_systems(source: Source) -> dict[str, str]:
    """Return a dictionary of the names of the site's pay systems with ids as keys."""
    return {str(row["id"]): row["name"] for row in _pay_systems(source)}


def _pay_systems(source: Source) -> list[dict[str, Any]]:
    rows = source.rows("b_sale_pay_system_action", columns.PAY_SYSTEM)
    return [
        {
            "id": row.get("ID") or "",
            "name": _repaired(row.get("PSA_NAME") or row.get("NAME")) or "",
            "active": row.get("ACTIVE"),
        }
        for row in rows
    ]


def _variants(source: Source, code: str) -> list[dict[str, Any]]:
    keys = _definitions(source, code)
    found = source.among("b_sale_order_props_variant", columns.VARIANT, "ORDER_PROPS_ID", keys)
    return [{"id": row.get("VALUE"), "name": _repaired(row.get("NAME"))} for row in found]


def _shops(source: Source) -> list[dict[str, Any]]:
    definitions = _definitions(source, "shopId")
    table = "b_sale_order_props_value"
    if not definitions or not (source.has(table, "ORDER_PROPS_ID") and source.has(table, "VALUE")):
        return []
    marks = ", ".join(["%s"] * len(definitions))
    sql = f"SELECT DISTINCT `VALUE` FROM `b_sale_order_props_value` WHERE `ORDER_PROPS_ID` IN ({marks})"  # noqa: S608
    ids = sorted({key for (value,) in source.texts(sql, definitions) if (key := read_id(value).value)})
    found = source.among("b_iblock_element", columns.ELEMENT, "ID", ids)
    return [{"id": row.get("ID"), "name": _repaired(row.get("NAME"))} for row in found]


def _definitions(source: Source, code: str) -> list[str]:
    found = source.among("b_sale_order_props", columns.PROPERTY, "CODE", [code])
    return [key for row in found if (key := row.get("ID"))]


def _repaired(text: str | None) -> str | None:
    return text if text is None or text.isascii() else repair(text) or text


def _length(source: Source, table: str, column: str) -> int | None:
    found = source.tables.get(table, {}).get(column)
    return found.length if found else None
