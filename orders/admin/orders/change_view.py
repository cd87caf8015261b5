"""The form of the order's page, which is saved by the services alone.

Django's form view is one transaction. What a service refuses must undo that transaction and show the form again with
everything that was typed; so a refusal leaves the view as an exception and comes back as an error of the form.
"""

from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.contrib.admin.utils import construct_change_message
from django.db import connection
from django.forms import BaseModelForm
from django.http import HttpRequest, HttpResponse

from cvety_crm.admin_site.features import FeatureModelAdmin
from cvety_crm.users import staff_user
from orders import services
from orders.admin.orders.forms import OrderForm
from orders.admin.orders.items_inline import ItemFormSet
from orders.admin.orders.readonly_fields import readonly_fieldsets
from orders.models import Order, Source
from orders.rules.visibility import hidden_fields, may_see_prices
from orders.services import NotAllowedError


class _Refused(Exception):
    """A service has refused; carries what it says out of Django's transaction."""

    def __init__(self, refusal: NotAllowedError) -> None:
        super().__init__(str(refusal))
        self.field = refusal.field


_refusals: WeakKeyDictionary[HttpRequest, tuple[str, str]] = WeakKeyDictionary()
"""The text of a refusal and the field it is about, by the request that was refused, while its form is shown again.

Texts, not the exception: its traceback refers to the request, which would then be kept for ever.
"""


class OrderFormAdmin(FeatureModelAdmin):
    """The form of an order's page."""

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show or save the form; a refusal shows it again."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except _Refused as refusal:
            _refusals[request] = (str(refusal), refusal.field)
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form, with what a service has said to it."""
        kwargs["form"] = OrderForm
        form = super().get_form(request, obj, change=change, **kwargs)
        if request in _refusals:
            form.refusal, form.refused_field = _refusals[request]
        for name in left_out(request, obj) if obj is not None else ():
            form.base_fields.pop(name, None)  # a declared field is there even when no fieldset has it
        return form

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the order; it stays locked while its form is being saved."""
        key = _key(object_id)
        if key is not None and request.method == "POST" and connection.in_atomic_block:
            Order.objects.select_for_update().filter(pk=key).values_list("pk").first()
        return super().get_object(request, object_id, from_field)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out what the user may not see, and show as text what the user may only read."""
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        found = _without(found, left_out(request, obj))
        return found if self.has_change_permission(request, obj) else readonly_fieldsets(found, request.user)

    def save_model(self, request: HttpRequest, obj: Order, form: BaseModelForm, change: bool) -> None:
        """Do nothing: the services need the items too, and those come with `save_related`."""

    def save_related(self, request: HttpRequest, form: Any, formsets: list[Any], change: bool) -> None:
        """Hand the whole form to one service."""
        items = next((formset for formset in formsets if isinstance(formset, ItemFormSet)), None)
        try:
            _edit(request, form, items)
            if note := request.POST.get("note_text", "").strip():
                # Typed beside the form and not added by its own button: saving the order must not lose it.
                services.add_note(order_id=form.instance.pk, text=note, actor=staff_user(request))
        except NotAllowedError as refusal:
            raise _Refused(refusal) from refusal

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: list[Any], add: bool = False
    ) -> list[Any]:
        """Return Django's own note of what changed; what counts is the order's timeline."""
        return construct_change_message(form, [], add)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Show the page, without the button that saves the order and makes another one."""
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, **kwargs)


def _edit(request: HttpRequest, form: OrderForm, items: ItemFormSet | None) -> None:
    changes = form.changes()
    lines = None
    sees_prices = may_see_prices(request.user, form.initial.get("delivery_date"))
    if items is not None and sees_prices and items.has_changed():
        lines = [line.snapshot() for line in items.kept_forms()]
    if changes or lines is not None:
        services.edit_order(
            order_id=form.instance.pk,
            changes=changes,
            items=lines,
            actor=staff_user(request),
            source=Source.ADMIN,
        )


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


def _key(text: str) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
