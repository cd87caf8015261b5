"""The order's page: what stands around the form, and how the form is saved, which is by the services alone.

Django's form view is one transaction. What a service refuses must undo that transaction and show the form again with
everything that was typed; so a refusal leaves the view as an exception and comes back as an error of the form.
"""

from decimal import Decimal
from typing import Any

from django.contrib.admin.utils import construct_change_message
from django.db.models import Model
from django.forms import BaseModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext

from orders import services
from orders.admin.badges import delivery_marks, order_marks, stage_class, status_badge, sync_badge
from orders.admin.columns import payment_state, payment_words
from orders.admin.conflicts import wished_status
from orders.admin.order_form import NewOrderForm, OrderForm
from orders.admin.order_items import ItemFormSet, is_sum_of_parts
from orders.admin.order_notes import NOTES_SHOWN
from orders.admin.status_actions import next_statuses
from orders.admin.status_undo import undo_of_order
from orders.formatting import delivery_time, money
from orders.models import EventKind, Order, OrderItem, OrderNote, Source, SyncState
from orders.panels import event_links, panels
from orders.services import NotAllowed
from orders.timeline import timeline
from orders.visibility import HIDDEN, hidden_fields, may_see_prices, shown_phone

ENTRIES_SHOWN = 100
BUTTONS = 3
"""Next statuses that get a button of their own; the others are in the dialog."""


class _Refused(Exception):
    """A service has refused; carries its words out of Django's transaction."""


