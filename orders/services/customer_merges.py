"""The services by which staff merge two customers and part them again.

A merge changes no customer: it moves the orders, and each order remembers whose it was. A merged customer keeps its
account and its contacts, so the site's next event about them finds it, and through it the customer that has the orders.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import Customer, CustomerChange, Order, OrderEvent, Reason, Source
from orders.services.locking import lock_orders
from orders.services.timeline import new_event
from orders.timeline_payloads import CustomerReplaced

TRIES = 3
"""How often a merge starts again because an order of the customer has arrived in between."""
_MERGED, _PARTED = CustomerChange.Kind.MERGED, CustomerChange.Kind.PARTED


class _NewOrdersError(Exception):
    """The customer has got an order that is not locked."""


def merge_customers(*, kept_id: UUID, merged_id: UUID, actor: User | None) -> int:
    """Give all orders of one customer to the other one. Return how many there are.

    Raise `NotAllowedError` if it is the same customer, if one of them does not exist or is already merged, or if its
    orders change all the time.
    """
    if kept_id == merged_id:
        raise NotAllowedError(gettext("A customer can't be merged with itself."))
    for _try in range(TRIES):
        try:
            return _merge(kept_id, merged_id, actor)
        except _NewOrdersError:
            continue
    raise NotAllowedError(gettext("Orders of this customer are arriving just now. Try again in a minute."))


def part_customer(*, merged_id: UUID, actor: User | None) -> int:
    """Undo the merge of a customer. Its orders return to it, also those that have arrived since then.

    Return how many orders there are. An order that staff have given to a third customer stays there. Raise
    `NotAllowedError` if the customer is not merged.
    """
    for _try in range(TRIES):
        try:
            return _part(merged_id, actor)
        except _NewOrdersError:
            continue
    raise NotAllowedError(gettext("Orders of this customer are arriving just now. Try again in a minute."))


@transaction.atomic
def _merge(kept_id: UUID, merged_id: UUID, actor: User | None) -> int:
    theirs = Q(customer=merged_id)
    orders = _locked_orders(theirs)
    rows = _locked_customers([kept_id, merged_id])
    kept, merged = rows.get(kept_id), rows.get(merged_id)
    if kept is None or merged is None or kept.merged_into_id or merged.merged_into_id:
        raise NotAllowedError(gettext("There is no such customer. It may have been merged into another one."))
    if kept.erased_at is not None or merged.erased_at is not None:
        raise NotAllowedError(gettext("The data of this customer is erased already."))
    _check(theirs, orders)
    _give(theirs, kept, before=Coalesce("customer_before_merge", F("customer")))
    Customer.objects.filter(Q(pk=merged.pk) | Q(merged_into=merged)).update(merged_into=kept, updated_at=Now())
    CustomerChange.objects.create(kind=_MERGED, customer=merged, other=kept, actor=actor, orders_count=len(orders))
    _write_entries(orders, merged, kept, Reason.MERGED, actor)
    return len(orders)


@transaction.atomic
def _part(merged_id: UUID, actor: User | None) -> int:
    group = _group(merged_id)
    root_id = Customer.objects.filter(pk=merged_id).values_list("merged_into", flat=True).first()
    theirs = Q(customer=root_id, customer_before_merge__in=group)
    orders = _locked_orders(theirs) if root_id else set()
    rows = _locked_customers([*group, *([root_id] if root_id else [])])
    merged = rows.get(merged_id)
    if merged is None or merged.merged_into_id is None:
        raise NotAllowedError(gettext("This customer is not merged with another one."))
    if merged.merged_into_id != root_id or _group(merged_id) != group:
        raise _NewOrdersError
    _check(theirs, orders)
    root = rows[merged.merged_into_id]
    own = theirs & Q(customer_before_merge=merged)
    _give(theirs & ~Q(customer_before_merge=merged), merged, before=F("customer_before_merge"))
    _give(own, merged, before=None)
    Customer.objects.filter(pk__in=group - {merged.pk}).update(merged_into=merged, updated_at=Now())
    Customer.objects.filter(pk=merged.pk).update(merged_into=None, updated_at=Now())
    CustomerChange.objects.filter(kind=_MERGED, customer=merged, undone_at=None).update(undone_at=timezone.now())
    CustomerChange.objects.create(kind=_PARTED, customer=merged, other=root, actor=actor, orders_count=len(orders))
    _write_entries(orders, root, merged, Reason.PARTED, actor)
    return len(orders)


def _group(merged_id: UUID) -> set[UUID]:
    """Return the customer and all customers that were merged into it before it was merged itself."""
    group, found = {merged_id}, {merged_id}
    while found:
        merges = CustomerChange.objects.filter(kind=_MERGED, undone_at=None, other__in=found)
        found = {key for key in merges.values_list("customer", flat=True) if key is not None} - group
        group |= found
    return group


def _locked_orders(theirs: Q) -> set[UUID]:
    keys = Order.objects.filter(theirs).values_list("pk", flat=True)
    return {order.pk for order in lock_orders(keys)}


def _locked_customers(keys: Iterable[UUID]) -> dict[UUID, Customer]:
    """Lock customers sorted by id, so that two merges can't deadlock. New orders wait for this lock."""
    rows = Customer.objects.select_for_update(no_key=True).filter(pk__in=set(keys)).order_by("pk")
    return {row.pk: row for row in rows.defer("search", "preferences", "bitrix_state")}


def _check(theirs: Q, locked: set[UUID]) -> None:
    if set(Order.objects.filter(theirs).values_list("pk", flat=True)) != locked:
        raise _NewOrdersError


def _give(theirs: Q, customer: Customer, *, before: object) -> None:
    Order.objects.filter(theirs).update(customer=customer, customer_before_merge=before, updated_at=Now())


def _write_entries(orders: set[UUID], old: Customer, new: Customer, reason: Reason, actor: User | None) -> None:
    changes = [{"field": "customer", "old": str(old), "new": str(new)}]
    events = [
        new_event(
            order=Order(pk=key),
            payload=CustomerReplaced(),
            source=Source.ADMIN,
            changes=changes,
            actor=actor,
            reason=reason,
        )
        for key in sorted(orders)
    ]
    OrderEvent.objects.bulk_create(events, batch_size=500)
