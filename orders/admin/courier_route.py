"""The page of a courier's route for a phone: the stops of one day, with maps, calls and a button for the status."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext

from cvety_crm.admin_site.features import POST, READ, Feature
from orders.admin.actions.next_step import post_step
from orders.admin.badges import status_badge
from orders.admin.courier_texts import cash_to_bring_back, courier_contacts
from orders.admin.lookup import uuid_or_404
from orders.admin.redirects import redirect_back
from orders.models import Courier, Order, Stage, Status
from orders.paper.courier_texts import route_text
from orders.paper.orders_to_print import MOST_AT_ONCE, long_day, orders_to_print
from orders.paper.route_sheet import RouteSheet
from orders.presentation.addresses import one_line, with_city
from orders.presentation.composition import detailed_composition, goods_text
from orders.presentation.delivery import handover_warning, is_off, payment_on_delivery, reason_to_leave_out
from orders.presentation.details import as_line, courier_details
from orders.presentation.formatting import day as day_text
from orders.presentation.links import call_url, two_gis_url, whatsapp_url, yandex_maps_url, yandex_route_url
from orders.presentation.payment import bring_back_text, due_text, dues_text
from orders.presentation.phones import chat_links, shown_phone
from orders.presentation.when import slot_or_missing, unknown_date
from orders.rules.lateness import Lateness, lateness, lateness_words
from orders.rules.making import LEFT_STAGES, is_ready
from orders.rules.next_step import StepKind, rights_of, step_of
from orders.rules.payment import payment_of
from orders.rules.route import in_route_order
from orders.rules.visibility import may_see_orders, may_see_phones, may_see_prices

STEPS = (StepKind.STATUS, StepKind.DELIVER, StepKind.DELIVERED, StepKind.HAND_OVER)
"""The steps that have a button at a stop: those with which the order leaves the shop and reaches the recipient."""


def may_see_route(request: HttpRequest) -> bool:
    """Return whether the user may see couriers and orders."""
    sees_couriers = request.user.has_perm("orders.view_courier") or request.user.has_perm("orders.change_courier")
    return sees_couriers and may_see_orders(request.user)


def may_step(request: HttpRequest) -> bool:
    """Return whether the user may do the steps of a route's orders."""
    return may_see_route(request) and rights_of(request.user).deliver


class CourierRoute(Feature[Courier]):
    """The page of a courier's route, and the buttons of the stops."""

    def urls(self) -> list[URLPattern]:
        """Return the URL of the page and the URL of the buttons."""
        return [
            self.view("<uuid:key>/route/", self.route, name="route", methods=READ, permission=may_see_route),
            self.view("<uuid:key>/step/", self.step, name="step", methods=POST, permission=may_step),
        ]

    def route(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Show the courier's route of today, or of the day in `?date=`. The number of queries is constant."""
        courier = get_object_or_404(Courier, pk=key)
        on = _day(request.GET.get("date", ""))
        orders = orders_to_print(Order.objects.all(), _keys(courier, on))
        stops = in_route_order(order for order in orders if not reason_to_leave_out(order))
        sheet = RouteSheet(courier, on, stops)
        prices = may_see_prices(request.user, on)
        cash = cash_to_bring_back(sheet, request.user)
        text = route_text(sheet, phones=may_see_phones(request.user), prices=prices, cash=cash) if stops else ""
        statuses = {status.code: status for status in Status.objects.all()} if stops and may_step(request) else {}
        context = {
            "courier": courier,
            "contacts": courier_contacts(courier, request.user, text),
            "day": capfirst(long_day(on)),
            "days": _days(on),
            "collect": dues_text(sheet.dues) if prices else "",
            "has_to_collect": bool(sheet.dues),
            "bring_back": capfirst(bring_back_text(cash)) if cash is not None and cash.is_any else "",
            "stops": [
                {"position": position, **_stop(order, request, statuses, prices)}
                for position, order in enumerate(stops, start=1)
            ],
            "done": [order for order in orders if order.status.stage == Stage.DONE and not is_off(order)],
            "text": text,
            "yandex_route": yandex_route_url(stops),
            "list_url": reverse("admin:orders_courier_changelist"),
        }
        title = f"{courier.name}: {day_text(on)}"
        return self.render(request, "orders/courier_route.html", title, context)

    def step(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Do the posted step of one of the courier's orders. Raise `Http404` if the step is not in `STEPS`."""
        order = _orders_of(key).filter(pk=uuid_or_404(request.POST.get("order", ""))).first()
        if request.POST.get("step") not in STEPS:
            raise Http404
        if order is None:
            messages.error(request, gettext("This order has another courier now."))
        else:
            post_step(request, order, request.POST.get("seen") or order.status_id)
        return redirect_back(request, reverse("admin:orders_courier_route", args=[key]))


def _orders_of(key: UUID) -> QuerySet[Order]:
    return Order.objects.filter(courier_id=key)


def _keys(courier: Courier, on: date) -> list[UUID]:
    return list(_orders_of(courier.pk).filter(delivery_date=on).order_by().values_list("pk", flat=True)[:MOST_AT_ONCE])


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return timezone.localdate()


def _days(on: date) -> list[dict[str, Any]]:
    """Return the days to which the page links: the shown day, the days before and after it, and today."""
    today = timezone.localdate()
    around = {on, today}
    for step in (-1, 1):
        with suppress(OverflowError):  # Python's calendar has a first and a last day
            around.add(on + timedelta(days=step))
    found = sorted(around)
    return [{"day": f"{one:%Y-%m-%d}", "words": capfirst(day_text(one)), "is_shown": one == on} for one in found]


def _stop(order: Order, request: HttpRequest, statuses: Mapping[str, Status], prices: bool) -> dict[str, Any]:
    payment = payment_of(order)
    phone = order.recipient_phone if may_see_phones(request.user) and not order.is_surprise else ""
    place = as_line(courier_details(order, phones=may_see_phones(request.user)))
    step = step_of(order, statuses, request.user) if statuses else None
    if step is not None and step.kind not in STEPS:
        step = None
    notes = (place, order.courier_comment.strip(), order.comment.strip())
    return {
        "order": order,
        "badge": status_badge(order.status),
        "time": ", ".join(part for part in (unknown_date(order), slot_or_missing(order)) if part),
        "lateness": lateness_words(order),
        "is_late": lateness(order) == Lateness.LATE,
        "address": with_city(order, one_line(order.delivery_address)),
        "two_gis": two_gis_url(order),
        "yandex": yandex_maps_url(order),
        "phone": _phones(request, order) if not order.is_surprise else "",
        "call": call_url(phone),
        "whatsapp": whatsapp_url(phone),
        "warning": handover_warning(order),
        "items": [
            goods_text(goods) for goods in detailed_composition(order.items.all(), phones=may_see_phones(request.user))
        ],
        "notes": [note for note in notes if note],
        "payment": payment_on_delivery(order),
        "due": due_text(payment) if payment.is_due and prices else "",
        "is_due": payment.is_due,
        "step": step,
        "is_last": step is not None and step.kind in (StepKind.DELIVERED, StepKind.HAND_OVER),
        "making": "" if is_ready(order) or order.status.stage in LEFT_STAGES else gettext("the bouquet is not ready"),
        "url": reverse("admin:orders_order_change", args=[order.pk]),
    }


def _phones(request: HttpRequest, order: Order) -> SafeString | str:
    """Return links that call the recipient's phones, with chats for the phones besides the first one."""
    phones = shown_phone(request.user, order.recipient_phone, order.recipient_other_phones)
    return format_html("{} {}", phones, chat_links(request.user, "", order.recipient_other_phones))
