"""Messages that staff send to couriers in a chat.

The short message is for finding a courier, and contains no names of people. The full message is for the courier who
delivers the order. Messages have no markup, and contain no phones or sums that their sender may not see. All functions
need orders from `orders_to_print`.
"""

from datetime import date
from decimal import Decimal
from math import ceil

from django.conf import settings
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from orders.models import Order
from orders.paper.route_sheet import RouteSheet
from orders.presentation.addresses import building, one_line, with_city
from orders.presentation.composition import detailed_composition, goods_text
from orders.presentation.delivery import handover_warning, is_off, payment_on_delivery
from orders.presentation.details import as_line, courier_details
from orders.presentation.formatting import NBSP, day, weekday_and_day
from orders.presentation.links import readable, two_gis_url
from orders.presentation.payment import bring_back_text, due_text, dues_text
from orders.presentation.phones import masked_phones, phone_words
from orders.presentation.when import slot_or_missing, slot_text, unknown_date
from orders.rules.courier_cash import CourierCash
from orders.rules.payment import payment_of
from orders.values.phone_masking import without_phones
from orders.values.phones import format_phone

_DOT = " · "
_BOUQUET = "букет"


def short_text(order: Order, *, prices: bool = True) -> str:
    """Return a message of one line for finding a courier: the time, the building, the bouquets and the payment."""
    when = " ".join(
        part for part in (capfirst(unknown_date(order) or day(order.delivery_date)), slot_text(order)) if part
    )
    place = with_city(order, without_phones(building(order.delivery_address))) or gettext("address not known yet")
    parts = [when or gettext("time not given"), place, _goods(order), _payment(order, prices)]
    off = gettext("CANCELLED") + _DOT if is_off(order) else ""
    return f"🚚 {off}{_DOT.join(part for part in parts if part)}"


def full_text(order: Order, *, phones: bool = True, prices: bool = True) -> str:
    """Return a message with all that the courier needs for the handover, one fact on each line."""
    return "\n".join([*_stop(order, phones=phones, prices=prices), *_dispatcher()])


def route_text(sheet: RouteSheet, *, phones: bool = True, prices: bool = True, cash: CourierCash | None = None) -> str:
    """Return a message with the sum to collect and all stops of a courier's day, which are numbered.

    `cash` is what the courier brings back. Its sums are those that the sender may see.
    """
    count = len(sheet.stops)
    head = [
        f"🚚 {sheet.who}",
        _day(sheet.day),
        ngettext("%(count)s stop", "%(count)s stops", count) % {"count": count},
    ]
    dues = sheet.dues
    if dues:
        head.append(_collect(dues_text(dues)) if prices else gettext("the dispatcher says what to collect"))
    else:
        head.append(gettext("all paid"))
    back = f"💵 {capfirst(bring_back_text(cash))}" if cash is not None and prices and cash.is_any else ""
    stops = [
        "\n".join([f"{position}. {first}", *rest])
        for position, order in enumerate(sheet.stops, start=1)
        for first, *rest in [_stop(order, phones=phones, prices=prices)]
    ]
    first = "\n".join([_DOT.join(head), *([back] if back else [])])
    return "\n\n".join([first, *stops, *_dispatcher()])


def _stop(order: Order, *, phones: bool, prices: bool) -> list[str]:
    address = with_city(order, one_line(order.delivery_address))
    warning, map_url = handover_warning(order), readable(two_gis_url(order))
    place = as_line(courier_details(order, phones=phones))
    lines = [
        gettext("Order № %(number)s") % {"number": order.order_number},
        "⛔ " + gettext("CANCELLED") if is_off(order) else "",
        f"🕐 {_date(order)}, {slot_or_missing(order)}",
        "📍 " + (_typed(address, phones) if address else gettext("ADDRESS NOT GIVEN")),
        f"🚪 {place}" if place else "",
        f"🙎 {_recipient(order, phones)}",
        f"❗ {warning}" if warning else "",
        *(f"🌷 {one_line(goods_text(goods))}" for goods in detailed_composition(order.items.all(), phones=phones)),
        f"💰 {capfirst(_payment(order, prices))}" if payment_of(order).is_due else f"✅ {payment_on_delivery(order)}",
        *(f"📝 {_typed(note.strip(), phones)}" for note in (order.courier_comment, order.comment) if note.strip()),
        f"🗺 {map_url}" if map_url else "",
    ]
    return [line for line in lines if line]


def _typed(text: str, phones: bool) -> str:
    return text if phones else without_phones(text)


def _recipient(order: Order, phones: bool) -> str:
    show = phone_words if phones else masked_phones
    parts = [
        _typed(one_line(order.recipient_name), phones) or gettext("recipient not given"),
        show(order.recipient_phone, order.recipient_other_phones),
    ]
    return ", ".join(part for part in parts if part)


def _date(order: Order) -> str:
    if unknown := unknown_date(order):
        return capfirst(unknown)
    return _day(order.delivery_date)


def _day(delivery_date: date | None) -> str:
    if delivery_date is None:
        return gettext("date not given")
    # A relative date is not enough, because the message may be read on a different day.
    exact = weekday_and_day(delivery_date)
    near = day(delivery_date)
    return capfirst(exact if near[:1].isdigit() else f"{near}, {exact}")


def _goods(order: Order) -> str:
    bouquets, others = Decimal(0), Decimal(0)
    has_unknown = False
    for item in order.items.all():
        has_unknown = has_unknown or item.is_unknown("quantity")
        if _BOUQUET in item.name.lower():
            bouquets += item.quantity
        else:
            others += item.quantity
    parts = []
    if count := ceil(bouquets):
        parts.append(ngettext("%(count)s bouquet", "%(count)s bouquets", count) % {"count": count})
    if count := ceil(others):
        parts.append(ngettext("%(count)s thing", "%(count)s things", count) % {"count": count})
    if has_unknown:
        parts.append(gettext("unknown quantity"))
    return " + ".join(parts)


def _payment(order: Order, prices: bool) -> str:
    payment, words = payment_of(order), payment_on_delivery(order)
    if not payment.is_due:
        return words.lower()
    if payment.due is None or not prices:
        return ", ".join((words, gettext("the dispatcher says what to collect")))
    return f"{words}, {_collect(due_text(payment))}"


def _collect(sum_of_money: str) -> str:
    return gettext("collect %(sum)s") % {"sum": sum_of_money}


def _dispatcher() -> list[str]:
    phone = settings.DISPATCHER_PHONE
    return ["☎️ " + gettext("Dispatcher") + f": {format_phone(phone).replace(' ', NBSP)}"] if phone else []
