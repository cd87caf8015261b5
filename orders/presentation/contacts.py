"""Who has placed an order: the contacts that were given with it, which the customer's do not replace."""

from dataclasses import dataclass

from orders.models import Order
from orders.values.person_names import are_compatible


@dataclass(frozen=True, slots=True)
class Contact:
    """The name and the phone of the person to ask about an order."""

    name: str
    phone: str
    other_phones: str = ""
    """The other phones of the customer, if the first one is the customer's."""


def contact_of(order: Order) -> Contact:
    """Return the contacts that were given with the order, or those of the customer where none were given."""
    customer = order.customer
    phone = order.contact_phone or (customer.phone if customer else "")
    return Contact(
        order.contact_name or (customer.name if customer else ""),
        phone,
        customer.other_phones if customer and phone == customer.phone else "",
    )


def given_contact(order: Order) -> Contact | None:
    """Return the contacts that were given with the order, or None if the customer has the same ones."""
    customer = order.customer
    has_name = bool(order.contact_name) and not (
        (customer and are_compatible(order.contact_name, customer.name)) or _same(order, "name")
    )
    if has_name or (order.contact_phone and not _same(order, "phone")):
        return Contact(order.contact_name, order.contact_phone)
    return None


def given_email(order: Order) -> str:
    """Return the e-mail address that was given with the order, or an empty string if the customer has the same one."""
    return "" if _same(order, "email") else order.contact_email


def _same(order: Order, column: str) -> bool:
    known = str(getattr(order.customer, column) or "") if order.customer else ""
    return str(getattr(order, f"contact_{column}")).casefold() == known.casefold()
