"""The creation of an order from its first snapshot."""

from orders.events import OrderChange
from orders.models import Order, Stage
from orders.services.inbound.batch import Batch
from orders.services.inbound.bookkeeping import note_received
from orders.services.inbound.customers import apply_customer
from orders.services.inbound.entries import write_entry
from orders.services.inbound.incoming import ids_of_creation
from orders.services.inbound.metadata import oddities
from orders.services.inbound.origin import Origin
from orders.services.inbound.outcomes import Applied, Outcome
from orders.services.inbound.owner import agree_on_customer, give_to
from orders.services.items import store_items
from orders.services.making_facts import follow_status
from orders.services.payment_rows import lacking_payments
from orders.services.references import unread_status
from orders.services.unknown import mark_unknown_items
from orders.sync.agreement import Agreement
from orders.sync.fields import FIELDS, ITEMS, comparable, comparable_items
from orders.sync.snapshot import OrderSnapshot
from orders.sync.unknown import unknown_at_first
from orders.timeline_payloads import OrderCreated


def create(snapshot: OrderSnapshot, origin: Origin, batch: Batch) -> Applied:
    """Create the order with its customer, its items and one timeline entry."""
    writes, fields = batch.writes, dict(snapshot.fields)
    if "recipient_phone" in fields:
        fields.setdefault("recipient_other_phones", "")
    site_status = fields.get("status")
    items = snapshot.items or ()
    references = batch.references.resolve(ids_of_creation(snapshot))
    fields["status"] = references.status if site_status is not None else unread_status()
    customer = None
    if snapshot.customer is not None:
        customer, _ = apply_customer(snapshot=snapshot.customer, writes=writes, people=batch.people)

    agreement = Agreement(site_status=site_status or "")
    note_received(agreement, snapshot, origin)
    agreement.settle({name: comparable(value) for name, value in fields.items()})
    if snapshot.items is not None:
        agreement.settle({ITEMS: comparable_items(items)})
    if snapshot.customer is not None:
        agree_on_customer(agreement, snapshot.customer)

    order = Order(
        bitrix_order_id=snapshot.bitrix_order_id,
        pay_system_id=snapshot.pay_system,
        source=origin.source,
        metadata=dict(snapshot.metadata),
        unknown_values=unknown_at_first(snapshot),
        bitrix_state=agreement.as_json(),
        bitrix_version=snapshot.version,
        bitrix_updated_at=snapshot.updated_at,
        created_at=snapshot.created_at or origin.happened_at,
        completed_at=origin.settled_at if references.status_is_final else None,
        is_stub=snapshot.is_partial,
    )
    for name, value in fields.items():
        setattr(order, FIELDS[name].attribute, value)
    mark_unknown_items(order, items, snapshot.unread.get(ITEMS, ""))
    if customer is not None:
        give_to(order, customer)
    order.order_number = order.order_number or str(snapshot.bitrix_order_id)
    making = []
    if references.status_stage in (Stage.MAKING, Stage.READY) and not origin.is_copied:
        making = follow_status(order, "", at=origin.happened_at, read_statuses=batch.stored.statuses)
    writes.insert(order)
    batch.items[order.pk] = store_items(
        order=order, existing=(), wanted=items, products=references.products, writes=writes
    )
    batch.add_order(order)

    if order.paid_amount:
        paid_at = order.created_at if origin.is_copied else origin.happened_at
        payments = lacking_payments(order, (), source=origin.source, at=paid_at, site=snapshot.payments)
        batch.stored.add_payments(order, payments)
        writes.insert(*payments)
    odd = oddities(snapshot, origin.history)
    payload = OrderCreated(problems=odd.problems, remarks=odd.remarks, occasion=origin.reason)
    event = write_entry(order, payload, origin, making, writes=writes)
    if odd:
        batch.stored.add_entry(order, payload)
    batch.publish(OrderChange(order, event, is_new=True, has_payments=True))
    return Applied(order, Outcome.CREATED, is_first=True)
