"""The rule that decides whether an order is paid and what is due, for objects in Python and for queries.

Pages, printed documents, messages and exports use only this rule. A sum that the site has not sent, or that could not
be read, is unknown (`Order.unknown_values`): it is never due as 0 and never paid. A sum in a currency other than KZT is
due in that currency and is not added to sums in KZT.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from typing import Any

from django.db.models import F, Q

from orders.models import Order, PaymentMethod, PaymentStatus

KZT = "KZT"
_SUM = ("total_amount", "currency")
_DUE = (*_SUM, "paid_amount")
_METHODS = {method.value: method for method in PaymentMethod}


class Standing(Enum):
    """Whether an order is paid."""

    PAID = auto()
    REFUNDED = auto()
    NOTHING_TO_PAY = auto()
    """The sum of the order is zero."""
    PARTLY_PAID = auto()
    NOT_PAID = auto()
    UNKNOWN = auto()
    """The site has not reported whether the order is paid."""


@dataclass(frozen=True, slots=True)
class PaymentState:
    """The payment of one order."""

    standing: Standing
    due: Decimal | None
    """The unpaid sum, in `currency`. None if it is unknown."""
    currency: str
    method: PaymentMethod | None
    """None if the payment method is unknown."""

    @property
    def is_settled(self) -> bool:
        """Return whether the order is paid or costs nothing. A refunded order is not settled."""
        return self.standing in (Standing.PAID, Standing.NOTHING_TO_PAY)

    @property
    def is_due(self) -> bool:
        """Return whether a sum is due or may be due."""
        return self.standing in (Standing.PARTLY_PAID, Standing.NOT_PAID, Standing.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Dues:
    """The sums that are due for several orders."""

    sums: Mapping[str, Decimal] = field(default_factory=dict)
    """The known sums by currency."""
    unknown: int = 0
    """The number of orders whose due sum is unknown."""

    def __bool__(self) -> bool:
        """Return whether a sum is due or may be due."""
        return bool(self.sums or self.unknown)


def payment_of(order: Order) -> PaymentState:
    """Return the payment of the order."""
    standing, due = _standing(order)
    method = _METHODS.get(order.payment_method)
    if order.is_unknown("payment_method"):
        method = None
    return PaymentState(standing, due, order.currency or KZT, method)


def dues_of(orders: Iterable[Order]) -> Dues:
    """Return the sums that are due for these orders."""
    sums: dict[str, Decimal] = {}
    unknown = 0
    for payment in map(payment_of, orders):
        if payment.is_due and payment.due is None:
            unknown += 1
        elif payment.is_due and payment.due is not None:
            sums[payment.currency] = sums.get(payment.currency, Decimal(0)) + payment.due
    return Dues(sums, unknown)


def sum_is_counted(prefix: str = "") -> Q:
    """Return the condition of orders whose sum is known and in KZT. Only such sums may be added up."""
    return Q(**{f"{prefix}currency": KZT}) & ~_any_unknown(prefix, _SUM)


def is_due(prefix: str = "") -> Q:
    """Return the condition of orders for which a sum is due or may be due (`PaymentState.is_due`)."""
    total, paid = F(f"{prefix}total_amount"), F(f"{prefix}paid_amount")
    status = f"{prefix}payment_status"
    # The order of a query may be missing in an outer join. So each condition is one that such an order fails.
    is_status_unknown = Q(**{f"{prefix}unknown_values__has_key": "payment_status"})
    is_covered = Q(**{f"{prefix}paid_amount__gt": 0, f"{prefix}total_amount__lte": paid})
    is_pending = Q(**{status: PaymentStatus.PENDING}) & (
        _any_unknown(prefix, _DUE) | Q(**{f"{prefix}paid_amount__lt": total})
    )
    may_be_due = is_status_unknown & (_any_unknown(prefix, _DUE) | ~is_covered)
    return may_be_due | (is_pending & ~is_status_unknown)


def due_is_counted(prefix: str = "") -> Q:
    """Return the condition of orders whose due sum is known and in KZT. Combine it with `is_due`."""
    names = (*_DUE, "payment_status")
    return Q(**{f"{prefix}currency": KZT}) & ~_any_unknown(prefix, names)


def _any_unknown(prefix: str, names: Iterable[str]) -> Q:
    lookup: dict[str, Any] = {f"{prefix}unknown_values__has_any_keys": list(names)}
    return Q(**lookup)


def _standing(order: Order) -> tuple[Standing, Decimal | None]:
    """Return whether the order is paid, and the due sum."""
    is_status_known = not order.is_unknown("payment_status")
    if is_status_known and order.payment_status == PaymentStatus.REFUNDED:
        return Standing.REFUNDED, Decimal(0)
    if is_status_known and order.payment_status == PaymentStatus.PAID:
        return Standing.PAID, Decimal(0)
    if any(order.is_unknown(name) for name in _DUE):
        return (Standing.NOT_PAID if is_status_known else Standing.UNKNOWN), None
    due = order.total_amount - order.paid_amount
    if due <= 0:
        if order.paid_amount > 0:
            return Standing.PAID, Decimal(0)
        return (Standing.NOTHING_TO_PAY, Decimal(0)) if is_status_known else (Standing.UNKNOWN, None)
    if not is_status_known:
        return Standing.UNKNOWN, None
    return (Standing.PARTLY_PAID if order.paid_amount > 0 else Standing.NOT_PAID), due
