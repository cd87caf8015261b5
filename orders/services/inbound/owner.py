"""Whose order it is: the site's customer, unless staff have chosen another one since."""

from orders.models import Order
from orders.services.inbound.customers import apply_customer
from orders.sync.snapshot import CustomerSnapshot
from orders.sync.three_way_merge import Agreement

CUSTOMER = "customer"
"""The customer whom the site named last, among the agreed values; it is never pushed."""


def set_customer(
    order: Order, customer: CustomerSnapshot | None, agreement: Agreement, *, repeats_contacts: bool
) -> bool:
    """Apply what the site says of the customer, and whose order it is; return whether anything changed.

    Staff may have chosen another customer, or entered the caller themselves: that stays until the site names another
    one. Contacts that were typed into an order and are known already (`repeats_contacts`) were new when it came: since
    then the same caller may have given another name with a later order.
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
    """Note whose order it is on the site."""
    agreement.agreed[CUSTOMER] = _identity(customer)


def _identity(customer: CustomerSnapshot) -> str | None:
    """Return what identifies the site's customer: the account, or the phone of a caller without one."""
    phone = customer.fields.get("phone")
    if customer.bitrix_user_id is None or (customer.contacts_only and phone):
        return phone or None
    return str(customer.bitrix_user_id)
