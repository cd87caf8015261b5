"""The undo of a status change, with a button in the message about the change and a button on the order's page.

Each button submits a form that is part of every page (templates/admin/base_site.html) and contains the CSRF token. A
message is stored in a cookie until it is shown, so it contains only a URL and no token.
"""

from collections.abc import Iterable
from datetime import datetime
from math import ceil
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.permissions import may_work
from orders.admin.redirects import redirect_back
from orders.admin.rows.swaps import shown_rows
from orders.models import Order, OrderEvent
from orders.services import NotAllowedError

MOST_REASONS = 10


def add_change_message(request: HttpRequest, text: str, batch_id: UUID) -> None:
    """Add a message about changed statuses, with a button that undoes the whole action.

    The message has no button if none of the changes has a hold period.
    """
    held = [until for event in services.changes_of_batch(batch_id) if (until := services.held_until_of(event))]
    if not held:
        messages.success(request, text)
        return
    button = undo_button(
        reverse("admin:orders_order_undo", args=[batch_id]), gettext("Undo"), until=max(held), is_live=True
    )
    messages.success(request, format_html('<span class="crm-undo">{} {}</span>', text, button))


def undo_of_order(order: Order) -> SafeString:
    """Return a button that undoes the order's last status change.

    Return an empty string if the change can no longer be undone.
    """
    event = services.undoable_change(order)
    until = services.held_until_of(event) if event is not None else None
    if event is None or until is None:
        return SafeString("")
    title = gettext("Undo “%(status)s”") % {"status": order.status.name}
    if not any(change["field"] == "status" for change in event.changes):
        title = gettext("Undo “%(status)s”") % {"status": event.get_kind_display()}
    return undo_button(
        reverse("admin:orders_order_undo_one", args=[order.pk, event.pk]),
        title,
        until=until,
    )


def undo_button(url: str, title: str, *, until: datetime, is_live: bool = False) -> SafeString:
    """Return a button that submits the undo form of the page. `is_live` means that htmx sends the request.

    Only the buttons in messages are live. A script (static/cvety_crm/undo.js) shows the remaining seconds and then
    hides the button. Without the script the button remains visible, and the service refuses late requests.
    """
    seconds = max(ceil((until - timezone.now()).total_seconds()), 0)
    return format_html(
        '<button type="submit" class="crm-button crm-undo-button" form="crm-undo-form"'
        ' formaction="{}"{} data-until="{}"><span aria-hidden="true">↶</span> <span>{}</span>'
        ' <span class="crm-countdown" aria-hidden="true">{}</span></button>',
        url,
        format_html(' hx-post="{}"', url) if is_live else "",
        f"{until.timestamp():.1f}",  # seconds since 1970
        title,
        gettext("(%(seconds)s s)") % {"seconds": seconds},
    )


class Undo(Feature[Order]):
    """The URLs that undo one change, or all changes of one action."""

    def urls(self) -> list[URLPattern]:
        """Return the URL that undoes an action and the URL that undoes one change."""
        one, may = "<uuid:key>/undo/<uuid:event>/", may_work
        return [
            self.view("undo/<uuid:batch>/", self.undo, name="undo", methods=POST, permission=may),
            self.view(one, self.undo_one, name="undo_one", methods=POST, permission=may),
        ]

    def undo(self, request: HttpRequest, batch: UUID) -> HttpResponse:
        """Undo every change of one action that can still be undone."""
        changes = list(services.changes_of_batch(batch))
        _undo(request, changes)
        changed = {event.order_id for event in changes}
        return redirect_back(
            request, reverse("admin:orders_order_changelist"), changed=changed if changed <= _shown(request) else ()
        )

    def undo_one(self, request: HttpRequest, key: UUID, event: UUID) -> HttpResponse:
        """Undo one change of one order."""
        order = Order.objects.filter(pk=key).first()
        if order is None:
            raise Http404
        _undo(request, [OrderEvent(pk=event, order=order)])
        return redirect_back(request, reverse("admin:orders_order_change", args=[key]), changed=[key])


def _shown(request: HttpRequest) -> set[UUID]:
    """Return the primary keys of the orders whose rows the open list shows.

    If an action has also changed other orders, the whole page is reloaded.
    """
    return set(shown_rows(request.POST.getlist("row")))


def _undo(request: HttpRequest, changes: Iterable[OrderEvent]) -> None:
    undone: list[Order] = []
    refused: list[str] = []
    for event in changes:
        number = event.order.order_number
        try:
            order = services.undo_status(
                order_id=event.order_id,
                event_id=event.pk,
                actor=staff_user(request),
            )
        except NotAllowedError as refusal:
            refused.append(f"№ {number}: {refusal}")
        else:
            undone.append(order)
    if len(undone) == 1:
        text = gettext("Order № %(number)s is “%(status)s” again.")
        messages.success(request, text % {"number": undone[0].order_number, "status": undone[0].status.name})
    elif undone:
        count = len(undone)
        text = ngettext("%(count)s status was undone.", "%(count)s statuses were undone.", count)
        messages.success(request, text % {"count": count})
    for reason in refused[:MOST_REASONS]:
        messages.error(request, reason)
    if left := len(refused[MOST_REASONS:]):
        text = ngettext("%(count)s more could not be undone.", "%(count)s more could not be undone.", left)
        messages.error(request, text % {"count": left})
    if not undone and not refused:
        messages.info(request, gettext("There is nothing left to undo."))
