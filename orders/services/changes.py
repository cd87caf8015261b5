"""Services by which staff change the status, the fields and the items of an order."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.bulk_writes import Writes
from cvety_crm.model_fields import field_label
from cvety_crm.users import User
from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError
from orders.models import Customer, EventKind, Order, Product, Source, Stage, Status, SyncState
from orders.rules.hold import held_until
from orders.rules.making import after_florist, making_of
from orders.services.items import store_items
from orders.services.locking import lock_order, save_pending
from orders.services.making_facts import Changes, follow_status, set_making
from orders.services.order_customer import note_moved_order, set_account
from orders.services.payments import paid_with
from orders.services.references import UNREAD_STATUS, SiteIds, resolve
from orders.services.route_position import clear_position
from orders.services.timeline import changes_between, write_event
from orders.services.totals import MONEY, edited_totals
from orders.services.undo import undo_for
from orders.services.unknown import answer_unknown
from orders.services.validation import LOCAL_FIELDS, given_values
from orders.sync.fields import FIELDS, ITEMS, MAKING_FACTS, comparable, comparable_items, order_values
from orders.sync.snapshot import ItemSnapshot
from orders.timeline_payloads import DESIRED, BothChanged, FieldsChanged, StatusChanged

_NOT_ACCEPTED = (Stage.NEW, Stage.PROBLEM, Stage.CANCELLED)
"""The stages that do not mean that someone has accepted the order."""


@transaction.atomic
def change_status(
    *,
    order_id: UUID,
    status: str,
    actor: User | None,
    source: Source = Source.ADMIN,
    comment: str = "",
    batch_id: UUID | None = None,
    seen: str | None = None,
) -> Order:
    """Set the status of an order, given by its code in the CRM. Setting the present status again changes nothing.

    The status is sent to the site after the hold period (`orders.rules.hold`), and can be undone until then
    (`orders.services.undo`). A status about the making sets the facts of the making (`orders.rules.making`). `batch_id`
    is the same for all changes of one action. `seen` is the status that the actor's page showed. Raise
    `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if there is no such status, if the present
    status is not `seen`, or if the present status does not allow the change.
    """
    order = lock_order(order_id)
    if order.status_id == status:
        return order
    # One query for both statuses: a bulk action calls this function for each order.
    found = {row.code: row for row in Status.objects.filter(code__in=[order.status_id, status])}
    order.status = found[order.status_id]
    target = found.get(status)
    if target is None or target.code == UNREAD_STATUS:
        raise NotAllowedError(gettext("There is no such status: %(code)s.") % {"code": status})
    if target.is_questioned:
        raise NotAllowedError(
            gettext("It is not decided yet what “%(status)s” means on the site: see the page of the site's statuses.")
            % {"status": target}
        )
    if seen is not None and order.status_id != seen:
        raise NotAllowedError(gettext("The status has just been changed to “%(status)s”.") % {"status": order.status})
    desired = conflicting_change(order)
    if not order.status.allows(status) and status != desired:
        raise NotAllowedError(
            gettext("An order in “%(old)s” can't become “%(new)s”.") % {"old": order.status, "new": target}
        )

    old_status = order.status_id
    changes: list[dict[str, Any]] = [{"field": "status", "old": old_status, "new": status}]
    until = held_until()
    undo = undo_for(order, held_until=until, batch_id=batch_id or uuid4()) if until is not None else None
    order.status_held_until = until
    if order.sync_state == SyncState.CONFLICT:
        order.sync_state = SyncState.PENDING  # the manager has decided
    accepted = _accept(order, target, actor)
    order.status = target
    answer_unknown(order, ["status"])
    if target.is_final and order.completed_at is None:
        order.completed_at = timezone.now()
    changes += follow_status(order, old_status, at=timezone.now(), by=actor.pk if actor else None, stage=target.stage)
    columns = ["status", "completed_at", "status_held_until", "unknown_values", "metadata", *MAKING_FACTS, *accepted]
    save_pending(order, columns)
    event = write_event(
        order=order,
        payload=StatusChanged(comment=comment, undo=undo),
        source=source,
        actor=actor,
        changes=changes,
    )
    publish(OrderChange(order, event))
    return order


def _accept(order: Order, target: Status, actor: User | None) -> tuple[str, ...]:
    """Record who has accepted a new order first, and return the columns that have changed."""
    is_accepted = order.status.stage == Stage.NEW and target.stage not in _NOT_ACCEPTED
    if not is_accepted or order.accepted_at is not None or actor is None:
        return ()
    order.accepted_by, order.accepted_at = actor, timezone.now()
    return ("accepted_by", "accepted_at")


@transaction.atomic
def edit_order(
    *,
    order_id: UUID,
    changes: Mapping[str, Any],
    actor: User | None,
    items: Sequence[ItemSnapshot] | None = None,
    source: Source = Source.ADMIN,
    seen: Mapping[str, Any] | None = None,
) -> Order:
    """Change fields of an order (named as in `orders.sync.fields` or `LOCAL_FIELDS`), and its items if given.

    Slots, cities and shops are given by their ids on the site. Fields that are not in `changes` keep their values. For
    a status, use `change_status`. A new courier is marked as not notified, and a bouquet that is not ready is no longer
    taken after a change of the florist. A discount or a sum is spread over the items, and then the sum and the discount
    are computed from the items and the fee (`orders.services.totals`). `seen` are values that the actor's page showed,
    in comparable form (`orders.sync.fields.comparable`). Raise
    `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if a field can't be edited, if the discount is
    above the sum of the goods, if the site can't store a value, or if another user has changed a value of `seen`.
    """
    changes = given_values(changes)
    if items is not None and not items:
        raise NotAllowedError(gettext("An order needs at least one item."))
    order = lock_order(order_id)
    _refuse_stale(order, seen or {}, changes)
    resolve(SiteIds(slot=changes.get("delivery_slot"), city=changes.get("city"), shop=changes.get("shop")))
    existing = list(order.items.all()) if items is not None or not changes.keys().isdisjoint(MONEY) else None
    if existing is not None:
        changes, items = edited_totals(order, changes, items, existing)
    changes = paid_with(order, changes)

    names = [name for name in changes if name in FIELDS]
    local = [name for name in changes if name in LOCAL_FIELDS]
    before, rows = order_values(order, names, existing) | _local(order, local), _rows(order, local)
    has_new_items = items is not None and comparable_items(items) != comparable_items(existing or ())
    # Items that staff store are complete, so lines of the site that could not be read are answered too.
    answered = answer_unknown(order, [*names, ITEMS] if has_new_items else names)
    before |= dict.fromkeys(name for name in answered if name != ITEMS)
    columns = ["unknown_values", "metadata"] if answered else []
    for name, value in changes.items():
        column = FIELDS[name].attribute if name in FIELDS else name
        setattr(order, column, value)
        columns.append(column)
    others = [name for name, key in _rows(order, local).items() if key != rows[name]]
    before_customer = Customer.objects.filter(pk=rows["customer"]).first() if "customer" in others else None
    of_making = _set_following(order, others, columns)
    after = order_values(order, names, existing) | _local(order, local)
    columns += clear_position(order, [*others, *(name for name in names if before.get(name) != after.get(name))])
    if items is not None and existing is not None:
        before[ITEMS], after[ITEMS] = comparable_items(existing), comparable_items(items)
        writes = Writes()
        store_items(order=order, existing=existing, wanted=items, products=_products(items), writes=writes)
        writes.flush()

    differences = changes_between(before, after)
    # Two rows, such as members of staff, may have the same name, so a comparison of names would miss such a change.
    differences += [
        {"field": name, "old": before[name], "new": after[name]} for name in others if before[name] == after[name]
    ]
    differences += of_making
    if not differences:
        return order
    if names or items is not None:
        save_pending(order, columns, list(order.items.all()) if items is not None else None)
    else:
        # The site does not have the local fields, so the sync state does not change.
        order.save(update_fields=[*columns, "updated_at"])
    if "customer" in others:
        note_moved_order(order, before_customer, actor)
    event = write_event(order=order, payload=FieldsChanged(), source=source, actor=actor, changes=differences)
    publish(OrderChange(order, event))
    return order


def _refuse_stale(order: Order, seen: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Raise `NotAllowedError` if a stored value is neither what the page showed nor the wanted value."""
    for name, stored in order_values(order, seen).items():
        if stored not in (seen[name], comparable(changes.get(name))):
            label = field_label(Order, FIELDS[name].attribute.removesuffix("_id"))
            raise NotAllowedError(gettext("Another user has just changed “%(field)s”.") % {"field": label})


