"""The courier's route sheet: one day of one courier, one row for each stop."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, pgettext

from cvety_crm.users import User
from orders.models import Courier, Order
from orders.paper.orders_to_print import long_day, order_address
from orders.paper.qr import qr_svg
from orders.paper.typed_text import breakable
from orders.paper.typesetting import typeset
from orders.presentation.addresses import with_city
from orders.presentation.composition import detailed_composition, goods_text
from orders.presentation.delivery import handover_warning, payment_on_delivery, reason_to_leave_out
from orders.presentation.details import as_line, courier_details
from orders.presentation.formatting import NBSP, short_moment
from orders.presentation.payment import due_text, dues_text
from orders.presentation.phones import phone_text
from orders.presentation.when import slot_or_missing, unknown_date
from orders.rules.payment import Dues, PaymentState, dues_of, payment_of
from orders.rules.route import in_route_order
from orders.rules.visibility import may_see_phones, may_see_prices, shown_text
from orders.values.paper_formats import PaperFormat
from orders.values.phones import HIDDEN, format_phone


@dataclass(frozen=True, slots=True)
class RouteSheet:
    """The deliveries of one courier on one day. If `courier` is None, they are not assigned to a courier yet."""

    courier: Courier | None
    day: date | None
    stops: Sequence[Order]

    @property
    def who(self) -> str:
        """Return the courier's name, or a message that there is no courier."""
        return self.courier.name if self.courier else gettext("No courier")

    @property
    def dues(self) -> Dues:
        """Return the sums that the courier collects on the route."""
        return dues_of(self.stops)


def route_of(orders: Sequence[Order]) -> list[RouteSheet]:
    """Return the sheets, sorted by day and then by courier. The sheet without a courier is the last one of its day.

    Orders that no courier delivers are left out.
    """
    routes: dict[tuple[date | None, Courier | None], list[Order]] = defaultdict(list)
    for order in orders:
        if not reason_to_leave_out(order):
            routes[order.delivery_date, order.courier].append(order)
    sheets = [RouteSheet(courier, day, in_route_order(stops)) for (day, courier), stops in routes.items()]
    return sorted(sheets, key=lambda sheet: (sheet.day or date.max, sheet.courier is None, sheet.who))


def route_sheets(sheets: Sequence[RouteSheet], paper_format: PaperFormat, reader: User | AnonymousUser) -> bytes:
    """Return the sheets as a PDF, each on a new page, with the values that the reader may see."""
    return typeset(
        "route_sheet",
        paper_format,
        {
            "title": gettext("Route sheet"),
            "words": {
                "collect": gettext("To collect"),
                "stops": gettext("Stops"),
                "dispatcher": gettext("Dispatcher"),
                "qr": gettext("Orders of the day"),
                "page": pgettext("sheet of paper", "page"),
                "of": pgettext("page 1 of 2", "of"),
                "handed_over": gettext("Handed over at"),
            },
            "sheets": [_sheet(sheet, reader) for sheet in sheets],
        },
    )


def sum_to_collect(sheet: RouteSheet, reader: User | AnonymousUser) -> str:
    """Return the formatted sums to collect, or `HIDDEN` if the reader may not see them."""
    return dues_text(sheet.dues) if may_see_prices(reader, sheet.day) else HIDDEN


def _sheet(sheet: RouteSheet, reader: User | AnonymousUser) -> dict[str, Any]:
    cities = {order.city_id for order in sheet.stops}
    return {
        "courier": breakable(sheet.who),
        "courier_phone": _phone(sheet.courier.phone, reader) if sheet.courier else "",
        "day": long_day(sheet.day),
        "count": str(len(sheet.stops)),
        "collect": sum_to_collect(sheet, reader),
        "dispatcher": _spaced(settings.DISPATCHER_PHONE),
        "qr": qr_svg(_day_address(sheet.day)),
        "stops": [
            _stop(position, order, reader, has_city=len(cities) > 1)
            for position, order in enumerate(sheet.stops, start=1)
        ],
    }


def _day_address(day: date | None) -> str:
    query = {"date": day.isoformat()} if day else {"problem": "undated"}
    return f"{settings.PUBLIC_URL}{reverse('admin:orders_order_changelist')}?{urlencode(query)}"


def _stop(position: int, order: Order, reader: User | AnonymousUser, *, has_city: bool) -> dict[str, Any]:
    address = shown_text(reader, order.delivery_address.strip())
    if has_city:
        address = with_city(order, address)
    payment = payment_of(order)
    place = as_line(courier_details(order, phones=may_see_phones(reader)))
    notes = (place, order.courier_comment.strip(), order.comment.strip())
    return {
        "position": position,
        "number": f"№{NBSP}{order.order_number}",
        "time": breakable(", ".join(part for part in (unknown_date(order), slot_or_missing(order)) if part)),
        "address": breakable(address),
        "no_address": gettext("ADDRESS NOT GIVEN"),
        "recipient": breakable(shown_text(reader, order.recipient_name) or gettext("recipient not given")),
        "phone": _phone(order.recipient_phone, reader, order.recipient_other_phones),
        "warning": handover_warning(order),
        "items": [
            breakable(goods_text(goods))
            for goods in detailed_composition(order.items.all(), phones=may_see_phones(reader))
        ],
        "notes": [breakable(shown_text(reader, note)) for note in notes if note],
        "ready": gettext("ready %(time)s") % {"time": short_moment(order.ready_at)} if order.ready_at else "",
        "is_due": payment.is_due,
        "payment": payment_on_delivery(order),
        "sum": _due(payment, reader, order.delivery_date),
        "qr": qr_svg(order_address(order)),
    }


def _due(payment: PaymentState, reader: User | AnonymousUser, day: date | None) -> str:
    if not payment.is_due:
        return ""
    return due_text(payment) if may_see_prices(reader, day) else HIDDEN


def _phone(value: str, reader: User | AnonymousUser, others: str = "") -> str:
    return breakable(phone_text(reader, value, others))


def _spaced(value: str) -> str:
    return format_phone(value).replace(" ", NBSP)
