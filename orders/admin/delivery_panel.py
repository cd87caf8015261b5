"""The panel on the order's page with the florist, the courier, buttons that assign them, texts to copy, and maps."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from cvety_crm.users import User, display_name
from orders.admin.courier_texts import courier_contacts, order_texts
from orders.models import Courier, EventKind, Order
from orders.paper.orders_to_print import orders_to_print
from orders.presentation.addresses import one_line, with_city
from orders.presentation.delivery import reason_to_leave_out
from orders.presentation.formatting import short_moment
from orders.presentation.links import two_gis_url, yandex_maps_url
from orders.presentation.making import making_text
from orders.rules.lateness import is_open
from orders.rules.making import is_ready, may_be_taken
from orders.rules.next_step import StepKind, step_of
from orders.rules.visibility import shown_text


def delivery_panel(order: Order, request: HttpRequest, *, may_make: bool, may_assign: bool) -> dict[str, Any]:
    """Return the context of `orders/page/people.html` for this user. Make at most six queries."""
    (stop,) = orders_to_print(Order.objects.all(), [order.pk])
    courier = stop.courier
    step = step_of(order, {}, request.user)  # whether the step is to take the order does not depend on the statuses
    is_step = step is not None and step.kind == StepKind.TAKE
    is_mine = order.responsible_id is not None and order.responsible_id == request.user.pk
    texts = order_texts(stop, request.user)
    address = shown_text(request.user, one_line(order.delivery_address))
    return {
        "florist": display_name(order.responsible),
        "is_mine": is_mine,
        "making": making_text(order),
        "may_take": may_make and may_be_taken(order) and not is_step,
        "may_remake": may_make and is_open(order) and is_ready(order),
        "may_release": is_mine and (may_make or may_assign),
        "seen_florist": order.responsible_id,
        "florists": _florists(order.responsible_id) if may_assign else [],
        "is_pickup": order.is_pickup,
        "courier": courier,
        "contacts": courier_contacts(courier, request.user, texts["full"]) if courier else None,
        "may_assign": may_assign,
        "couriers": _couriers(order) if may_assign else [],
        "notified": _notification(stop),
        "left_out": reason_to_leave_out(stop),
        "texts": texts,
        "address": with_city(order, address),
        "two_gis": two_gis_url(order),
        "yandex": yandex_maps_url(order),
    }


def _florists(current: int | None) -> list[tuple[int, str]]:
    people = User.objects.filter(Q(is_staff=True, is_active=True) | Q(pk=current))
    return [(user.pk, display_name(user)) for user in people.order_by("first_name", "last_name", "username")]


def _couriers(order: Order) -> list[Courier]:
    """Return the couriers to choose from: the active couriers and the order's current courier.

    For a pickup, return only the current courier. Staff can then remove the courier, but not choose a different one.
    """
    theirs = Q(pk=order.courier_id)
    return list(Courier.objects.filter(theirs if order.is_pickup else theirs | Q(is_active=True)))


def _notification(order: Order) -> dict[str, Any] | None:
    if order.courier_notified_at is None:
        return None
    event = order.events.filter(kind=EventKind.NOTIFIED).select_related("actor").first()
    return {"at": short_moment(order.courier_notified_at), "who": event.who if event else ""}
