"""The usual next status of an order, one tap away: from its page and from the list. A plain POST form, no dialog."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from orders import services
from orders.admin.actions.status import find_order
from orders.admin.actions.undo import add_change_message
from orders.admin.redirects import redirect_back
from orders.models import EventKind, Order, Source
from orders.services import NotAllowedError


class NextStep:
    """The address, for the order's ModelAdmin to mix in."""

    def get_urls(self) -> list[URLPattern]:
        """Add it."""
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("<uuid:key>/next/", wrap(require_POST(self.next_step)), name="orders_order_next_step"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def next_step(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Move the order to `status`, which the button has promised.

        `seen`, sent along or part of the address, is the status that the order had on the page: an order that has moved
        meanwhile stays where it is. `next` is where to go back.
        """
        order = permitted_order(self, request, key)
        batch_id = uuid4()
        wanted = request.POST.get("status", "")
        if order.status_id == wanted:
            # Somebody else, or a second tap.
            messages.info(request, _already(order))
            return redirect_back(request, _page_of(order))
        try:
            moved = services.change_status(
                order_id=order.pk,
                status=wanted,
                actor=request.user,  # type: ignore[arg-type]
                source=Source.ADMIN,
                batch_id=batch_id,
                seen=request.POST.get("seen") or request.GET.get("seen") or None,
            )
        except NotAllowedError as refusal:
            messages.error(request, f"№ {order.order_number}: {refusal}")
        else:
            text = gettext("Order № %(number)s: %(status)s.")
            add_change_message(request, text % {"number": moved.order_number, "status": moved.status.name}, batch_id)
        return redirect_back(request, _page_of(order))


def permitted_order(model_admin: Any, request: HttpRequest, key: UUID) -> Order:
    """Return the order for somebody who may move orders on. Raises `PermissionDenied`, `Http404`."""
    if not model_admin.has_change_status_permission(request):
        raise PermissionDenied
    order = find_order(key)
    if order is None:
        raise Http404
    return order


def _already(order: Order) -> str:
    """Return who was faster: `№ 122183 is “Accepted” already: Daniyar, 11:42`."""
    event = order.events.filter(kind=EventKind.STATUS).select_related("actor").first()
    text = gettext("Order № %(number)s is “%(status)s” already") % {
        "number": order.order_number,
        "status": order.status.name,
    }
    return f"{text}: {event.who_and_when}." if event else f"{text}."


def _page_of(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])
