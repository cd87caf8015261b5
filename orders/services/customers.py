"""Services by which staff add and edit customers."""

from collections.abc import Collection

from orders.models import Customer
from orders.values.phones import normalize_phone


def add_customer(customer: Customer) -> None:
    """Insert a new customer. The phone is normalized first."""
    customer.phone = normalize_phone(customer.phone).value
    customer.save(force_insert=True)


def edit_customer(customer: Customer, *, changed: Collection[str]) -> None:
    """Save only the `changed` fields of a customer, since the bridge updates the other fields of the same row."""
    customer.phone = normalize_phone(customer.phone).value
    if changed:
        customer.save(update_fields=[*changed, "updated_at"])