def _products(items: Sequence[ItemSnapshot]) -> dict[int, UUID]:
    wanted = {item.bitrix_product_id for item in items if item.bitrix_product_id}
    known = Product.objects.filter(bitrix_product_id__in=wanted).values_list("bitrix_product_id", "pk")
    return {bitrix_id: pk for bitrix_id, pk in known if bitrix_id is not None}


def conflicting_change(order: Order) -> str | None:
    """Return the status (its code in the CRM) that the site did not accept, or None if there is no conflict."""
    if order.sync_state != SyncState.CONFLICT:
        return None
    event = order.events.filter(kind=EventKind.CONFLICT, details__has_key=DESIRED).first()
    return BothChanged.from_json(event.details).desired.get("status") if event else None


def _set_following(order: Order, others: Sequence[str], columns: list[str]) -> Changes:
    """Set what follows from another customer, courier or florist, and add the columns that change with it.

    Return the changes of the making for the timeline.
    """
    if "customer" in others:
        columns += _new_customer(order)
    if "courier" in others:
        order.courier_notified_at = None
        columns.append("courier_notified_at")
    if "responsible" not in others:
        return []
    columns += MAKING_FACTS
    return set_making(order, after_florist(making_of(order), order.responsible_id))


def _new_customer(order: Order) -> list[str]:
    """Check the customer that staff have chosen in the form. Return the columns that change with it."""
    if order.customer is not None and order.customer.merged_into_id is not None:
        raise NotAllowedError(gettext("There is no such customer. It may have been merged into another one."))
    order.customer_before_merge = None
    return ["customer_before_merge", *set_account(order)]


def _local(order: Order, names: Sequence[str]) -> dict[str, str | None]:
    values = {name: str(value) if (value := getattr(order, name)) is not None else None for name in names}
    if "courier" in values:
        values["courier_notified_at"] = order.courier_notified_at.isoformat() if order.courier_notified_at else None
    return values


def _rows(order: Order, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(order, f"{name}_id") for name in names}
