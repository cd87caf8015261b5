"""Services that mark orders that the site has deleted or archived. These orders are never deleted in the CRM."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from cvety_crm.users import User
from orders.events import OrderChange, publish
from orders.models import Order, OrderEvent, Reason, Source, SyncState
from orders.services.locking import lock_site_order, settle_sync_state
from orders.services.timeline import new_event, write_event
from orders.sync.agreement import Agreement
from orders.timeline_payloads import ArchivedOnSite, DeletedOnSite, FieldsChanged


@transaction.atomic
def mark_deleted(
    *,
    bitrix_order_id: int,
    crm_order_id: UUID | None = None,
    webhook_event_id: UUID | None = None,
    actor: User | None = None,
    reason: Reason = Reason.NONE,
) -> Order | None:
    """Mark the order as deleted on the site and return it, or return None if there is no such order.

    A repeated call changes nothing. `crm_order_id` is the primary key of an order that was created in the CRM and whose
    id on the site is not known yet. Because of the mark, such an order is not created on the site again.
    """
    order = lock_site_order(bitrix_order_id, crm_order_id)
    if order is None or order.is_deleted_on_site:
        return order
    order.bitrix_order_id = bitrix_order_id
    order.is_deleted_on_site, order.is_archived_on_site = True, False
    order.sync_state = SyncState.SYNCED
    order.save(
        update_fields=["bitrix_order_id", "is_deleted_on_site", "is_archived_on_site", "sync_state", "updated_at"]
    )
    event = write_event(
        order=order,
        payload=DeletedOnSite(),
        source=Source.SITE,
        actor=actor,
        changes=[{"field": "is_deleted_on_site", "old": False, "new": True}],
        reason=reason,
        webhook_event_id=webhook_event_id,
    )
    publish(OrderChange(order, event))
    return order


@transaction.atomic
def mark_archived(
    bitrix_order_ids: Collection[int], *, actor: User | None = None, reason: Reason = Reason.NONE
) -> list[Order]:
    """Mark the orders with these ids on the site as archived there. Return the orders that were not marked before.

    The mark replaces the mark of a deletion, since the site does not report that it archives an order. This makes four
    queries for any number of orders.
    """
    known = Order.objects.select_for_update(no_key=True).filter(
        bitrix_order_id__in=bitrix_order_ids, is_archived_on_site=False
    )
    orders = list(known.order_by("pk"))
    if not orders:
        return []
    events = []
    for order in orders:
        changes = [{"field": "is_archived_on_site", "old": False, "new": True}]
        if order.is_deleted_on_site:
            changes.append({"field": "is_deleted_on_site", "old": True, "new": False})
        order.is_archived_on_site, order.is_deleted_on_site, order.sync_state = True, False, SyncState.SYNCED
        events.append(
            new_event(
                order=order,
                payload=ArchivedOnSite(),
                source=Source.SITE,
                actor=actor,
                changes=changes,
                reason=reason,
            )
        )
    columns = {"is_archived_on_site": True, "is_deleted_on_site": False, "sync_state": SyncState.SYNCED}
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(**columns, updated_at=timezone.now())
    OrderEvent.objects.bulk_create(events)
    return orders


@transaction.atomic
def mark_present(*, bitrix_order_id: int, actor: User | None = None) -> Order | None:
    """Remove the mark of a deletion, because the site was restored to an older state and has the order again.

    Return the order, or None if there is no such order. The pending changes of the order are sent.
    """
    order = lock_site_order(bitrix_order_id)
    if order is None or not order.is_deleted_on_site:
        return order
    order.is_deleted_on_site = False
    settle_sync_state(order, Agreement.from_json(order.bitrix_state), list(order.items.all()))
    order.save(update_fields=["is_deleted_on_site", "sync_state", "updated_at"])
    event = write_event(
        order=order,
        payload=FieldsChanged(),
        source=Source.SITE,
        actor=actor,
        changes=[{"field": "is_deleted_on_site", "old": True, "new": False}],
        reason=Reason.COMPARED_BACK,
    )
    publish(OrderChange(order, event))
    return order
