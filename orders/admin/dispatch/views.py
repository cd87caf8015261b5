"""The dispatcher's page and its actions. Each action is a POST request that calls one service.

A request of htmx is answered with the part of the page that changes. Any other request is redirected to the page.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import wraps
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cvety_crm.users import staff_user
from orders import services
from orders.admin.actions.bulk import add_refusal_messages
from orders.admin.actions.row_dialogs import UNDO_FOR
from orders.admin.actions.undo import undo_button
from orders.admin.courier_texts import cash_to_bring_back, courier_contacts
from orders.admin.days import day_or_none
from orders.admin.dispatch.keys import long, seen_couriers, with_seen
from orders.admin.dispatch.page import Refusals, live_context, page_context, page_url
from orders.admin.permissions import may_assign
from orders.admin.redirects import redirect_back
from orders.models import Courier, Order
from orders.paper.courier_texts import route_text
from orders.paper.orders_to_print import MOST_AT_ONCE, orders_to_print
from orders.paper.route_sheet import RouteSheet
from orders.presentation.delivery import reason_to_leave_out
from orders.presentation.links import two_gis_url, yandex_route_url
from orders.rules.route import in_route_order
from orders.rules.visibility import may_see_phones, may_see_prices
from orders.selectors.dispatch import courier_stops, day_version
from orders.selectors.presets import DAY_PARAMETER
from orders.services import Dispatched, NotAllowedError

REFRESH_SECONDS = 5
NO_ONE, ALL = "none", "all"
SEEN = "seen"
"""The parameter with the version that an open page shows."""


class _View(Protocol):
    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse: ...


def _for_dispatchers(view: _View) -> _View:
    """Raise `PermissionDenied` in the view if the user may not assign couriers."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not may_assign(request):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


@never_cache
@require_safe
@_for_dispatchers
def dispatch_page(request: HttpRequest) -> HttpResponse:
    """Show the deliveries of today, or of the day in `?date=`.

    The response to a request of htmx contains only the part that changes. It is 204 if the page already shows the
    version that exists now.
    """
    day = day_or_none(request.GET.get(DAY_PARAMETER, "")) or timezone.localdate()
    if request.headers.get("HX-Request"):
        if request.GET.get(SEEN) == day_version(day):
            return HttpResponse(status=204)
        return TemplateResponse(request, "orders/dispatch/live.html", live_context(request, day))
    page = {
        **admin.site.each_context(request),
        "title": gettext("Dispatch"),
        "is_fullwidth": "1",
        "refresh_seconds": REFRESH_SECONDS,
    }
    return TemplateResponse(
        request, "orders/dispatch/page.html", {**page, **page_context(day), **live_context(request, day)}
    )


@require_POST
@_for_dispatchers
def act(request: HttpRequest) -> HttpResponse:
    """Do the action of the pressed button on the posted orders.

    Each `order` names an order and the courier whom the page showed (`keys.with_seen`). The buttons are `to` and
    `assign` (to the chosen `courier`), `up` and `down`, `notified` and `not_notified`, `route` (with each `stop` in
    sequence) and `reset`. If all orders are refused, the status of the response is 409.
    """
    actions = {
        "notified": _set_notified, "not_notified": _set_notified, "up": _move, "down": _move, "route": _set_route,
        "reset": _set_route,
    }  # fmt: skip
    action = next((actions[name] for name in actions if name in request.POST), _assign)
    return action(request)


def _assign(request: HttpRequest) -> HttpResponse:
    seen = _posted_orders(request)
    chosen = request.POST.get("to") or request.POST.get("courier", "")
    if not seen or not chosen:
        text = gettext("Nothing was changed: select at least one order.")
        if seen:
            text = gettext("Nothing was changed: choose a courier.")
        messages.info(request, text)
        return _answer(request)
    if len(seen) > MOST_AT_ONCE:
        messages.error(request, gettext("At most %(count)s orders at once.") % {"count": MOST_AT_ONCE})
        return _answer(request)
    courier = None if chosen == NO_ONE else get_object_or_404(Courier, pk=long(chosen))
    before = request.POST.get("before")
    result = services.assign_orders(
        seen=seen, courier=courier, actor=staff_user(request), before=long(before) if before else None
    )
    _say_assigned(request, result, courier)
    return _answer(request, result)


