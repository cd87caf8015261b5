"""The button of the next step of an order, on the order's page, in the list, and on a courier's route.

It is a plain form with the method POST and opens no dialog. `orders.rules.next_step` decides which step it is.
"""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.users import staff_user
from orders.admin.actions.undo import add_change_message
from orders.admin.lookup import order_or_404
from orders.admin.permissions import may_work
from orders.admin.redirects import redirect_back
from orders.models import EventKind, Order, Status
from orders.rules.next_step import STAGES, Step, StepKind, step_of
from orders.services import NotAllowedError
from orders.services.steps import do_step


class NextStep(Feature[Order]):
    """The button that does the next step of an order."""

    def urls(self) -> list[URLPattern]:
        """Return the URL to which the button sends its POST request."""
        return [self.view("<uuid:key>/next/", self.next_step, name="next_step", methods=POST, permission=may_work)]

    def next_step(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Do the step that the form posts as `step`, if it is the next step of the order for this user.

        `seen`, in the form or in the URL, is the code of the status that the page showed. If the order has changed
        since then, it is not changed. `next` is the URL of the page to return to.
        """
        order = order_or_404(key)
        post_step(request, order, request.POST.get("seen") or request.GET.get("seen") or order.status_id)
        return redirect_back(request, reverse("admin:orders_order_change", args=[order.pk]), changed=[order.pk])


def post_step(request: HttpRequest, order: Order, seen: str) -> None:
    """Do the step that the form posts as `step`, and add a message about it.

    `seen` is the code of the status that the page showed.
    """
    user = staff_user(request)
    wanted = request.POST.get("step", "")
    step = step_of(order, {status.code: status for status in Status.objects.all()}, user)
    if (known := _already(order, wanted)) and (step is None or step.kind != wanted):
        messages.info(request, known)  # a colleague has done the step, or the button was pressed twice
        return
    if step is None or step.kind != wanted or order.status_id != seen:
        text = gettext("This is not the next step of the order.")
        if order.status_id != seen:
            text = gettext("The status has just been changed to “%(status)s”.") % {"status": order.status.name}
        messages.error(request, f"№ {order.order_number}: {text}")
        return
    batch_id = uuid4()
    try:
        moved = do_step(order, step, user, batch_id)
    except NotAllowedError as refusal:
        messages.error(request, f"№ {order.order_number}: {refusal}")
    else:
        add_change_message(request, _done(moved, step), batch_id)


def _done(order: Order, step: Step) -> str:
    values: dict[str, Any] = {"number": order.order_number, "status": order.status.name}
    if step.kind == StepKind.TAKE:
        return gettext("Order № %(number)s is yours.") % values
    if step.kind == StepKind.BEGUN:
        return gettext("Order № %(number)s: the florist has begun.") % values
    if step.kind == StepKind.READY:
        return gettext("Order № %(number)s: the bouquet is ready.") % values
    return gettext("Order № %(number)s: %(status)s.") % values


def _already(order: Order, kind: str) -> str:
    """Return the message that this step has been done already, or an empty string if it has not."""
    values = {"number": order.order_number}
    if kind in (StepKind.TAKE, StepKind.BEGUN) and order.taken_at is not None:
        event, text = EventKind.TAKEN, gettext("The bouquet of order № %(number)s is taken already")
    elif kind == StepKind.READY and order.ready_at is not None:
        event, text = EventKind.READY, gettext("The bouquet of order № %(number)s is ready already")
    elif kind in StepKind.values and STAGES.get(StepKind(kind)) == order.status.stage:
        return already_in_status(order)
    else:
        return ""
    return _with_who(order, text % values, event)


def already_in_status(order: Order) -> str:
    """Return the message that the order already has its status."""
    values = {"number": order.order_number, "status": order.status.name}
    return _with_who(order, gettext("Order № %(number)s is “%(status)s” already") % values, EventKind.STATUS)


def _with_who(order: Order, text: str, kind: EventKind) -> str:
    """Return the text with the person and the time of the last timeline entry of this kind.

    Example: `Order № 122183 is “Accepted” already: Daniyar, 11:42.`
    """
    event = order.events.filter(kind=kind).select_related("actor").first()
    return f"{text}: {event.who_and_when}." if event else f"{text}."
