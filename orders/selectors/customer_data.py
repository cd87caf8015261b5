"""Everything that is stored about a customer, for a download and for the erasure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.files import File
from django.db.models import Model, Q, QuerySet

from orders.events import CustomerData, other_data_of
from orders.models import (
    Customer,
    CustomerCall,
    CustomerChange,
    Order,
    OrderEvent,
    OrderItem,
    OrderNote,
    OrderPhoto,
    Payment,
    PhotoApproval,
)

_NOT_DATA = frozenset({"search", "nonce"})
"""Columns that are computed from others, and secrets."""
_TRACE_LENGTH = 10
"""The number of digits of a phone without the code of the country, which people leave out or write as 8."""


def orders_of(customer_id: UUID) -> QuerySet[Order]:
    """Return the orders of a customer, with those of the customers that are merged into it."""
    return Order.objects.filter(Q(customer=customer_id) | Q(customer_before_merge=customer_id))


def customer_data(customer_id: UUID) -> CustomerData:
    """Return what other apps need to find their rows about a customer and the customers merged into it."""
    people = list(_group(customer_id).only("phone", "other_phones", "email", "bitrix_user_id"))
    orders = list(orders_of(customer_id).values_list("pk", "bitrix_order_id", "contact_phone", "contact_email"))
    phones = [phone for one in people for phone in (one.phone, *one.other_phones.split("\n"))]
    emails = [one.email or "" for one in people]
    return CustomerData(
        orders=[row[0] for row in orders],
        site_orders=[row[1] for row in orders if row[1] is not None],
        accounts=[one.bitrix_user_id for one in people if one.bitrix_user_id is not None],
        traces=_traces([*phones, *(row[2] for row in orders)], [*emails, *(row[3] for row in orders)]),
    )


def data_of_customer(customer_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """Return everything that is stored about a customer: rows as JSON values, by what they are.

    The keys of a row are the names of its columns. The data of other apps, such as the site's events, is included.
    """
    people, orders = _group(customer_id), orders_of(customer_id)
    keys = list(orders.values_list("pk", flat=True))
    ours: Mapping[str, QuerySet[Any]] = {
        "customers": people.order_by("created_at"),
        "orders": orders.order_by("created_at"),
        "order_items": OrderItem.objects.filter(order__in=keys).order_by("order", "position"),
        "payments": Payment.objects.filter(order__in=keys),
        "timeline": OrderEvent.objects.filter(order__in=keys).order_by("happened_at"),
        "notes": OrderNote.objects.filter(order__in=keys),
        "photos": OrderPhoto.objects.filter(order__in=keys),
        "photo_answers": PhotoApproval.objects.filter(order__in=keys),
        "calls": CustomerCall.objects.filter(customer__in=people),
        "changes": CustomerChange.objects.filter(Q(customer__in=people) | Q(other__in=people)),
    }
    found = {name: [row_data(row) for row in rows] for name, rows in ours.items()}
    return found | other_data_of(customer_data(customer_id))


def row_data(row: Model) -> dict[str, Any]:
    """Return the columns of a row that are not empty."""
    names = [field.attname for field in row._meta.concrete_fields if field.name not in _NOT_DATA]
    values = {name: getattr(row, name) for name in names}
    plain = {name: value.name if isinstance(value, File) else value for name, value in values.items()}
    return {name: value for name, value in plain.items() if value not in (None, "", [], {})}


def _group(customer_id: UUID) -> QuerySet[Customer]:
    return Customer.objects.filter(Q(pk=customer_id) | Q(merged_into=customer_id))


def _traces(phones: Iterable[str], emails: Iterable[str]) -> Sequence[str]:
    digits = ("".join(filter(str.isdigit, phone))[-_TRACE_LENGTH:] for phone in phones)
    found = {phone for phone in digits if len(phone) == _TRACE_LENGTH}
    return sorted(found | {email.casefold() for email in emails if email})
