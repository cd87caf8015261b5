"""Services by which staff add and edit customers."""

from collections.abc import Collection

from orders.models import Customer
from orders.values.phones import normalize_phone


def add_customer(customer: Customer) -> None:
    """Insert a new customer. The phone is normalized first."""
    _set_phones(customer)
    customer.save(force_insert=True)


def edit_customer(customer: Customer, *, changed: Collection[str]) -> None:
    """Save only the `changed` fields of a customer, since the bridge updates the other fields of the same row."""
    _set_phones(customer)
    if changed:
        customer.save(update_fields=[*changed, "other_phones", "updated_at"])


def _set_phones(customer: Customer) -> None:
    """Set the phone to the first number that was entered. Other numbers that were entered replace the other phones."""
    number = normalize_phone(customer.phone)
    customer.phone = number.value
    if number.more:
        customer.other_phones = number.more
