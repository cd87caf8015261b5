"""The delivery day, the slot and the status of an order as texts. An unknown value is shown as it was typed."""

from django.utils.translation import gettext

from orders.models import Order
from orders.presentation.formatting import day
from orders.presentation.payment import unknown_text
from orders.values.phone_masking import without_phones


def unknown_date(order: Order) -> str:
    """Return “unknown” with the delivery date that could not be read, or an empty string if the date is known."""
    return _unknown(order, "delivery_date")


def slot_text(order: Order) -> str:
    """Return the name of the delivery slot, the text that could not be read, or an empty string if there is none."""
    return _unknown(order, "delivery_slot") or (order.delivery_slot.name if order.delivery_slot else "")


def slot_or_missing(order: Order) -> str:
    """Return the delivery slot, or a message that no time is given."""
    return slot_text(order) or gettext("time not given")


def when_text(order: Order) -> str:
    """Return the delivery date and slot, such as `today, 15:00–16:00`, or a dash if neither is known."""
    parts = [unknown_date(order) or day(order.delivery_date), slot_text(order)]
    return ", ".join(part for part in parts if part) or "—"


def status_text(order: Order) -> str:
    """Return the name of the status, with the status of the site that could not be read, if there is one."""
    unknown = _unknown(order, "status")
    return f"{order.status.name} ({unknown})" if unknown else order.status.name


def _unknown(order: Order, name: str) -> str:
    return unknown_text(without_phones(order.unknown_values[name])) if order.is_unknown(name) else ""