def _move(request: HttpRequest) -> HttpResponse:
    seen = _posted_orders(request)
    step = -1 if "up" in request.POST else 1
    try:
        services.move_stops(order_ids=seen, seen=list(seen.values()), day=_shown_day(request), step=step)
    except NotAllowedError as refusal:
        messages.error(request, str(refusal))
        return _answer(request, status=409)
    return _answer(request)


def _set_route(request: HttpRequest) -> HttpResponse:
    day = _shown_day(request)
    try:
        if reset := request.POST.get("reset"):
            services.reset_route(courier_id=long(reset), day=day)
        else:
            stops = [long(one) for one in request.POST.getlist("stop")]
            services.set_route(courier_id=long(request.POST["route"]), day=day, order_ids=stops)
    except NotAllowedError as refusal:
        messages.error(request, str(refusal))
        return _answer(request, status=409)
    return _answer(request)


def _set_notified(request: HttpRequest) -> HttpResponse:
    is_notified = "notified" in request.POST
    single = request.POST.get("notified") or request.POST.get("not_notified") or ALL
    posted = _posted_orders(request, [single] if single != ALL else None)
    seen = {order: courier for order, courier in posted.items() if courier is not None}
    if not seen:
        messages.info(request, gettext("Nothing was changed: select at least one stop of a courier."))
        return _answer(request)
    result = services.mark_orders_notified(seen=seen, is_notified=is_notified, actor=staff_user(request))
    if result.done:
        text = gettext("Notified of orders: %(count)s.")
        if not is_notified:
            text = gettext("Not notified of orders: %(count)s.")
        messages.success(request, text % {"count": len(result.done)})
    _say_refused(request, result)
    return _answer(request, result)


@require_POST
@_for_dispatchers
def undo(request: HttpRequest, batch: UUID) -> HttpResponse:
    """Undo an assignment, as far as no one has changed the couriers since."""
    result = services.undo_assignment(batch_id=batch, actor=staff_user(request))
    if result.done:
        count = len(result.done)
        text = ngettext(
            "Undone: %(count)s order has its courier of before again.",
            "Undone: %(count)s orders have their couriers of before again.",
            count,
        )
        messages.success(request, text % {"count": count})
    elif not result.refused:
        messages.info(request, gettext("There is nothing left to undo."))
    _say_refused(request, result)
    return _answer(request, result, is_conflict_error=False)


