"""The button that sets the usual next status, on the order's page and in the list.

It is a plain form with the method POST and opens no dialog.
"""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.actions.undo import add_change_message
from orders.admin.lookup import order_or_404
from orders.admin.permissions import may_change_status
from orders.admin.redirects import redirect_back
from orders.models import EventKind, Order, Source
from orders.services import NotAllowedError

COMMENT_LENGTH = 1000
"""The largest number of characters of a comment. The form does not accept more."""


class NextStep(Feature[Order]):
    """The button that sets the usual next status of an order."""

    def urls(self) -> list[URLPattern]:
        """Return the URL to which the button sends its POST request."""
        return [
            self.view("<uuid:key>/next/", self.next_step, name="next_step", methods=POST, permission=may_change_status)
        ]

    def next_step(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Set the status that the form posts as `status`.

        `seen`, in the form or in the URL, is the code of the status that the page showed. If the status of the order
        has changed since then, the order is not changed. `next` is the URL of the page to return to.
        """
        order = order_or_404(key)
        batch_id = uuid4()
        wanted = request.POST.get("status", "")
        if order.status_id == wanted:
            # A colleague has already set the status, or the button was pressed twice.
            messages.info(request, _already(order))
            return redirect_back(request, _page_of(order), changed=[order.pk])
        try:
            moved = services.change_status(
                order_id=order.pk,
                status=wanted,
                actor=staff_user(request),
                source=Source.ADMIN,
                comment=request.POST.get("comment", "")[:COMMENT_LENGTH],
                batch_id=batch_id,
                seen=request.POST.get("seen") or request.GET.get("seen") or None,
            )
        except NotAllowedError as refusal:
            messages.error(request, f"№ {order.order_number}: {refusal}")
        else:
            text = gettext("Order № %(number)s: %(status)s.")
            add_change_message(request, text % {"number": moved.order_number, "status": moved.status.name}, batch_id)
        return redirect_back(request, _page_of(order), changed=[order.pk])


def _already(order: Order) -> str:
    """Return the message that the order already has this status.

    Example: `Order № 122183 is “Accepted” already: Daniyar, 11:42.`
    """
    event = order.events.filter(kind=EventKind.STATUS).select_related("actor").first()
    text = gettext("Order № %(number)s is “%(status)s” already") % {
        "number": order.order_number,
        "status": order.status.name,
    }
    return f"{text}: {event.who_and_when}." if event else f"{text}."


def _page_of(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])
