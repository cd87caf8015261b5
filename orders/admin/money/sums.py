"""The sums that staff type on pages about money."""

from decimal import Decimal

from django.core.exceptions import ValidationError

from orders.admin.new_order.lines import AmountField

_FIELD = AmountField(max_digits=12, decimal_places=2)


def read_sum(typed: str) -> Decimal | None:
    """Return the sum, or None if the string is no sum that a payment can have."""
    try:
        found: Decimal = _FIELD.clean(typed)
    except ValidationError:
        return None
    return found


def sum_to_type(amount: Decimal) -> str:
    """Return the sum as the value of an input, such as `12500` or `12500.50`."""
    return f"{amount:.2f}".removesuffix(".00")
