"""Functions that set the customer of an order: the site's customer, unless staff have chosen a different one since."""

from collections.abc import Sequence
from typing import Any

from orders.models import Customer, Order
from orders.rules.same_person import Identity, Match, names_match
from orders.services.inbound.batch import Batch
from orders.services.inbound.customers import apply_customer
from orders.sync.agreement import Agreement
from orders.sync.snapshot import CustomerSnapshot

CUSTOMER = "customer"
"""The key in the agreed values for what the site reported last of the customer: account, phone and name. This value is
never pushed."""
CUSTOMER_COLUMNS = ("customer", "customer_before_merge")


def set_customer(
    order: Order,
    customer: CustomerSnapshot | None,
    agreement: Agreement,
    *,
    repeats_contacts: bool,
    batch: Batch,
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
    current = order.customer_before_merge or order.customer
    known, named = _known(agreement), _named(customer)
    is_other = known is not None and _differs(known, named)
    # The customer has had the account that is now known to be the one of all guests.
    is_other |= (
        current is not None
        and current.bitrix_user_id is not None
        and (current.bitrix_user_id == customer.guest_account)
    )
    stays = current is not None and not is_other
    row, is_changed = apply_customer(
        snapshot=customer,
        current=current,
        is_settled=stays and known is not None,
        may_create=not stays,
        writes=batch.writes,
        people=batch.people,
    )
    agreement.agreed[CUSTOMER] = _completed(known, named)
    if stays or row is None:
        return is_changed
    is_moved = row.kept_id != order.customer_id
    give_to(order, row)
    return is_changed or is_moved


def agree_on_customer(agreement: Agreement, customer: CustomerSnapshot) -> None:
    """Record what the site says of the order's customer in the agreement."""
    agreement.agreed[CUSTOMER] = _completed(None, _named(customer))


def give_to(order: Order, customer: Customer) -> None:
    """Set the customer of an order, which may be merged into another one. The order is not saved."""
    if customer.merged_into_id is None:
        order.customer, order.customer_before_merge = customer, None
    else:
        order.customer_id, order.customer_before_merge = customer.merged_into_id, customer


def customer_change(before: Customer | None, order: Order) -> list[dict[str, Any]]:
    """Return the change for the timeline if the customer of the order has changed."""
    if (before.pk if before else None) == order.customer_id:
        return []
    return [{"field": CUSTOMER, "old": str(before) if before else None, "new": str(order.customer)}]


def _known(agreement: Agreement) -> Identity | None:
    value = agreement.agreed.get(CUSTOMER)
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != len(_PARTS):
        return None
    return Identity(*value)


def _named(customer: CustomerSnapshot) -> Identity:
    """Return what the site says of the person: the account and what was typed. An account may change its contacts."""
    said = customer.fields if customer.bitrix_user_id is None else customer.typed
    phone, name = (customer.typed.get(one) or said.get(one) or "" for one in ("phone", "name"))
    return Identity(customer.bitrix_user_id, phone, name)


def _differs(known: Identity, named: Identity) -> bool:
    """Return whether the site now reports a different person. A part that is missing on one side does not count."""
    return (
        _are_different(known.account, named.account)
        or _are_different(known.phone, named.phone)
        or names_match(known, named) is Match.DIFFERENT
    )


def _are_different(one: int | str | None, other: int | str | None) -> bool:
    return bool(one) and bool(other) and one != other


def _completed(known: Identity | None, named: Identity) -> list[Any]:
    known = known or Identity()
    return [getattr(named, part) or getattr(known, part) for part in _PARTS]


_PARTS = ("account", "phone", "name")
