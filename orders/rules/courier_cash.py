"""The cash that a courier brings back to the shop. Only known sums in KZT count."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from orders.models import Order, PaymentMethod
from orders.rules.payment import KZT, dues_of, payment_of


@dataclass(frozen=True, slots=True)
class CourierCash:
    """The cash of a courier's day."""

    ahead: Decimal
    """What the courier still collects at the stops."""
    held: Decimal
    """What the courier has collected on this day and not handed in."""
    earlier: Decimal
    """What the courier has not handed in of earlier days."""

    @property
    def total(self) -> Decimal:
        """Return what the courier brings back."""
        return self.ahead + self.held + self.earlier

    @property
    def is_any(self) -> bool:
        """Return whether there is any cash."""
        return bool(self.ahead or self.held or self.earlier)


def cash_ahead(stops: Iterable[Order]) -> Decimal:
    """Return the cash that is due at these stops."""
    paid_in_cash = (order for order in stops if payment_of(order).method == PaymentMethod.CASH)
    return dues_of(paid_in_cash).sums.get(KZT, Decimal(0))
