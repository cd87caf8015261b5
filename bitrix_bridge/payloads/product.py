"""Read a product of the catalogue from the fields of an infoblock element, its `PROPERTIES` and its `PRICES`."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from bitrix_bridge.payloads.amounts import read_id, read_money, read_stock, read_whole_number
from bitrix_bridge.payloads.identity import object_id
from bitrix_bridge.payloads.names import fold
from bitrix_bridge.payloads.pictures import MINIATURE, is_file_id, is_filled, read_address
from bitrix_bridge.payloads.properties import PropertyTranslation, list_properties
from bitrix_bridge.payloads.reading import Reading
from bitrix_bridge.payloads.translation import ABSENT, Fields, Translation, is_empty
from bitrix_bridge.payloads.values import read_flag, read_line
from orders.models.product import NAME_LENGTH
from orders.sync.snapshot import ProblemReason, ProductSnapshot

_CURRENCY = "KZT"
_BASE_PRICE_TYPE = 1
"""The usual `b_catalog_price.CATALOG_GROUP_ID` of the base price."""

_PARENT = "CML2_LINK"
"""The property of an offer that contains the id of its product."""


def read_product(data: Mapping[str, Any]) -> ProductSnapshot:
    """Return the snapshot of an element of `b_iblock_element` with the fields of the catalogue.

    Raise `PayloadError` if there is no valid ID. No other exception is raised.
    """
    product_id = object_id(data)
    product = Translation(Fields(data))
    product.source.take("ID")
    product.column("NAME", "name", partial(read_line, max_length=NAME_LENGTH))
    product.column("CODE", "slug", read_line)
    product.column("ACTIVE", "is_active", read_flag, empty=False)
    product.column("QUANTITY", "quantity", read_stock)
    product.column("OLD_PRICE", "old_price", read_money, empty=None)
    _read_price(product)
    updated_at = product.clock("TIMESTAMP_X")
    properties = _read_properties(product)
    _read_picture(product, properties)
    product.keep_rest()
    properties.keep_rest()
    parts = {"fields": product.kept, "properties": properties.kept}
    return ProductSnapshot(
        bitrix_product_id=product_id,
        updated_at=updated_at,
        fields=properties.fields | product.fields,
        metadata={name: part for name, part in parts.items() if part},
        problems=(*product.problems, *properties.problems),
    )


def _read_properties(product: Translation) -> PropertyTranslation:
    raw = product.source.take("PROPERTIES")
    found = None if raw is ABSENT else list_properties(raw, "PROPERTIES")
    if raw is not ABSENT and found is None:
        product.flag("PROPERTIES", raw, ProblemReason.NOT_AN_OBJECT)
    for place, element in found.broken if found else []:
        product.flag(place, element, ProblemReason.NOT_AN_OBJECT)
    properties = PropertyTranslation(Fields(found.pairs if found else []), where="PROPERTIES.")
    properties.single("OLD_PRICE", "old_price", read_money)
    link = properties.source.peek(_PARENT)
    parent = Reading() if link is ABSENT else read_id(link[0] if isinstance(link, list) and link else link)
    if link is not ABSENT and parent.reason is None:
        properties.source.take(_PARENT)
        properties.fields["bitrix_parent_id"] = parent.value
    return properties


def _read_price(product: Translation) -> None:
    """Read the base price in KZT. A list of prices is also kept in metadata: it may contain several price types."""
    for name in ("PRICES", "PRICE", "CATALOG_PRICE_1"):
        raw = product.source.peek(name)
        if raw is ABSENT or is_empty(raw) or "price" in product.fields:
            continue
        product.source.take(name)
        reading = product.interpret(name, raw, _base_price)
        product.store("price", raw, reading)
        if reading.reason is None and isinstance(raw, Mapping | list):
            product.keep(name, raw)


def _base_price(raw: Any) -> Reading[Any]:
    """Return the price of the type BASE or 1. If it can't be read, return the first readable price in KZT."""
    if not isinstance(raw, Mapping | list):
        return read_money(raw)
    entries = list(raw.items()) if isinstance(raw, Mapping) else [("", entry) for entry in raw]
    if isinstance(raw, Mapping) and _amount_of(raw) is not None:
        entries = [("", raw)]
    entries.sort(key=lambda entry: not _is_base(*entry))
    readings = [_price(entry) for _, entry in entries]
    found = next((reading for reading in readings if reading.value is not None), None)
    return found or next((reading for reading in readings if reading.reason), Reading())


def _is_base(key: Any, entry: Any) -> bool:
    kind = Fields(entry).peek("CATALOG_GROUP_ID") if isinstance(entry, Mapping) else ABSENT
    return fold(key) in ("base", str(_BASE_PRICE_TYPE)) or read_whole_number(kind).value == _BASE_PRICE_TYPE


def _price(entry: Any) -> Reading[Any]:
    if not isinstance(entry, Mapping):
        return read_money(entry)
    currency = Fields(entry).peek("CURRENCY")
    if isinstance(currency, str) and currency.strip() and currency.strip().upper() != _CURRENCY:
        return Reading(reason=ProblemReason.OUT_OF_RANGE)
    amount = _amount_of(entry)
    return Reading(reason=ProblemReason.NOT_A_NUMBER) if amount is None else read_money(amount)


def _amount_of(entry: Mapping[str, Any]) -> Any:
    fields = Fields(entry)
    found = (fields.peek(name) for name in ("PRICE", "VALUE"))
    return next((raw for raw in found if raw is not ABSENT and not isinstance(raw, Mapping | list)), None)


def _read_picture(product: Translation, properties: Translation) -> None:
    """Read the address of the picture, and the name of the field that contains it. The detail picture has priority.

    An id of a file is kept in metadata, but it is not an address.
    """
    given = [
        (name, where, raw)
        for name, where in (
            *((name, product) for name in ("DETAIL_PICTURE", "PREVIEW_PICTURE", MINIATURE)),
            (MINIATURE, properties),
            ("PARENT_PICTURE", product),
        )
        if (raw := where.source.peek(name)) is not ABSENT
    ]
    filled = [one for one in given if is_filled(one[2])]
    for name, where, raw in filled:
        # A property may have several values, of which the first picture is used.
        address = next(filter(is_filled, raw), raw) if where is properties and isinstance(raw, list) else raw
        if is_file_id(address) or "image_url" in product.fields:
            continue
        where.source.take(name)
        reading = where.interpret(name, address, read_address)
        product.store("image_url", address, reading)
        if reading.value is not None:
            product.fields["picture_source"] = name
            if not isinstance(raw, str):
                where.keep(name, raw)
    if given and not filled:
        product.fields |= {"image_url": "", "picture_source": ""}
