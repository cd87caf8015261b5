"""The rules that decide when an order is due and whether it is late, for objects in Python and for queries.

An order is due at the end of its delivery slot. If it has no slot or the hours of the slot are not known, it is due at
the end of its day. An order without a date is never late.
"""

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db.models import Case, DateTimeField, DurationField, F, Func, Q, TimeField, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.formatting import precise_duration
from orders.models import Order, Stage

RISK = timedelta(minutes=30)
"""An order that is not on its way counts as a risk from this time before it is due."""
CLOSED_STAGES = (Stage.DONE, Stage.CANCELLED)
END_OF_DAY = time(23, 59, 59)


class Lateness(StrEnum):
    """The lateness of an open order."""

    NONE = ""
    RISK = "risk"
    LATE = "late"


def is_open(order: Order) -> bool:
    """Return whether the order is still to be worked on.

    `orders.selectors.presets.Moment.is_open` implements the same rule for a query.
    """
    return not (order.is_cancelled or order.is_deleted_on_site or order.status.stage in CLOSED_STAGES)


def starts_at(order: Order) -> datetime | None:
    """Return the start of the delivery slot, or None if the date, the slot or the hours of the slot are not known."""
    slot = order.delivery_slot
    if order.delivery_date is None or slot is None or slot.starts_at is None:
        return None
    return timezone.make_aware(datetime.combine(order.delivery_date, slot.starts_at))


def due_at(order: Order) -> datetime | None:
    """Return the end of the delivery slot, or of the day if the slot has no known end.

    Return None if the order has no date.
    """
    if order.delivery_date is None:
        return None
    slot = order.delivery_slot
    ends_at = slot.ends_at if slot is not None else None
    if ends_at is None:
        return timezone.make_aware(datetime.combine(order.delivery_date, END_OF_DAY))
    past_midnight = slot is not None and slot.starts_at is not None and ends_at < slot.starts_at
    day = order.delivery_date + timedelta(days=1 if past_midnight else 0)
    return timezone.make_aware(datetime.combine(day, ends_at))


def lateness(order: Order, now: datetime | None = None) -> Lateness:
    """Return whether an order is late or about to be late. A closed order is neither."""
    due = due_at(order)
    if due is None or not is_open(order):
        return Lateness.NONE
    now = now or timezone.now()
    if now > due:
        return Lateness.LATE
    if order.status.stage != Stage.DELIVERING and now >= due - RISK:
        return Lateness.RISK
    return Lateness.NONE


def lateness_words(order: Order, now: datetime | None = None) -> str:
    """Return a message about the time that is left or has passed.

    Return an empty string if the order is closed or its day is later than today, and also if the start of its slot is
    not known and it is not late.
    """
    due = due_at(order)
    if due is None or not is_open(order):
        return ""
    now = now or timezone.now()
    if now > due:
        return gettext("%(time)s late") % {"time": precise_duration(now - due)}
    start = starts_at(order)
    if start is not None and now < start:
        if timezone.localdate(now) != order.delivery_date:
            return ""
        return gettext("in %(time)s") % {"time": precise_duration(start - now)}
    if start is None:
        return ""
    return gettext("%(time)s left") % {"time": precise_duration(due - now)}


class DueAt(Func):
    """The expression of `due_at` for a query on orders."""

    arg_joiner = " + "
    template = f"((%(expressions)s) AT TIME ZONE '{settings.TIME_ZONE}')"
    output_field = DateTimeField()

    def __init__(self, **extra: Any) -> None:
        ends_at = Coalesce(F("delivery_slot__ends_at"), Value(END_OF_DAY), output_field=TimeField())
        past_midnight = Case(
            When(delivery_slot__ends_at__lt=F("delivery_slot__starts_at"), then=Value(timedelta(days=1))),
            default=Value(timedelta(0)),
            output_field=DurationField(),
        )
        super().__init__(F("delivery_date"), ends_at, past_midnight, **extra)


def is_late(now: datetime | None = None) -> Q:
    """Return the condition of late orders. The query must annotate `due` as `DueAt()` and exclude closed orders."""
    return Q(due__lt=now or timezone.now())
