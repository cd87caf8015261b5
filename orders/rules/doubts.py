"""The rules that decide which values staff must confirm before they are saved, because they are probably a mistake.

The rules are pure. `orders.presentation.doubts` has the questions.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from django.utils import timezone

from orders.models import DeliverySlot

USUAL_QUANTITY = Decimal(999)
"""The largest quantity of one item that needs no confirmation."""


class DoubtKind(StrEnum):
    """The reason why a value is doubtful."""

    PAST_DAY = "past_day"
    PAST_SLOT = "past_slot"
    NO_SUM = "no_sum"
    NO_PRICE = "no_price"
    LARGE_QUANTITY = "large_quantity"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubtful value: the field that contains it, and the value, or the name of the item without a price."""

    kind: DoubtKind
    field: str
    value: date | Decimal | str = ""

    @property
    def key(self) -> str:
        """Return the string that a form posts to confirm this value. Another value needs another confirmation."""
        value = self.value.normalize() if isinstance(self.value, Decimal) else self.value
        return f"{self.kind}:{value}"


def has_ended(day: date, slot: DeliverySlot | None, now: datetime) -> bool:
    """Return whether the delivery slot of a day is over at `now`. Without a known end, it ends with the day.

    A slot that ends at midnight, or before it starts, ends on the next day.
    """
    ends_at = slot.ends_at if slot is not None else None
    if slot is None or ends_at is None:
        return day < timezone.localdate(now)
    is_past_midnight = ends_at == time(0) or (slot.starts_at is not None and ends_at < slot.starts_at)
    last_day = day + timedelta(days=1) if is_past_midnight else day
    return timezone.make_aware(datetime.combine(last_day, ends_at)) <= now


def doubt_of_time(
    day: date | None, slot: DeliverySlot | None, *, now: datetime, is_day_new: bool = True
) -> Doubt | None:
    """Return a doubt if a delivery time that staff enter is over at `now`.

    With `is_day_new` False, only the slot was entered. Then an order of an earlier day is not doubtful, because its
    date was not entered now.
    """
    if day is None or not has_ended(day, slot, now):
        return None
    if day == timezone.localdate(now):
        return Doubt(DoubtKind.PAST_SLOT, "delivery_slot", slot.name if slot is not None else "")
    return Doubt(DoubtKind.PAST_DAY, "delivery_date", day) if is_day_new else None


def doubt_of_sum(total: Decimal | None) -> Doubt | None:
    """Return a doubt if the sum of an order is 0."""
    return Doubt(DoubtKind.NO_SUM, "total_amount") if total is not None and total == 0 else None


def doubt_of_price(price: Decimal | None, name: str) -> Doubt | None:
    """Return a doubt if the price that staff enter for an item is 0."""
    return Doubt(DoubtKind.NO_PRICE, "price", name) if price is not None and price == 0 else None


def doubt_of_quantity(quantity: Decimal | None) -> Doubt | None:
    """Return a doubt if the quantity that staff enter for an item is larger than any usual one."""
    if quantity is None or quantity <= USUAL_QUANTITY:
        return None
    return Doubt(DoubtKind.LARGE_QUANTITY, "quantity", quantity)
