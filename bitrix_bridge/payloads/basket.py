"""Read the items of an order (`b_sale_basket`), which are sent as a list or as an object with ids as keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bitrix_bridge.payloads.amounts import read_id, read_number, read_quantity, read_unit_price
from bitrix_bridge.payloads.pictures import MINIATURE, is_file_id, is_filled, read_address
from bitrix_bridge.payloads.properties import list_properties
from bitrix_bridge.payloads.storable import storable
from bitrix_bridge.payloads.translation import ABSENT, Fields, Translation, as_typed, is_empty
from bitrix_bridge.payloads.values import read_flag, read_line
from orders.rules.discounts import kept_list_price
from orders.sync.fields import comparable_price
from orders.sync.snapshot import ItemSnapshot, Problem, ProblemReason

_TOTAL_BELOW = Decimal(10) ** 12
"""The total of an item, in KZT, must be below this limit."""

_SNAPSHOT_TEXTS = {
    "NAME": "name",
    "CURRENCY": "currency",
    "PRODUCT_XML_ID": "xml_id",
    "DETAIL_PAGE_URL": "url",
    "NOTES": "notes",
}
_PICTURES = ("PICTURE", "DETAIL_PICTURE", "PREVIEW_PICTURE", MINIATURE)
_SNAPSHOT_AMOUNTS = {"BASE_PRICE": "original_price", "DISCOUNT_PRICE": "discount"}


@dataclass
class Basket:
    """The contents of a basket. `items` is None if the items are unknown, so that no item of the order is removed."""

    items: tuple[ItemSnapshot, ...] | None = None
    set_components: list[Any] = field(default_factory=list)
    """The raw components of sets. They are not items, because the item of the set has the price."""
    not_bought: list[Any] = field(default_factory=list)
    """The raw lines that the customer did not buy. They are not items, and no sum of the order contains them."""
    unread: list[str] = field(default_factory=list)
    """The texts of the lines that could not be read. The composition of the order is unknown then."""
    has_list_prices: bool = False
    """Whether every item has its price with the discount and its price without the discount."""
    kept: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def flag(self, name: str, raw: Any, reason: ProblemReason) -> None:
        """Record a field as unreadable, with its raw value."""
        self.problems.append(Problem(name, storable(raw), reason))
        self.kept[name] = storable(raw)


def read_basket(raw: Any) -> Basket:
    """Return the items. An item that is not an object is recorded as unreadable, with its raw value."""
    basket = Basket()
    if raw is None or raw is False or raw == "":
        return basket
    lines = _lines(raw)
    if lines is None:
        basket.flag("basket", raw, ProblemReason.NOT_AN_OBJECT)
        basket.unread.append(as_typed(raw))
        return basket
    items: list[ItemSnapshot] = []
    seen: set[int] = set()
    basket.has_list_prices = True
    for index, line in enumerate(lines):
        name = f"basket[{index}]"
        if not isinstance(line, Mapping) or not line:
            basket.flag(name, line, ProblemReason.NOT_AN_OBJECT)
            basket.unread.append(as_typed(line))
            basket.has_list_prices = False
        elif _is_not_bought(fields := Fields(line)):
            basket.not_bought.append(storable(line))
        elif _is_set_component(fields):
            basket.set_components.append(storable(line))
        else:
            item = _item(fields, name, basket)
            if item.bitrix_basket_id in seen:
                basket.flag(name, line, ProblemReason.DUPLICATE)
                continue
            if item.bitrix_basket_id is not None:
                seen.add(item.bitrix_basket_id)
            items.append(item)
    if items or not lines or (basket.not_bought and not basket.problems):
        basket.items = tuple(items)
    basket.has_list_prices = basket.has_list_prices and bool(items)
    return basket


def _lines(raw: Any) -> list[Any] | None:
    if isinstance(raw, list):
        return raw
    if not isinstance(raw, Mapping):
        return None
    if Fields(raw).peek("PRODUCT_ID") is not ABSENT:
        return [raw]  # a single item that is not in a list
    return list(raw.values())


def is_not_bought(line: Mapping[str, Any]) -> bool:
    """Return whether the row is set aside for later (DELAY is Y) or cannot be bought (CAN_BUY is N).

    A missing or unreadable column does not exclude the row.
    """
    return _is_not_bought(Fields(line))


def _is_not_bought(fields: Fields) -> bool:
    set_aside, can_buy = fields.peek("DELAY"), fields.peek("CAN_BUY")
    return read_flag(set_aside).value is True or read_flag(can_buy).value is False


def _is_set_component(fields: Fields) -> bool:
    """Return whether the row has SET_PARENT_ID but no TYPE. A set has both (`CSaleBasketHelper::isSetItem`)."""
    parent, kind = fields.peek("SET_PARENT_ID"), fields.peek("TYPE")
    return (
        parent is not ABSENT
        and read_id(parent).value is not None
        and (kind is ABSENT or is_empty(kind) or read_number(kind).value == 0)
    )


def _item(line: Fields, name: str, basket: Basket) -> ItemSnapshot:
    reading = Translation(line, where=f"{name}.")
    basket_id = reading.read("ID", read_id)
    product_id = reading.read("PRODUCT_ID", read_id)
    raw_quantity = reading.source.peek("QUANTITY")
    unknown: dict[str, str] = {}
    quantity = _amount(reading, "QUANTITY", unknown)
    price = _amount(reading, "PRICE", unknown)
    if quantity * price >= _TOTAL_BELOW:
        # Quantity and price fit into their columns, but the total does not. The quantity is recorded as unreadable,
        # because people enter it. The price is copied from the catalogue.
        reading.flag("QUANTITY", raw_quantity, ProblemReason.OUT_OF_RANGE)
        unknown["quantity"], quantity = as_typed(raw_quantity), Decimal(0)
    for column in ("DELAY", "CAN_BUY"):
        reading.read(column, read_flag)
    snapshot = _product_snapshot(reading)
    listed = kept_list_price(snapshot)
    # If the list price is zero and the price is not, the column of the list price was never filled.
    basket.has_list_prices &= not unknown and listed is not None and (listed > 0 or price <= 0)
    unreadable = reading.kept
    reading.kept = {}
    reading.keep_rest()
    if extra := {key: value for key, value in reading.kept.items() if not is_empty(value)}:
        snapshot["fields"] = extra
    basket.problems.extend(reading.problems)
    basket.kept.update({f"{name}.{field_name}": value for field_name, value in unreadable.items()})
    return ItemSnapshot(
        bitrix_basket_id=basket_id,
        bitrix_product_id=product_id,
        quantity=quantity,
        price=price,
        product_snapshot=snapshot,
        unknown_values=unknown,
    )


def _amount(reading: Translation, name: str, unknown: dict[str, str]) -> Decimal:
    """Return the quantity (pieces) or the price (KZT) of an item.

    If the value is missing or unreadable, record the field as unreadable, store its text in `unknown` and return 0.
    """
    raw = reading.source.take(name)
    reader = read_quantity if name == "QUANTITY" else read_unit_price
    if raw is ABSENT or is_empty(raw):
        reading.problems.append(Problem(reading.where + name, None, ProblemReason.NOT_A_NUMBER))
        unknown[name.lower()] = ""
        return Decimal(0)
    value = reading.interpret(name, raw, reader).value
    if value is None:
        unknown[name.lower()] = as_typed(raw)
        return Decimal(0)
    return value


def _product_snapshot(reading: Translation) -> dict[str, Any]:
    snapshot: dict[str, Any] = {}
    for name, key in _SNAPSHOT_TEXTS.items():
        text = reading.read(name, read_line)
        if text:
            snapshot[key] = text
    for name, key in _SNAPSHOT_AMOUNTS.items():
        amount = reading.read(name, read_unit_price)
        if amount is not None:
            snapshot[key] = comparable_price(amount)
    for name in ("PROPS", "PROPERTIES"):
        raw = reading.source.take(name)
        if raw is not ABSENT and not is_empty(raw):
            snapshot["properties"] = storable(raw)
            break
    if picture := _picture(reading, snapshot.get("properties")):
        snapshot["picture"] = picture
    if "xml_id" not in snapshot:
        xml_id = reading.read("XML_ID", read_line)
        if xml_id:
            snapshot["xml_id"] = xml_id
    return snapshot


def _picture(reading: Translation, properties: Any) -> str:
    """Return the address of the picture that was sent with an item, or an empty string. An id of a file is left out."""
    sent = [reading.source.peek(name) for name in _PICTURES]
    found = list_properties(properties, "PROPS") if properties else None
    sent += [raw for code, raw in (found.pairs if found else ()) if code == MINIATURE]
    for raw in sent:
        if raw is not ABSENT and is_filled(raw) and not is_file_id(raw) and (address := read_address(raw).value):
            return address
    return ""
