"""The job that gives the earlier orders of a shared account to the customers that their contacts name."""

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from orders.events import OrderChange, publish
from orders.models import Customer, Order, Reason, SharedAccount, Source
from orders.rules.same_person import Identity, Verdict, compare
from orders.services.inbound.customers import apply_customer, person_of
from orders.services.inbound.owner import CUSTOMER_COLUMNS, customer_change, give_to
from orders.services.locking import lock_order
from orders.services.timeline import write_event
from orders.sync.snapshot import CustomerSnapshot
from orders.timeline_payloads import CustomerReplaced


def sort_shared_accounts() -> int:
    """Give the orders of the accounts that were recognised as shared to their customers. Return how many were given.

    An account without a mark of the site's account for guests is recognised late, by the number of phones. Until then
    namesakes may have become one customer. An order that staff have given to a customer stays with that customer. The
    job can be stopped at any time and repeated.
    """
    count = 0
    for account in SharedAccount.objects.exclude(holder=None):
        of_holder = Q(customer=account.holder_id) | Q(customer_before_merge=account.holder_id)
        orders = Order.objects.filter(of_holder, bitrix_user_id=account.bitrix_user_id).order_by("created_at", "pk")
        for key in orders.values_list("pk", flat=True):
            count += _sort_order(key, account)
        SharedAccount.objects.filter(pk=account.pk).update(holder=None)
    return count


@transaction.atomic
def _sort_order(key: UUID, account: SharedAccount) -> bool:
    order = lock_order(key)
    holder = Customer.objects.filter(pk=account.holder_id).first() if account.holder_id else None
    if holder is None or (order.customer_before_merge_id or order.customer_id) != holder.pk:
        return False
    typed = {"name": order.contact_name, "phone": order.contact_phone, "email": order.contact_email or None}
    contacts = {name: value for name, value in typed.items() if value}
    if not contacts or _is_chosen_by_staff(order):
        return False
    snapshot = CustomerSnapshot(bitrix_user_id=None, contacts_only=True, fields=contacts, typed=contacts)
    if compare(person_of(snapshot), Identity(None, holder.phone, holder.name)) is Verdict.SAME:
        return False
    before = order.customer
    customer, _is_changed = apply_customer(snapshot=snapshot, other_than=holder)
    if customer is None:
        return False
    give_to(order, customer)
    order.save(update_fields=[*CUSTOMER_COLUMNS, "updated_at"])
    event = write_event(
        order=order,
        payload=CustomerReplaced(),
        source=Source.SYSTEM,
        changes=customer_change(before, order),
        reason=Reason.SHARED_ACCOUNT,
    )
    publish(OrderChange(order, event))
    return True


def _is_chosen_by_staff(order: Order) -> bool:
    return order.events.filter(changes__contains=[{"field": "customer"}], actor__isnull=False).exists()