@never_cache
@require_safe
@_for_dispatchers
def brief(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show the text for a courier about the whole route, to copy or to send, and the button that marks it as sent."""
    courier = get_object_or_404(Courier, pk=key)
    day = day_or_none(request.GET.get(DAY_PARAMETER, "")) or timezone.localdate()
    stops = _route(courier, day)
    sheet = RouteSheet(courier, day, stops)
    user = request.user
    text = ""
    if stops:
        cash = cash_to_bring_back(sheet, user)
        text = route_text(sheet, phones=may_see_phones(user), prices=may_see_prices(user, day), cash=cash)
    context = {
        "courier": courier,
        "text": text,
        "contacts": courier_contacts(courier, user, text),
        "waiting": [with_seen(order.pk, courier.pk) for order in stops if order.courier_notified_at is None],
        "all": ALL,
        "date": day.isoformat(),
        "yandex": yandex_route_url(stops),
        "two_gis": next((url for url in map(two_gis_url, stops) if url), ""),
        "page_url": page_url(day),
        "route_url": f"{reverse('admin:orders_courier_route', args=[courier.pk])}?date={day.isoformat()}",
    }
    if request.headers.get("HX-Request"):
        return TemplateResponse(request, "orders/dispatch/brief.html", context)
    page = {**admin.site.each_context(request), "title": courier.name}
    return TemplateResponse(request, "orders/dispatch/brief_page.html", {**page, **context})


@never_cache
@require_safe
@_for_dispatchers
def open_map(request: HttpRequest, key: UUID, name: str) -> HttpResponse:
    """Redirect to a map with the courier's route: all its stops in Yandex Maps, the next stop in 2ГИС.

    Raise `Http404` if no address of the route is known.
    """
    courier = get_object_or_404(Courier, pk=key)
    stops = _route(courier, day_or_none(request.GET.get(DAY_PARAMETER, "")) or timezone.localdate())
    urls = [yandex_route_url(stops)] if name == "yandex" else [two_gis_url(order) for order in stops]
    url = next((one for one in urls if one), "")
    if not url:
        raise Http404
    return HttpResponseRedirect(url)


def _route(courier: Courier, day: date) -> list[Order]:
    found = orders_to_print(Order.objects.all(), courier_stops(courier.pk, day)[:MOST_AT_ONCE])
    return in_route_order(order for order in found if not reason_to_leave_out(order))


def _posted_orders(request: HttpRequest, texts: Sequence[str] | None = None) -> Mapping[UUID, UUID | None]:
    """Return the posted orders with the couriers whom the page showed. Make one query."""
    posted = request.POST.getlist("order")[: MOST_AT_ONCE + 1] if texts is None else texts
    return seen_couriers(posted, Courier.objects.values_list("pk", flat=True)) if posted else {}


def _say_assigned(request: HttpRequest, result: Dispatched, courier: Courier | None) -> None:
    if result.done:
        numbers = ", ".join(f"№ {order.order_number}" for order in result.done[:3])
        more = len(result.done) - 3
        if more > 0:
            numbers += " " + ngettext("and %(count)s more", "and %(count)s more", more) % {"count": more}
        who = courier.name if courier else gettext("Without a courier")
        text = f"{who}: {numbers}."
        until = timezone.now() + UNDO_FOR
        button = undo_button(
            reverse("dispatch_undo", args=[result.batch_id]), gettext("Undo"), until=until, is_live=True
        )
        messages.success(request, format_html('<span class="crm-undo">{} {}</span>', text, button))
    elif not result.refused:
        messages.info(request, gettext("Were so already: %(count)s.") % {"count": len(result.unchanged)})
    _say_refused(request, result)


def _say_refused(request: HttpRequest, result: Dispatched) -> None:
    add_refusal_messages(request, [f"№ {one.number}: {one.reason}" for one in result.refused])


def _answer(
    request: HttpRequest,
    result: Dispatched | None = None,
    *,
    refusals: Refusals | None = None,
    status: int = 200,
    is_conflict_error: bool = True,
) -> HttpResponse:
    """Return the changed part of the page and the messages for htmx, or else redirect to the page."""
    if not request.headers.get("HX-Request"):
        return redirect_back(request, page_url(_shown_day(request)))
    if result is not None:
        refusals = {one.order_id: one.reason for one in result.refused}
        status = 409 if is_conflict_error and result.refused and not result.done else status
    if urlsplit(request.headers.get("HX-Current-URL", "")).path != reverse("dispatch"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {**live_context(request, _shown_day(request), refusals), "is_swap": True}
    said = render_to_string("cvety_crm/messages.html", {"is_swap": True}, request=request)
    live = render_to_string("orders/dispatch/live.html", context, request=request)
    return HttpResponse(said + live, status=status)


def _shown_day(request: HttpRequest) -> date:
    """Return the day that the page shows, which the form posts or which is in the URL of the page."""
    urls: Sequence[str] = (request.headers.get("HX-Current-URL", ""), request.POST.get("next", ""))
    texts = [request.POST.get(DAY_PARAMETER, "")]
    texts += [value for url in urls for value in parse_qs(urlsplit(url).query).get(DAY_PARAMETER, [])]
    return next((day for day in map(day_or_none, texts) if day), timezone.localdate())
