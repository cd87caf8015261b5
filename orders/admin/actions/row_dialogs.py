"""The dialogs of a row of the order list: the links of an order, the statuses, and the change of a value by a tap.

A GET request shows the dialog, a POST request saves the value. Without htmx both are pages. The page of an order uses
the dialogs too.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext

from cvety_crm.admin_site.features import GET, POST, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.actions.next_step import already_in_status
from orders.admin.actions.status import next_statuses
from orders.admin.actions.undo import add_change_message, undo_button
from orders.admin.badges import stage_class
from orders.admin.doubts import unconfirmed
from orders.admin.messages import message_panel
from orders.admin.permissions import may_change_status, may_see
from orders.admin.phone_looks import note_row
from orders.admin.redirects import redirect_back
from orders.admin.rows.editing import EDITORS, Editor
from orders.admin.rows.row_links import row_links
from orders.models import Order
from orders.presentation.doubts import question
from orders.rules.doubts import Doubt
from orders.services import NotAllowedError
from orders.services.validation import refuse_excess

COMMENT_LENGTH = 1000
"""The largest number of characters of a comment. The form does not accept more."""
UNDO_FOR = timedelta(seconds=60)
"""How long the message about a change has a button that undoes it. Later the value can be changed again by hand."""


class RowDialogs(Feature[Order]):
    """The URLs of the dialogs."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the links of an order, of its statuses, and of the change of one value."""
        may_move = may_change_status
        return [
            self.view("<uuid:key>/contacts/", self.contacts, name="contacts", methods=GET, permission=may_see),
            self.view("<uuid:key>/statuses/", self.statuses, name="statuses", methods=GET, permission=may_move),
            self.view("<uuid:key>/set-status/", self.set_status, name="set_status", methods=POST, permission=may_move),
            self.view(
                "<uuid:key>/edit/<slug:field>/", self.edit, name="edit", methods=("GET", "POST"), permission=may_see
            ),
        ]

    def contacts(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Show the address, the links that call, write and open maps, and the messages to send."""
        order = _order(key)
        note_row(request, order)
        context = {**row_links(order, request.user), "message_panel": message_panel(order, request.user)}
        return self._dialog(request, "orders/list/contacts.html", order, context)

    def statuses(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Show the statuses that the user may choose next. `set_status` sets the chosen one."""
        order = _order(key)
        found = [(status, stage_class(status.stage)) for status in next_statuses(order)]
        url = f"{reverse('admin:orders_order_set_status', args=[order.pk])}?seen={order.status_id}"
        return self._dialog(request, "orders/list/edit_status.html", order, {"statuses": found, "url": url})

    def set_status(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Set the posted `status` with the posted `comment`. A status chosen here may skip steps.

        `seen`, in the form or in the URL, is the code of the status that the page showed. If the status of the order
        has changed since then, the order is not changed.
        """
        order = _order(key)
        wanted, batch_id = request.POST.get("status", ""), uuid4()
        if order.status_id == wanted:
            # A colleague has already set the status, or the button was pressed twice.
            messages.info(request, already_in_status(order))
            return _back(request, order)
        comment = request.POST.get("comment", "")
        try:
            refuse_excess(comment, COMMENT_LENGTH)
            moved = services.change_status(
                order_id=order.pk,
                status=wanted,
                actor=staff_user(request),
                comment=comment,
                batch_id=batch_id,
                seen=request.POST.get("seen") or request.GET.get("seen") or None,
            )
        except NotAllowedError as refusal:
            messages.error(request, f"№ {order.order_number}: {refusal}")
        else:
            text = gettext("Order № %(number)s: %(status)s.")
            add_change_message(request, text % {"number": moved.order_number, "status": moved.status.name}, batch_id)
        return _back(request, order)

    def edit(self, request: HttpRequest, key: UUID, field: str) -> HttpResponse:
        """Show the form of one value, or save the value.

        `seen` is the value that the page showed. If a colleague has changed it since then, it is not overwritten. The
        button that undoes a change has `value` and `seen` in its URL.
        """
        editor = EDITORS.get(field)
        if editor is None:
            raise Http404
        if not editor.permission(request):
            raise PermissionDenied
        order = _order(key)
        if request.method == "GET":
            return self._form(request, order, editor)
        sent = request.GET if "value" in request.GET else request.POST
        value, seen = editor.posted(sent), sent.get("seen", "")
        before, text_before = editor.value(order), editor.text(order)
        # The button that undoes a change restores a value that was not doubtful, or was confirmed.
        if sent is request.POST and (doubts := unconfirmed(request.POST, editor.doubts(order, value))):
            return self._form(request, order, editor, typed=value, doubts=doubts, seen=seen)
        try:
            editor.save(order, value, seen, staff_user(request))
        except NotAllowedError as refusal:
            if request.headers.get("HX-Request") and sent is request.POST:
                return self._form(request, _order(key), editor, error=str(refusal), typed=value)
            messages.error(request, f"№ {order.order_number}: {refusal}")
        else:
            changed = _order(key)
            if editor.value(changed) != before:
                _add_message(request, changed, editor, before, text_before)
        return _back(request, order)

    def _form(
        self,
        request: HttpRequest,
        order: Order,
        editor: Editor,
        *,
        error: str = "",
        typed: str | None = None,
        doubts: Sequence[Doubt] = (),
        seen: str | None = None,
    ) -> HttpResponse:
        """Return the form. With an error or doubts, htmx shows it in the dialog in place of the form that was sent."""
        context = {
            "title": editor.title,
            "url": reverse("admin:orders_order_edit", args=[order.pk, editor.key]),
            "seen": editor.value(order) if seen is None else seen,
            "error": error,
            "questions": [question(doubt) for doubt in doubts],
            "question_keys": [doubt.key for doubt in doubts],
            **editor.context(order, typed),
        }
        response = self._dialog(request, editor.template, order, context)
        if error or doubts:
            response.headers["HX-Retarget"] = "#crm-dialog"
            response.headers["HX-Reswap"] = "innerHTML"
        return response

    def _dialog(self, request: HttpRequest, template: str, order: Order, context: Mapping[str, Any]) -> HttpResponse:
        """Return the contents of the dialog, or a page with them if the request is not from htmx."""
        page = template if request.headers.get("HX-Request") else "orders/list/dialog_page.html"
        title = f"№ {order.order_number}"
        return self.render(request, page, title, {"order": order, "dialog": template, **context})


def _add_message(request: HttpRequest, order: Order, editor: Editor, before: str, text_before: str) -> None:
    """Add a message such as `№ 122183: courier Yerlan → Anna`, with a button that undoes the change."""
    query = urlencode({"value": before, "seen": editor.value(order)})
    url = f"{reverse('admin:orders_order_edit', args=[order.pk, editor.key])}?{query}"
    button = undo_button(url, gettext("Undo"), until=timezone.now() + UNDO_FOR, is_live=True)
    text = gettext("№ %(number)s · %(what)s: %(old)s → %(new)s") % {
        "number": order.order_number,
        "what": str(editor.title).lower(),
        "old": text_before,
        "new": editor.text(order),
    }
    messages.success(request, format_html('<span class="crm-undo">{} {}</span>', text, button))


def _back(request: HttpRequest, order: Order) -> HttpResponse:
    return redirect_back(request, reverse("admin:orders_order_change", args=[order.pk]), changed=[order.pk])


def _order(key: UUID) -> Order:
    related = ("status", "courier", "responsible", "delivery_slot", "city", "customer", "shop")
    order = Order.objects.select_related(*related).filter(pk=key).first()
    if order is None:
        raise Http404
    return order
