"""The notes on an order's page. A note is added without saving the order's form, and is never changed."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, reverse
from django.utils.translation import gettext

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.lookup import order_or_404
from orders.admin.permissions import may_change_status
from orders.admin.redirects import redirect_back
from orders.models import Order
from orders.services import NotAllowedError

NOTES_SHOWN = 50


class Notes(Feature[Order]):
    """The form that adds a note to an order."""

    def urls(self) -> list[URLPattern]:
        """Return the URL to which the form is posted."""
        route, may = "<uuid:key>/notes/", may_change_status
        return [self.view(route, self.add_note, name="add_note", methods=POST, permission=may)]

    def add_note(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Add a note.

        The response to htmx contains the latest notes. If the service refused the note, it also contains the entered
        text.
        """
        order = order_or_404(key)
        text, page = request.POST.get("text", ""), reverse("admin:orders_order_change", args=[key])
        refused = ""
        try:
            services.add_note(order_id=order.pk, text=text, actor=staff_user(request))
        except NotAllowedError as refusal:
            refused = str(refusal)
        if request.headers.get("HX-Request"):
            notes = notes_of(order, may_write=True, back=request.POST.get("next", page))
            shown = {**notes, "refused": refused, "typed": text if refused else "", "is_open": True}
            return render(request, "orders/page/notes.html", {"notes": shown})
        if refused:
            messages.error(request, refused)
        else:
            messages.success(request, gettext("The note is added."))
        return redirect_back(request, page)


def notes_of(order: Order, *, may_write: bool, back: str) -> dict[str, Any]:
    """Return the context of `orders/page/notes.html`: the latest notes, newest first, and the form's URL.

    Make one query. `back` is the URL of the page that shows the notes.
    """
    rows = list(order.notes.select_related("author").order_by("-created_at")[: NOTES_SHOWN + 1])
    return {
        "rows": rows[:NOTES_SHOWN],
        "has_more": len(rows) > NOTES_SHOWN,
        "url": reverse("admin:orders_order_add_note", args=[order.pk]) if may_write else "",
        "back": back,
        "longest": services.LONGEST_NOTE,
    }
