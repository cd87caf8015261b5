"""Numbers and dates as staff read them."""

from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext

from orders.models import DeliverySlot

NBSP = "\N{NO-BREAK SPACE}"
TENGE = "₸"


def money(value: Decimal | None) -> str:
    """Return a sum in KZT as `17 000 ₸`, with no-break spaces; tiyn only where there are some."""
    if value is None:
        return "—"
    return f"{number(value, places=2)}{NBSP}{TENGE}"


def number(value: Decimal, places: int = 3) -> str:
    """Return a number with thousands apart and a decimal comma; an empty fraction is left out."""
    text = f"{value:,.{places}f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"
    if value % 1 and places == 2:
        text = f"{value:,.2f}"
    return text.replace(",", NBSP).replace(".", ",")


def plain(value: Decimal) -> Decimal:
    """Return a number as people type it: 1 and not 1.000, 7500 and not 7500.00."""
    whole = value.to_integral_value()
    return whole if whole == value else value.normalize()


def day(value: date | None, today: date | None = None) -> str:
    """Return a delivery date: today, tomorrow and yesterday in words, this year's without the year."""
    if value is None:
        return ""
    today = today or timezone.localdate()
    if value == today:
        return gettext("today")
    if value == today + timedelta(days=1):
        return gettext("tomorrow")
    if value == today - timedelta(days=1):
        return gettext("yesterday")
    return f"{value:%d.%m}" if value.year == today.year else f"{value:%d.%m.%Y}"


def delivery_time(delivery_date: date | None, slot: DeliverySlot | None, today: date | None = None) -> str:
    """Return when an order is due: `today, 15:00–16:00`; a dash when nothing is known."""
    parts = [day(delivery_date, today), slot.name if slot else ""]
    return ", ".join(part for part in parts if part) or "—"
