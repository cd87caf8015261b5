"""The bulk actions and the buttons that assign orders to florists and couriers.

Each of them is a POST request, and services make the changes.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from cvety_crm.admin_site.features import POST, BulkAction, Feature
from cvety_crm.users import User, display_name, staff_user
from orders import services
from orders.admin.actions.bulk import chosen, run_bulk, too_many
from orders.admin.courier_texts import courier_texts_context
from orders.admin.delivery_panel import delivery_panel
from orders.admin.permissions import may_assign, may_make, may_release, may_see
from orders.admin.redirects import redirect_back
from orders.models import Courier, Order
from orders.services import NotAllowedError
from orders.services.bulk.actions import Action
from orders.values.staff import staff

NO_ONE = "none"
MOST_AT_ONCE = 200
"""The largest number of orders on one page with texts for couriers."""

_Act = Callable[..., Order]


class AssigneeForm(forms.Form):
    """A form with a choice of one person or of no one. It has no initial choice."""

    assignee = forms.ChoiceField(widget=UnfoldAdminSelectWidget())

    def __init__(self, data: Any, *, label: str, people: Iterable[tuple[Any, str]], no_one: str) -> None:
        super().__init__(data)
        field = self.fields["assignee"]
        assert isinstance(field, forms.ChoiceField)
        field.label = label
        field.choices = [("", gettext("Choose")), *((str(key), name) for key, name in people), (NO_ONE, no_one)]


class Assignment(Feature[Order]):
    """The buttons of one order, the bulk actions, and the panel on the order's page."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the buttons of one order."""
        return [
            self.view(f"<uuid:key>/{name}/", view, name=name, methods=POST, permission=permission)
            for name, view, permission in (
                ("release", self.release, may_release),
                ("florist", self.set_florist, may_assign),
                ("courier", self.set_courier, may_assign),
                ("notified", self.set_notified, may_assign),
            )
        ]

    def bulk_actions(self) -> list[BulkAction[Order]]:
        """Return the actions that assign the selected orders, and the action that shows texts for couriers."""
        return [
            BulkAction(self.take_selected, _("Take"), may_make),
            BulkAction(self.assign_florist_to_selected, _("Assign a florist…"), may_assign),
            BulkAction(self.assign_courier_to_selected, _("Assign a courier…"), may_assign),
            BulkAction(self.courier_texts_of_selected, _("Texts for couriers…"), may_see),
            BulkAction(self.mark_notified_selected, _("Couriers are notified"), may_assign),
        ]

    def page_context(self, request: HttpRequest, row: Order, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the context of the panel with the florist and the courier, as `delivery`."""
        panel = delivery_panel(row, request, may_make=may_make(request), may_assign=may_assign(request))
        return {"delivery": panel}

    # --- one order

    def release(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Remove the florist of one order. A user who may not assign orders can release only their own orders."""
        act: _Act = services.release_order
        if may_assign(request):
            act = partial(services.assign_florist, florist=None)
        return _change_one(request, key, act, gettext("Order № %(number)s is without a florist again."))

    def set_florist(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Assign one order to the chosen florist, or to no one."""
        florist = _florist(request.POST.get("florist", ""))
        act: _Act = partial(services.assign_florist, florist=florist)
        if "seen" in request.POST:
            act = partial(act, seen=_number(request.POST["seen"]))
        text = gettext("Order № %(number)s is without a florist again.")
        if florist is not None:
            text = gettext("Order № %(number)s: the florist is %(florist)s.")
        return _change_one(request, key, act, text, florist=display_name(florist))

    def set_courier(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Assign one order to the chosen courier, or to no one."""
        courier = _courier(request.POST.get("courier", ""))
        act: _Act = partial(services.assign_courier, courier=courier)
        if "seen" in request.POST:
            act = partial(act, seen=_key(request.POST["seen"]))
        text = gettext("Order № %(number)s has no courier now.")
        if courier is not None:
            text = gettext("Order № %(number)s: the courier is %(courier)s.")
        return _change_one(request, key, act, text, courier=courier.name if courier else "")

    def set_notified(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Record whether the courier of one order has been notified."""
        is_notified = request.POST.get("notified") == "1"
        act = services.mark_courier_notified if is_notified else services.unmark_courier_notified
        text = gettext("Order № %(number)s: the courier is notified.")
        if not is_notified:
            text = gettext("Order № %(number)s: the courier is not notified yet.")
        return _change_one(request, key, act, text)

    # --- many orders

    def take_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Assign the user as florist to those of the selected orders that have no florist."""
        return run_bulk(request, queryset, Action.TAKE, gettext("Taken: %(count)s."))

    def assign_florist_to_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Show a form with a choice of florists. If the form is valid, assign the selected orders."""
        people = {str(user.pk): user for user in staff()}
        form = AssigneeForm(
            request.POST if "apply" in request.POST else None,
            label=gettext("Florist"),
            people=[(key, display_name(user)) for key, user in people.items()],
            no_one=gettext("No one: available to every florist"),
        )
        if not form.is_valid():
            return self._ask(request, queryset, form, "assign_florist_to_selected", gettext("Assign a florist"))
        florist = people.get(form.cleaned_data["assignee"])
        text = gettext("Without a florist now: %(count)s.")
        if florist is not None:
            text = gettext("Given to %(name)s: %(count)s.")
        text = text.replace("%(name)s", _escaped(display_name(florist)))
        return run_bulk(request, queryset, Action.FLORIST, text, florist=florist.pk if florist else None)

    def assign_courier_to_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Show a form with a choice of couriers. If the form is valid, assign the selected orders."""
        people = {str(courier.pk): courier for courier in Courier.objects.filter(is_active=True)}
        form = AssigneeForm(
            request.POST if "apply" in request.POST else None,
            label=gettext("Courier"),
            people=[(key, courier.name) for key, courier in people.items()],
            no_one=gettext("No one yet"),
        )
        if not form.is_valid():
            return self._ask(request, queryset, form, "assign_courier_to_selected", gettext("Assign a courier"))
        courier = people.get(form.cleaned_data["assignee"])
        text = gettext("Without a courier now: %(count)s.")
        if courier is not None:
            text = gettext("Given to %(name)s: %(count)s.")
        text = text.replace("%(name)s", _escaped(courier.name if courier else ""))
        return run_bulk(request, queryset, Action.COURIER, text, courier=str(courier.pk) if courier else None)

    def mark_notified_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Record that the couriers of the selected orders have been notified."""
        return run_bulk(request, queryset, Action.NOTIFIED, gettext("Couriers notified: %(count)s."))

    def courier_texts_of_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Show the page with the texts for couriers about the selected orders, grouped by day and courier."""
        keys = list(queryset.order_by().values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(keys) > MOST_AT_ONCE:
            too_many(request, MOST_AT_ONCE)
            return None
        context = courier_texts_context(request, self.model_admin.get_queryset(request), keys)
        context["may_assign"] = may_assign(request)
        return self.render(request, "orders/courier_texts.html", gettext("Texts for couriers"), context)

    def _ask(
        self, request: HttpRequest, queryset: QuerySet[Order], form: AssigneeForm, action_name: str, title: str
    ) -> HttpResponse | None:
        found = chosen(request, queryset.select_related("status", "responsible", "courier"))
        is_courier = action_name == "assign_courier_to_selected"
        return self.render(
            request,
            "orders/assign.html",
            title,
            {
                "chosen": found,
                "rows": [
                    (order, order.courier.name if order.courier else "") if is_courier
                    else (order, display_name(order.responsible))
                    for order in found.orders
                ],
                "form": form,
                "action_name": action_name,
                "no_couriers": is_courier and not Courier.objects.filter(is_active=True).exists(),
                "list_url": request.get_full_path(),
            },
        )  # fmt: skip


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _change_one(request: HttpRequest, key: UUID, act: _Act, text: str, **values: str) -> HttpResponse:
    number = Order.objects.filter(pk=key).values_list("order_number", flat=True).first()
    if number is None:
        raise Http404
    try:
        act(order_id=key, actor=staff_user(request))
    except NotAllowedError as refusal:
        messages.error(request, f"№ {number}: {refusal}")
    else:
        messages.success(request, text % {"number": number, **values})
    return redirect_back(request, reverse("admin:orders_order_change", args=[key]), changed=[key])


def _florist(value: str) -> User | None:
    """Return the member of staff with this primary key, or None for an empty string.

    Raise `Http404` for an unknown key.
    """
    key = _number(value)
    if key is None:
        return None
    florist = User.objects.filter(pk=key, is_staff=True).first()
    if florist is None:
        raise Http404
    return florist


def _courier(value: str) -> Courier | None:
    """Return the courier with this primary key, or None for an empty string. Raise `Http404` for an unknown key."""
    key = _key(value)
    if key is None:
        return None
    courier = Courier.objects.filter(pk=key).first()
    if courier is None:
        raise Http404
    return courier


def _number(value: str) -> int | None:
    if value and not (value.isdecimal() and len(value) < 10):
        raise Http404
    return int(value) if value else None


def _key(value: str) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        raise Http404 from None
