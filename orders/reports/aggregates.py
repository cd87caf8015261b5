"""What reports add up. Sums are in KZT: sums in other currencies and unknown sums are counted, not added."""

from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, F, Q, Sum

from orders.models import Order, OrderItem, Payment
from orders.reports.populations import is_sold
from orders.reports.reading import Aggregate, Part
from orders.rules.payment import KZT, sum_is_counted

_SUM = DecimalField(max_digits=20, decimal_places=4)


def _known(prefix: str, *names: str) -> Q:
    return ~Q(**{f"{prefix}unknown_values__has_any_keys": list(names)})


def orders_where(condition: Any = None, *, distinct: bool = False) -> Aggregate:
    """Return the number of orders that match a condition, which is a function of the path to the order."""

    def make(prefix: str) -> Any:
        key = prefix.removesuffix("__") or "pk"
        return Count(key, filter=condition(prefix) if condition else None, distinct=distinct)

    return Aggregate(int, make, is_additive=not distinct)


def sum_of(name: str, condition: Any = None) -> Aggregate:
    """Return the total of an amount of orders whose sum is counted, as far as the amount is known too."""

    def make(prefix: str) -> Any:
        counted = sum_is_counted(prefix) & _known(prefix, name)
        wanted = counted & condition(prefix) if condition else counted
        return Sum(f"{prefix}{name}", filter=wanted, default=Decimal(0), output_field=_SUM)

    return Aggregate(Decimal, make)


def counted(condition: Any = None) -> Aggregate:
    """Return the number of orders whose sums are added up."""
    return orders_where(lambda prefix: sum_is_counted(prefix) & (condition(prefix) if condition else Q()))


def uncounted(condition: Any = None) -> Aggregate:
    """Return the number of orders whose sums are unknown or in another currency."""
    return orders_where(lambda prefix: ~sum_is_counted(prefix) & (condition(prefix) if condition else Q()))


def _without_delivery(prefix: str) -> Any:
    wanted = sum_is_counted(prefix) & _known(prefix, "delivery_fee")
    goods = F(f"{prefix}total_amount") - F(f"{prefix}delivery_fee")
    return Sum(goods, filter=wanted, default=Decimal(0), output_field=_SUM)


GOODS = Aggregate(Decimal, _without_delivery)
GOODS_COUNTED = orders_where(lambda prefix: sum_is_counted(prefix) & _known(prefix, "delivery_fee"))


def in_kzt(prefix: str) -> Q:
    """Return the condition of orders in KZT."""
    return Q(**{f"{prefix}currency": KZT}) & _known(prefix, "currency")


def _refunded(prefix: str) -> Any:
    return Sum(-F("amount"), filter=in_kzt(prefix), default=Decimal(0), output_field=_SUM)


def refunds(condition: Any = None, **more: Aggregate) -> Part:
    """Return the sums that were given back for orders in KZT. `condition` is a function of the path to the order."""
    aggregates = {"refunds": Aggregate(Decimal, _refunded), **more}
    return Part(lambda: Payment.objects.filter(amount__lt=0), "order__", aggregates, condition or (lambda _prefix: Q()))


def items_known(prefix: str) -> Q:
    """Return the condition of items in KZT whose quantity and price are known."""
    return in_kzt(prefix) & _known("", "quantity", "price")


def _quantity(_prefix: str) -> Any:
    return Sum("quantity", filter=_known("", "quantity"), default=Decimal(0), output_field=_SUM)


def item_sum(condition: Any = None) -> Aggregate:
    """Return the total of the known sums of items in KZT."""

    def make(prefix: str) -> Any:
        wanted = items_known(prefix) & condition(prefix) if condition else items_known(prefix)
        return Sum("total", filter=wanted, default=Decimal(0), output_field=_SUM)

    return Aggregate(Decimal, make)


QUANTITY = Aggregate(Decimal, _quantity)
ITEM_UNCOUNTED = Aggregate(
    int, lambda prefix: Count("order", filter=~items_known(prefix), distinct=True), is_additive=False
)


def all_orders() -> Any:
    """Return the orders."""
    return Order.objects.all()


def all_items() -> Any:
    """Return the items."""
    return OrderItem.objects.all()


_SOLD = {
    "orders": orders_where(),
    "amount": sum_of("total_amount"),
    "counted": counted(),
    "uncounted": uncounted(),
}
SOLD_SUMS = Part(all_orders, "", _SOLD, is_sold)
"""The orders and their sums, for tables that show nothing else."""
SOLD_ORDERS = Part(
    all_orders,
    "",
    {
        **_SOLD,
        "goods": GOODS,
        "goods_counted": GOODS_COUNTED,
        "delivery": sum_of("delivery_fee"),
        "discount": sum_of("discount_amount"),
    },
    is_sold,
)
SOLD_ITEMS = Part(
    all_items,
    "order__",
    {
        "orders": orders_where(distinct=True),
        "quantity": QUANTITY,
        "amount": item_sum(),
        "uncounted": ITEM_UNCOUNTED,
    },
    is_sold,
)
