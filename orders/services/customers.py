"""Customers, as staff edit them."""

from collections.abc import Collection

from orders.models import Customer
from orders.values.phones import normalize_phone


def add_customer(customer: Customer) -> None:
    """Store a new customer, with the phone in its one stored form."""
    customer.phone = normalize_phone(customer.phone).value
    customer.save(force_insert=True)


def edit_customer(customer: Customer, *, changed: Collection[str]) -> None:
    """Store these fields of a known customer, and no others: the site writes to the same row."""
    customer.phone = normalize_phone(customer.phone).value
    if changed:
        customer.save(update_fields=[*changed, "updated_at"])
