"""The quantity, the price and the sum of an item as texts. An unknown value is shown as the site sent it."""

from django.utils.translation import gettext

from orders.models import Order, OrderItem
from orders.presentation.formatting import NBSP, money, number, unit_price
from orders.presentation.payment import unknown_text


def quantity_text(item: OrderItem, separator: str = NBSP) -> str:
    """Return the quantity with `separator` between thousands, or “unknown” with the text that could not be read."""
    if item.is_unknown("quantity"):
        return unknown_text(item.unknown_values["quantity"])
    return number(item.quantity, separator=separator)


def price_text(item: OrderItem, order: Order) -> str:
    """Return the price of one piece in the order's currency, or “unknown” with the text that could not be read."""
    if item.is_unknown("price"):
        return unknown_text(item.unknown_values["price"])
    return unit_price(item.price, _currency(order))


def total_text(item: OrderItem, order: Order) -> str:
    """Return the sum of the item in the order's currency, or “unknown” if its quantity or its price is unknown."""
    return gettext("unknown") if item.unknown_values else money(item.total, _currency(order))


def _currency(order: Order) -> str:
    return "?" if order.is_unknown("currency") else order.currency
