"""The composition of an order without prices: names and quantities.

A discount may have split one piece off into an item of its own (`orders.rules.discounts`). Florists and couriers see a
single item.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from orders.models import OrderItem
from orders.presentation.details import as_line, plain_item_details
from orders.presentation.formatting import number
from orders.presentation.payment import unknown_text
from orders.product_pictures.links import picture_address
from orders.values.phone_masking import without_phones


@dataclass(frozen=True, slots=True)
class Goods:
    """One product with its quantity, and its details on one line, such as `Size: 61 cm`."""

    name: str
    quantity: Decimal
    details: str = ""
    typed: str | None = None
    """The text that the site sent, if the quantity is unknown. The text is empty if the site has sent none."""
    picture: str = ""
    """The address of the picture on the site, if it was asked for."""

    @property
    def quantity_text(self) -> str:
        """Return the quantity, or “unknown” with the text that could not be read."""
        return number(self.quantity) if self.typed is None else unknown_text(self.typed)


def composition(items: Iterable[OrderItem], *, phones: bool = False) -> list[Goods]:
    """Return the products of the items with their quantities. Items with the same name are added up.

    The sequence of the items is kept. An unknown quantity is not added up. Phones in names are hidden unless `phones`.
    """
    return _added_up(((item, "") for item in items), phones=phones)


def detailed_composition(items: Iterable[OrderItem], *, phones: bool = False) -> list[Goods]:
    """Return the products like `composition`, with their details. Items are added up if their details are equal."""
    return _added_up(((item, as_line(plain_item_details(item))) for item in items), phones=phones)


def item_name(item: OrderItem, *, phones: bool) -> str:
    """Return the name of the item's product. Somebody may have typed a phone into it."""
    return item.name if phones else without_phones(item.name)


def pictured_composition(items: Iterable[OrderItem]) -> list[Goods]:
    """Return the products like `detailed_composition`, with their pictures. The items must have their products."""
    found = list(items)
    pictures: dict[tuple[str, str], str] = {}
    for item in found:
        pictures.setdefault((item_name(item, phones=False), as_line(plain_item_details(item))), picture_address(item))
    return [replace(goods, picture=pictures[goods.name, goods.details]) for goods in detailed_composition(found)]


def goods_text(goods: Goods) -> str:
    """Return a product with its details and quantity, such as `Bouquet (Size: 61 cm) × 2`."""
    details = f" ({goods.details})" if goods.details else ""
    return f"{goods.name}{details} × {goods.quantity_text}"


def _added_up(items: Iterable[tuple[OrderItem, str]], *, phones: bool) -> list[Goods]:
    goods: dict[tuple[str, str, str | None], Goods] = {}
    for item, details in items:
        typed = item.unknown_values.get("quantity")
        name = item_name(item, phones=phones)
        key = (name, details, typed)
        known = goods.get(key)
        quantity = item.quantity if known is None else known.quantity + item.quantity
        goods[key] = Goods(name, quantity, details, typed)
    return list(goods.values())
