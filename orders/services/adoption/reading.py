"""Read an order of the earlier CRM: its fields, and the values that can't be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.dateparse import parse_date

from cvety_crm.adoption.rows import Row
from orders.models import PaymentMethod, PaymentStatus
from orders.values.phones import normalize_phone
from orders.values.slots import KEY_LENGTH, slot_key

READ = (
    "id", "order_number", "status", "user_id", "user_name", "user_phone", "user_email", "recipient_name",
    "recipient_phone", "delivery_address", "delivery_date", "delivery_time", "delivery_time_id", "delivery_cost",
    "delivery_fee", "bitrix_city_id", "bitrix_shop_id", "discount", "discount_amount", "total_amount", "currency",
    "payment_method", "payment_status", "comment", "courier_comment", "postcard_text", "responsible_id", "source",
    "bitrix_order_id", "bitrix_user_id", "completed_at", "created_at", "updated_at",
)  # fmt: skip
"""The columns that have a meaning in the CRM."""
_MONEY = {
    "total_amount": ("total_amount",),
    "delivery_fee": ("delivery_fee", "delivery_cost"),
    "discount_amount": ("discount_amount", "discount"),
}
_EXPECTED = frozenset({"total_amount", "delivery_fee"})
"""Sums whose absence must not look like zero (`orders.sync.unknown.EXPECTED`)."""
_PAYMENT = {
    "paid": PaymentStatus.PAID, "refunded": PaymentStatus.REFUNDED, "pending": PaymentStatus.PENDING,
    "unpaid": PaymentStatus.PENDING, "not_paid": PaymentStatus.PENDING,
}  # fmt: skip
_TEXTS = ("recipient_name", "delivery_address", "postcard_text", "comment", "courier_comment")
LONGEST_NUMBER = 255
LONGEST_EMAIL = 254


@dataclass(slots=True)
class ReadOrder:
    """The values of an order by the names of its attributes, and what could not be read."""

    values: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    """The earlier text of each field that could not be read, by the name of the field (`Order.unknown_values`)."""
    columns: dict[str, Any] = field(default_factory=dict)
    """The columns of the earlier row, with the values that the order has instead."""


def read_order(row: Row) -> ReadOrder:
    """Return what an earlier order contains, except the status, the people and the id on the site."""
    found = ReadOrder()
    _read_texts(row, found)
    _read_sums(row, found)
    _read_delivery(row, found)
    _read_payment(row, found)
    found.values["completed_at"] = row.moment("completed_at")
    columns: Mapping[str, Any] = {
        **found.values,
        "user_name": found.values["contact_name"],
        "user_phone": found.values["contact_phone"],
        "user_email": found.values["contact_email"],
        "delivery_time_id": found.values["delivery_slot_id"],
        "bitrix_city_id": found.values["city_id"],
        "bitrix_shop_id": found.values["shop_id"],
    }
    # A default that stands for an unreadable value is not what the earlier row had.
    found.columns = {name: value for name, value in columns.items() if name not in found.unread}
    return found


def _read_texts(row: Row, found: ReadOrder) -> None:
    found.values |= {name: row.text(name) for name in _TEXTS}
    number = row.text("order_number") or row.text("bitrix_order_id") or row.text("id")[:8]
    email = row.text("user_email").strip()
    contact, recipient = normalize_phone(row.text("user_phone")), normalize_phone(row.text("recipient_phone"))
    currency = row.text("currency").strip()
    found.values |= {
        "order_number": number[:LONGEST_NUMBER],
        "contact_name": row.text("user_name"),
        "contact_phone": contact.value,
        "contact_email": email if len(email) <= LONGEST_EMAIL else "",
        "recipient_phone": recipient.value,
        "recipient_other_phones": recipient.more,
        "currency": currency if 0 < len(currency) <= 3 else "KZT",
    }
    if len(currency) > 3:
        found.unread["currency"] = currency


def _read_sums(row: Row, found: ReadOrder) -> None:
    for name, columns in _MONEY.items():
        amount = row.money(*columns)
        found.values[name] = amount if amount is not None else Decimal(0)
        if amount is None and (row.text(*columns) or name in _EXPECTED):
            found.unread[name] = row.text(*columns)


def _read_delivery(row: Row, found: ReadOrder) -> None:
    day = _date(row.text("delivery_date"))
    if day is None and row.text("delivery_date"):
        found.unread["delivery_date"] = row.text("delivery_date")
    slot = slot_key(row.text("delivery_time_id", "delivery_time"))
    if len(slot) > KEY_LENGTH:
        found.unread["delivery_slot"], slot = slot, ""
    found.values |= {"delivery_date": day, "delivery_slot_id": slot or None}
    for name, attribute in (("city", "city_id"), ("shop", "shop_id")):
        key = row.integer(f"bitrix_{attribute}")
        found.values[attribute] = key
        if key is None and row.text(f"bitrix_{attribute}"):
            found.unread[name] = row.text(f"bitrix_{attribute}")


def _read_payment(row: Row, found: ReadOrder) -> None:
    method, text = row.text("payment_method").strip().lower(), row.text("payment_status").strip()
    status = _PAYMENT.get(text.lower())
    if status is None:
        found.unread["payment_status"] = text
    is_paid = status == PaymentStatus.PAID
    found.values |= {
        "payment_method": method if method in PaymentMethod.values else "",
        "payment_status": status or PaymentStatus.PENDING,
        "paid_amount": found.values["total_amount"] if is_paid else Decimal(0),
    }
    if is_paid and "total_amount" in found.unread:
        found.unread["paid_amount"] = ""


def _date(text: str) -> date | None:
    """Return the date of `2025-06-01`, of `2025-06-01T12:00:00+05:00` or of `01.06.2025`."""
    text = text.strip()
    try:
        if len(text) == 10 and text[2] == text[5] == ".":
            return datetime.strptime(text, "%d.%m.%Y").date()  # noqa: DTZ007 - a date has no zone
        return parse_date(text) or (parse_date(text[:10]) if text[10:11] in ("T", " ") else None)
    except ValueError:
        return None
