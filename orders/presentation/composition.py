"""The composition of an order without prices: names and quantities.

A discount may have split one piece off into an item of its own (`orders.rules.discounts`). Florists and couriers see a
single item.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from orders.models import OrderItem
from orders.presentation.details import as_line, plain_item_details
from orders.presentation.formatting import number


@dataclass(frozen=True, slots=True)
class Goods:
    """One product with its quantity, and its details on one line, such as `Size: 61 cm`."""

    name: str
    quantity: Decimal
    details: str = ""


def composition(items: Iterable[OrderItem]) -> list[Goods]:
    """Return the products of the items with their quantities. Items with the same name are added up.

    The sequence of the items is kept.
    """
    return _added_up((item.name, "", item.quantity) for item in items)


def detailed_composition(items: Iterable[OrderItem]) -> list[Goods]:
    """Return the products like `composition`, with their details. Items are added up if their details are equal."""
    return _added_up((item.name, as_line(plain_item_details(item)), item.quantity) for item in items)


def goods_text(goods: Goods) -> str:
    """Return a product with its details and quantity, such as `Bouquet (Size: 61 cm) × 2`."""
    details = f" ({goods.details})" if goods.details else ""
    return f"{goods.name}{details} × {number(goods.quantity)}"


def _added_up(goods: Iterable[tuple[str, str, Decimal]]) -> list[Goods]:
    quantities: dict[tuple[str, str], Decimal] = {}
    for name, details, quantity in goods:
        quantities[name, details] = quantities.get((name, details), Decimal(0)) + quantity
    return [Goods(name, quantity, details) for (name, details), quantity in quantities.items()]
