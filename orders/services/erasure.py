"""The service that erases the data of a customer.

The orders stay, with their figures, statuses and dates, so that reports do not change. Everything about people is
removed from them, also what the recipient has said. `Order.erased_at` makes later events of the site leave it so
(`orders.sync.personal_data`). A new order of the same person is new data, of a new customer.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.events import publish_erased
from orders.exceptions import NotAllowedError
from orders.models import (
    CHANNEL,
    ENTERED_METHOD,
    Customer,
    CustomerCall,
    Order,
    OrderEvent,
    OrderItem,
    OrderNote,
    OrderPhoto,
    Payment,
    PhotoApproval,
    Reason,
    Source,
)
from orders.selectors.customer_data import customer_data, orders_of
from orders.services.erased_searches import forget_searches
from orders.services.locking import lock_orders, settle_sync_state
from orders.services.timeline import new_event
from orders.sync.agreement import Agreement
from orders.sync.personal_data import (
    FIELDS,
    TEXTS,
    changes_without_people,
    details_without_people,
    forget_people,
    product_without_people,
)
from orders.sync.unknown import system_token
from orders.timeline_payloads import FieldsChanged

BATCH = 500
RECENT = timedelta(days=30)
"""How long an order without a delivery date counts as one that is still to be delivered."""
_ORDER_COLUMNS = (*TEXTS, "bitrix_user_id", "problem", "metadata", "unknown_values", "bitrix_state", "sync_state",
                  "erased_at", "updated_at")  # fmt: skip


@transaction.atomic
def erase_customer(*, customer_id: UUID, actor: User | None) -> int | None:
    """Erase the customer, those merged into it, and what their orders say about people. Return the number of orders.

    Return None if the customer is erased already and nothing was typed since. Raise `NotAllowedError` if there is no
    such customer, if it is merged into another one, or if one of its orders is still to be delivered.
    """
    theirs = orders_of(customer_id)
    orders = {order.pk for order in lock_orders(theirs.values_list("pk", flat=True))}
    group = Customer.objects.select_for_update(no_key=True).filter(Q(pk=customer_id) | Q(merged_into=customer_id))
    rows = list(group.order_by("pk").defer("search"))
    customer = next((row for row in rows if row.pk == customer_id), None)
    if customer is None or customer.merged_into_id is not None:
        raise NotAllowedError(gettext("There is no such customer. It may have been merged into another one."))
    if set(theirs.values_list("pk", flat=True)) != orders:
        raise NotAllowedError(gettext("The customer has just got another order. Try again."))
    if customer.erased_at is not None and not _has_data(rows, orders):
        return None
    _refuse_if_open(orders)
    found = customer_data(customer_id)
    now = timezone.now()
    _erase_orders(orders, actor, now)
    _erase_people(rows, actor, now)
    forget_searches(found.traces)
    publish_erased(found)
    return len(orders)


def is_erased_account(bitrix_user_id: int | None) -> bool:
    """Return whether the customer with this account on the site was erased, and no new customer has it."""
    if bitrix_user_id is None:
        return False
    return (
        Customer.objects.filter(erased_account=bitrix_user_id).exists()
        and not Customer.objects.filter(bitrix_user_id=bitrix_user_id).exists()
    )


def _has_data(rows: Iterable[Customer], orders: Iterable[UUID]) -> bool:
    """Return whether staff have typed something about a customer, or into one of the orders."""
    typed = Q(pk=None)
    for name in (*TEXTS, "problem"):
        typed |= ~Q(**{name: ""})
    return (
        any(row.name or row.phone or row.email or row.note or row.birthday for row in rows)
        or Order.objects.filter(pk__in=orders).filter(typed).exists()
        or OrderNote.objects.filter(order__in=orders).exists()
    )


def _refuse_if_open(orders: Iterable[UUID]) -> None:
    today = timezone.localdate()
    is_coming = Q(delivery_date__gte=today) | Q(delivery_date=None, created_at__gte=timezone.now() - RECENT)
    is_over = Q(status__is_final=True) | Q(is_cancelled=True) | Q(is_deleted_on_site=True)
    coming = Order.objects.filter(pk__in=orders).filter(is_coming).exclude(is_over)
    if number := coming.values_list("order_number", flat=True).first():
        raise NotAllowedError(
            gettext("Order № %(number)s is still to be delivered. Finish or cancel it first.") % {"number": number}
        )


def _erase_people(rows: Sequence[Customer], actor: User | None, now: datetime) -> None:
    for row in rows:
        account = row.bitrix_user_id or row.erased_account
        Customer.objects.filter(pk=row.pk).update(
            name="", phone="", other_phones="", email=None, birthday=None, note="", preferences={}, bitrix_state={},
            bitrix_user_id=None, needs_attention=False, erased_at=now, erased_by=actor, erased_account=account,
            updated_at=now,
        )  # fmt: skip
    keys = [row.pk for row in rows]
    CustomerCall.objects.filter(customer__in=keys).update(note="", updated_at=now)
    kind = ContentType.objects.get_for_model(Customer)
    LogEntry.objects.filter(content_type=kind, object_id__in=list(map(str, keys))).update(object_repr="")


def _erase_orders(keys: Iterable[UUID], actor: User | None, now: datetime) -> None:
    orders = list(Order.objects.filter(pk__in=keys).defer("search").order_by("pk"))
    for order in orders:
        _erase_order(order, now)
    # The district of an address stays: it is part of the figures.
    Order.objects.bulk_update(orders, _ORDER_COLUMNS, batch_size=BATCH)
    _update_rows(
        OrderItem.objects.filter(order__in=orders).defer("search"),
        lambda item: {"product_snapshot": product_without_people(item.product_snapshot)},
    )
    _update_rows(
        OrderEvent.objects.filter(order__in=orders),
        lambda event: {
            "changes": changes_without_people(event.changes),
            "details": details_without_people(event.details),
        },
    )
    OrderNote.objects.filter(order__in=orders).delete()
    Payment.objects.filter(order__in=orders).exclude(reason="").update(reason="", updated_at=now)
    PhotoApproval.objects.filter(order__in=orders).update(comment="", nonce="", updated_at=now)
    _erase_photos(orders, actor, now)
    entries = [
        new_event(order=order, payload=FieldsChanged(), source=Source.ADMIN, actor=actor, reason=Reason.ERASED)
        for order in orders
    ]
    OrderEvent.objects.bulk_create(entries, batch_size=BATCH)


def _erase_order(order: Order, now: datetime) -> None:
    agreement = Agreement.from_json(order.bitrix_state)
    forget_people(agreement)
    for name in TEXTS:
        setattr(order, name, "")
    order.bitrix_user_id, order.problem = None, ""
    order.unknown_values = {name: _unknown(order, name) for name in order.unknown_values if name not in FIELDS}
    order.metadata = _metadata(order)
    settle_sync_state(order, agreement)
    order.bitrix_state = agreement.as_json()
    order.erased_at = order.updated_at = now


def _unknown(order: Order, name: str) -> str:
    """Return the text of an unknown value, which only for a payment method is not what somebody has typed."""
    token = system_token(order.pay_system_id) if order.pay_system_id is not None else ""
    return token if name == "payment_method" and token in order.unknown_values[name] else ""


def _metadata(order: Order) -> dict[str, Any]:
    kept = {CHANNEL: order.metadata[CHANNEL]} if CHANNEL in order.metadata else {}
    entered = order.metadata.get(ENTERED_METHOD)
    if isinstance(entered, dict) and "method" in entered:
        kept[ENTERED_METHOD] = {"method": entered["method"]}
    return kept


def _erase_photos(orders: Sequence[Order], actor: User | None, now: datetime) -> None:
    """Withdraw the photos, on which the postcard may be seen, and delete their files after the commit."""
    photos = OrderPhoto.objects.filter(order__in=orders)
    for photo in photos:
        for file in (photo.image, photo.thumbnail):
            if file.name:
                transaction.on_commit(partial(default_storage.delete, file.name))
    photos.filter(withdrawn_at=None).update(withdrawn_at=now, withdrawn_by=actor)
    photos.update(image="", thumbnail="", updated_at=now)


def _update_rows(rows: Any, values: Any) -> None:
    """Save the values that `values` returns for each row, where they differ."""
    changed, columns = [], set[str]()
    for row in rows.iterator(chunk_size=BATCH):
        new = {name: value for name, value in values(row).items() if value != getattr(row, name)}
        for name, value in new.items():
            setattr(row, name, value)
        if new:
            changed.append(row)
            columns |= new.keys()
    if changed:
        rows.model._default_manager.bulk_update(changed, sorted(columns), batch_size=BATCH)
