"""The form of the order's page. Only services save the order.

Django's form view is one transaction. If a service refuses a change, the transaction must be rolled back and the form
must be shown again with the values that the user has entered. Therefore an exception ends the transaction, and the form
is shown again with the message of the exception.
"""

from collections.abc import Mapping
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
from orders.admin.doubts import questions_context, unconfirmed
from orders.admin.orders.forms import TEXTS, OrderForm
from orders.admin.orders.items_inline import ItemFormSet
from orders.admin.phone_looks import note_row
from orders.models import Order, Source
from orders.rules.doubts import Doubt, doubt_of_sum
from orders.rules.visibility import hidden_fields, may_see_phones, may_see_prices
from orders.services import NotAllowedError
from orders.values.phone_masking import has_phone


class _RefusedError(Exception):
    """A service has refused the posted change. The exception makes Django roll back the transaction."""

    def __init__(self, refusal: NotAllowedError) -> None:
        super().__init__(str(refusal))
        self.field = refusal.field


class _DoubtfulError(Exception):
    """The sum that a service has computed is doubtful. The exception makes Django roll back the transaction."""

    def __init__(self, doubt: Doubt) -> None:
        super().__init__()
        self.doubt = doubt


_refusals: WeakKeyDictionary[HttpRequest, tuple[str, str]] = WeakKeyDictionary()
"""The message and the field of a refused change, by request, for the form that is shown again.

The exception itself is not stored: its traceback refers to the request, so the request would never be freed.
"""
_doubts: WeakKeyDictionary[HttpRequest, Doubt] = WeakKeyDictionary()
"""The doubts about computed sums, by request, for the form that is shown again with the question."""


class OrderFormAdmin(FeatureModelAdmin):
    """The form of an order's page."""

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show or save the form; if the change is refused, show the form again with the error."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except _RefusedError as refusal:
            _refusals[request] = (str(refusal), refusal.field)
        except _DoubtfulError as error:
            _doubts[request] = error.doubt
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form class.

        If a service has refused the posted change, the class contains the message and the field of the refused value.
        """
        kwargs["form"] = OrderForm
        form = super().get_form(request, obj, change=change, **kwargs)
        if request in _refusals:
            form.refusal, form.refused_field = _refusals[request]
        form.doubt_of_service = _doubts.get(request)
        for name in left_out(request, obj) if obj is not None else ():
            form.base_fields.pop(name, None)  # a declared field exists even if no fieldset contains it
        return form

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the order. A POST request locks the order until the form is saved."""
        key = _key(object_id)
        if key is not None and request.method == "POST" and connection.in_atomic_block:
            Order.objects.select_for_update(no_key=True).filter(pk=key).values_list("pk").first()
        return super().get_object(request, object_id, from_field)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets without the fields that the user may not see.

        For a user who may only read the order, return none: the page shows the values itself.
        """
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        return _without(found, left_out(request, obj)) if self.has_change_permission(request, obj) else []

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Return the inline of the items if the user may change them. Its inputs contain prices."""
        sees_prices = obj is None or may_see_prices(request.user, obj.delivery_date)
        may_edit = sees_prices and self.has_change_permission(request, obj)
        return super().get_inlines(request, obj) if may_edit else ()

    def save_model(self, request: HttpRequest, obj: Order, form: BaseModelForm, change: bool) -> None:
        """Do nothing: the service also needs the items, and only `save_related` receives them."""

    def save_related(self, request: HttpRequest, form: Any, formsets: list[Any], change: bool) -> None:
        """Save the fields and the items with one service. If the user has entered a note, add it with a second service.

        Raise `_RefusedError` if a service refuses the change.
        """
        items = next((formset for formset in formsets if isinstance(formset, ItemFormSet)), None)
        try:
            _edit(request, form, items)
            if note := request.POST.get("note_text", "").strip():
                # The user may have entered a note without pressing its own button. The note must not be lost when the
                # order is saved.
                services.add_note(order_id=form.instance.pk, text=note, actor=staff_user(request))
        except NotAllowedError as refusal:
            raise _RefusedError(refusal) from refusal

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: list[Any], add: bool = False
    ) -> list[Any]:
        """Return the message for Django's admin log, without the items. Staff read the order's timeline instead."""
        return construct_change_message(form, [], add)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Show the page without the button “Save and add another”."""
        context["show_save_and_add_another"] = False
        if request.method == "POST" and "adminform" in context:
            context |= questions_context(request, _forms(context), form_id="order_form")
        if kwargs.get("obj") is not None:
            note_row(request, kwargs["obj"])
        return super().render_change_form(request, context, **kwargs)


def _forms(context: Mapping[str, Any]) -> list[Any]:
    """Return the forms of the page: the order's form, and the forms of the items that the user does not remove."""
    found = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        formset = inline.formset
        if formset.is_bound:
            found += [form for form in formset.forms if not formset._should_delete_form(form)]
    return found


def _edit(request: HttpRequest, form: OrderForm, items: ItemFormSet | None) -> None:
    """Save the changes. Raise `_DoubtfulError` if the sum becomes 0 and the user has not confirmed it."""
    changes = form.changes()
    lines = None
    sees_prices = may_see_prices(request.user, form.initial.get("delivery_date"))
    if items is not None and sees_prices and items.has_changed():
        lines = [line.snapshot() for line in items.kept_forms()]
    if changes or lines is not None:
        order = services.edit_order(
            order_id=form.instance.pk,
            changes=changes,
            items=lines,
            actor=staff_user(request),
            source=Source.ADMIN,
        )
        before = form.initial.get("total_amount")
        for doubt in unconfirmed(request.POST, [doubt_of_sum(order.total_amount) if before else None]):
            raise _DoubtfulError(doubt)


def left_out(request: HttpRequest, order: Order) -> frozenset[str]:
    """Return the fields of the form that this user may not see.

    An input would show a phone that somebody has typed into a text, so such a text is only shown, with a mask.
    """
    hidden = hidden_fields(request.user, order.delivery_date)
    if may_see_phones(request.user):
        return hidden
    # For a customer without a name, the field would show the phone.
    return hidden | {"customer"} | {name for name in TEXTS if has_phone(getattr(order, name))}


def _without(fieldsets: Any, names: frozenset[str]) -> list[Any]:
    """Return the fieldsets without the fields with these names. Leave out fieldsets that become empty."""
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
