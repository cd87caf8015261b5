"""The composition of an order without prices: names and quantities.

A discount may have split one piece off into an item of its own (`orders.rules.discounts`). Florists and couriers see a
single item.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from orders.models import OrderItem


@dataclass(frozen=True, slots=True)
class Goods:
    """One product with its quantity."""

    name: str
    quantity: Decimal


def composition(items: Iterable[OrderItem]) -> list[Goods]:
    """Return the products of the items with their quantities. Items with the same name are added up.

    The sequence of the items is kept.
    """
    quantities: dict[str, Decimal] = {}
    for item in items:
        quantities[item.name] = quantities.get(item.name, Decimal(0)) + item.quantity
    return [Goods(name, quantity) for name, quantity in quantities.items()]
