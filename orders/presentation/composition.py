"""What an order is made of, where no prices are shown: names and quantities.

A discount may have made one piece a line of its own (`orders.rules.discounts`); those who make or carry the order see
one line for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from orders.models import OrderItem


@dataclass(frozen=True, slots=True)
class Goods:
    """One thing, and how many of it."""

    name: str
    quantity: Decimal


def composition(items: Iterable[OrderItem]) -> list[Goods]:
    """Return what the lines are, those of one name together, in the order of the lines."""
    quantities: dict[str, Decimal] = {}
    for item in items:
        quantities[item.name] = quantities.get(item.name, Decimal(0)) + item.quantity
    return [Goods(name, quantity) for name, quantity in quantities.items()]