class OrderPage:
    """For the order's ModelAdmin to mix in."""

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show or save the form; a refusal shows it again."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc]
        except _Refused as refusal:
            request.crm_refusal = str(refusal)  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form for a new order or an old one, with what a service has said to it."""
        kwargs["form"] = OrderForm if change else NewOrderForm
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        form.refusal = getattr(request, "crm_refusal", "")
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out of the form what the user may not see: then he can't change it either."""
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        return fieldsets if obj is None else _without(fieldsets, left_out(request, obj))

    def save_model(self, request: HttpRequest, obj: Order, form: BaseModelForm, change: bool) -> None:
        """Do nothing: the services need the items too, and those come with `save_related`."""

    def save_related(self, request: HttpRequest, form: Any, formsets: list[Any], change: bool) -> None:
        """Hand the whole form to one service."""
        items = next((formset for formset in formsets if isinstance(formset, ItemFormSet)), None)
        try:
            if change:
                self._edit(request, form, items)
            else:
                self._create(request, form, items)
        except NotAllowed as refusal:
            raise _Refused(str(refusal)) from refusal
        for formset in formsets:
            if formset.model is OrderNote:
                self._save_notes(request, form.instance, formset)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: list[Any], add: bool = False
    ) -> list[Any]:
        """Return Django's own note of what changed; what counts is the order's timeline."""
        return construct_change_message(form, [], add)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Add what stands around the form."""
        order = kwargs.get("obj")
        context["show_save_and_add_another"] = False
        if isinstance(order, Order):
            context |= self._surroundings(request, order)
        return super().render_change_form(request, context, **kwargs)  # type: ignore[misc]

    # --- saving

    def _edit(self, request: HttpRequest, form: OrderForm, items: ItemFormSet | None) -> None:
        changes = form.changes()
        lines = None
        if items is not None and items.has_changed():
            lines = [line.snapshot() for line in items.kept_forms()]
        changes |= self._new_total(form, changes, lines)
        if changes or lines is not None:
            services.edit_order(
                order_id=form.instance.pk,
                changes=changes,
                items=lines,
                actor=request.user,  # type: ignore[arg-type]
                source=Source.ADMIN,
            )

    def _create(self, request: HttpRequest, form: NewOrderForm, items: ItemFormSet | None) -> None:
        lines = [line.new_item() for line in items.kept_forms()] if items is not None else []
        customer = form.cleaned_data.get("customer") or services.customer_for_call(
            name=form.cleaned_data.get("customer_name") or "", phone=form.cleaned_data.get("customer_phone") or ""
        )
        order = services.create_order(
            items=lines,
            fields=form.fields_for_service(),
            customer=customer,
            actor=request.user,  # type: ignore[arg-type]
            source=Source.ADMIN,
        )
        # What Django goes on with is the form's row: it is that order from now on.
        form.instance.pk, form.instance.order_number = order.pk, order.order_number
        form.instance._state.adding = False

    @staticmethod
    def _new_total(form: OrderForm, changes: dict[str, Any], lines: list[Any] | None) -> dict[str, Any]:
        """Return the new sum where it was the sum of its parts, parts have changed, and nobody has typed another."""
        if "total_amount" in changes or (lines is None and not {"delivery_fee", "discount_amount"} & set(changes)):
            return {}
        before = Order.objects.get(pk=form.instance.pk)
        stored = list(OrderItem.objects.filter(order=before))
        if not is_sum_of_parts(before, stored):
            return {}
        goods = (
            sum((item.total for item in stored), Decimal(0))
            if lines is None
            else sum((line.quantity * line.price for line in lines), Decimal(0))
        )
        fee = changes.get("delivery_fee", before.delivery_fee)
        discount = changes.get("discount_amount", before.discount_amount)
        return {"total_amount": (goods + fee - discount).quantize(Decimal("0.01"))}

    @staticmethod
    def _save_notes(request: HttpRequest, order: Order, formset: Any) -> None:
        for note in formset.save(commit=False):
            note.order, note.author = order, request.user
            note.save()

    # --- what stands around the form

    def _surroundings(self, request: HttpRequest, order: Order) -> dict[str, Any]:
        may_move = self.has_change_status_permission(request)  # type: ignore[attr-defined]
        shown_all = request.GET.get("timeline") == "all"
        events = order.events.select_related("actor")
        found = list(events if shown_all else events[: ENTRIES_SHOWN + 1])
        hidden = hidden_fields(request.user, order.delivery_date)
        is_priced = may_see_prices(request.user, order.delivery_date)
        entries = timeline(found if shown_all else found[:ENTRIES_SHOWN], items=order.items.all(), hidden=hidden)
        return {
            "head": {
                "badge": status_badge(order.status),
                "marks": order_marks(order),
                "how": delivery_marks(order),
                "when": delivery_time(order.delivery_date, order.delivery_slot),
                "sum": money(order.total_amount) if is_priced else HIDDEN,
                "payment": payment_words(order) if is_priced else payment_state(order),
                "due": money(order.amount_due) if order.amount_due and is_priced else "",
                "sync": sync_badge(order),
                "sync_reason": _last_refusal(order, found),
                "recipient_phone": shown_phone(request.user, order.recipient_phone),
                "customer_phone": shown_phone(request.user, order.customer.phone) if order.customer else "",
                "customer_url": _customer_url(request, order.customer),
                "status_url": reverse("admin:orders_order_change_status_dialog", args=[order.pk]),
                "next": [
                    {"status": status, "css": stage_class(status.stage)} for status in next_statuses(order)[:BUTTONS]
                ]
                if may_move
                else [],
                "may_move": may_move,
                "undo": undo_of_order(order) if may_move else "",
                "wish": wished_status(order) if may_move else None,
            },
            "entries": entries,
            "has_more_entries": not shown_all and len(found) > ENTRIES_SHOWN,
            "entry_links": event_links(request),
            "notes": order.notes.select_related("author")[:NOTES_SHOWN],
            "panels": panels(order, request),
        }


def left_out(request: HttpRequest, order: Order) -> frozenset[str]:
    """Return the fields of the form that are not for this user."""
    hidden = hidden_fields(request.user, order.delivery_date)
    # A customer without a name goes by his phone.
    return hidden | {"customer"} if "recipient_phone" in hidden else hidden


def _without(fieldsets: Any, names: frozenset[str]) -> list[Any]:
    """Return the fieldsets without these fields; one that is left empty is not there."""
    found = []
    for title, options in fieldsets:
        lines = []
        for line in options["fields"]:
            kept = tuple(name for name in ([line] if isinstance(line, str) else line) if name not in names)
            if kept:
                lines.append(kept[0] if len(kept) == 1 else kept)
        if lines:
            found.append((title, {**options, "fields": tuple(lines)}))
    return found


def _last_refusal(order: Order, events: list[Any]) -> str:
    if order.sync_state != SyncState.FAILED:
        return ""
    refusals = (event for event in events if event.kind == EventKind.REFUSED)
    event = next(refusals, None)
    if event is None:
        return ""
    return str(event.details.get("message") or event.get_reason_display() or gettext("no reason given"))


def _customer_url(request: HttpRequest, customer: Model | None) -> str:
    if customer is None or not request.user.has_perm("orders.view_customer"):
        return ""
    return reverse("admin:orders_customer_change", args=[customer.pk])
