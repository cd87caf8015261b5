"""Functions that set the customer of an order: the site's customer, unless staff have chosen a different one since."""

from orders.models import Order
from orders.services.inbound.customers import apply_customer
from orders.sync.snapshot import CustomerSnapshot
from orders.sync.three_way_merge import Agreement

CUSTOMER = "customer"
"""The key in the agreed values for the customer that the site reported last. This value is never pushed."""


def set_customer(
    order: Order, customer: CustomerSnapshot | None, agreement: Agreement, *, repeats_contacts: bool
) -> bool:
    """Update the customer from the snapshot, and set the customer of the order. Return whether anything changed.

    A customer that staff have chosen is kept until the site reports a different customer. Contacts that the customer
    entered in the order are skipped if an earlier snapshot had the same contacts (`repeats_contacts`), since the same
    customer may have given a different name with a later order.
    """
    if customer is None:
        return False
    is_typed = customer.contacts_only or customer.bitrix_user_id is None
    if repeats_contacts and is_typed and order.customer_id is not None:
        return False
    row, is_changed = apply_customer(snapshot=customer, current=order.customer)
    known, named = agreement.agreed.get(CUSTOMER), _identity(customer)
    agreement.agreed[CUSTOMER] = named or known
    if order.customer_id is not None and (known is None or named in (None, known)):
        return is_changed
    is_other = row is not None and row.pk != order.customer_id
    order.customer = row
    return is_changed or is_other


def agree_on_customer(agreement: Agreement, customer: CustomerSnapshot) -> None:
    """Record the site's customer of the order in the agreement."""
    agreement.agreed[CUSTOMER] = _identity(customer)


def _identity(customer: CustomerSnapshot) -> str | None:
    """Return the identity of the site's customer: the account id, or the phone of a customer without an account."""
    phone = customer.fields.get("phone")
    if customer.bitrix_user_id is None or (customer.contacts_only and phone):
        return phone or None
    return str(customer.bitrix_user_id)
