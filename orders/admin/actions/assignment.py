"""Taking and giving orders from the pages: bulk actions of the list, and addresses for the buttons of one order.

All of it by POST, all by the services.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from orders import services
from orders.admin.actions.status import MOST_AT_ONCE, tell_refusals, too_many
from orders.admin.courier_texts import courier_texts_page
from orders.admin.delivery_panel import delivery_panel
from orders.admin.redirects import go_back
from orders.models import Courier, Order
from orders.services import NotAllowed
from orders.values.staff import display_name, staff

NOBODY = "nobody"

_Act = Callable[..., Order]


def may_assign(user: User | AnonymousUser) -> bool:
    """Return whether the user gives orders to florists and couriers: a right of its own, or that of changing orders."""
    return user.has_perm("orders.assign_order") or user.has_perm("orders.change_order")


class WhomForm(forms.Form):
    """One of these people, or nobody, which has to be chosen as well."""

    whom = forms.ChoiceField(widget=UnfoldAdminSelectWidget())

    def __init__(self, data: Any, *, label: str, people: Iterable[tuple[Any, str]], nobody: str) -> None:
        super().__init__(data)
        field = self.fields["whom"]
        assert isinstance(field, forms.ChoiceField)
        field.label = label
        field.choices = [("", gettext("Choose")), *((str(key), name) for key, name in people), (NOBODY, nobody)]


class AssignmentActions:
    """For the order's ModelAdmin to mix in."""

    def has_assign_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user gives orders to others."""
        may_see = self.has_view_or_change_permission(request)  # type: ignore[attr-defined]
        return may_see and may_assign(request.user)

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the buttons of one order."""
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path(f"<uuid:key>/{name}/", wrap(require_POST(view)), name=f"orders_order_{name}")
            for name, view in (
                ("take", self.take),
                ("release", self.release),
                ("florist", self.set_florist),
                ("courier", self.set_courier),
                ("told", self.set_told),
            )
        ] + super().get_urls()  # type: ignore[misc]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Add what the order's page says of florist and courier."""
        order = kwargs.get("obj")
        if isinstance(order, Order):
            context["delivery"] = delivery_panel(
                order,
                request,
                may_take=self.has_change_status_permission(request),  # type: ignore[attr-defined]
                may_assign=self.has_assign_permission(request),
            )
        return super().render_change_form(request, context, **kwargs)  # type: ignore[misc]

    # --- one order

    def take(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Make an order the user's."""
        may = self.has_change_status_permission(request)  # type: ignore[attr-defined]
        return self._one(request, key, may, services.take_order, gettext("Order № %(number)s is yours."))

    def release(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Give the user's order back to everybody; whoever assigns orders may do so with anybody's."""
        act: _Act = services.release_order
        if self.has_assign_permission(request):
            act = partial(services.assign_florist, florist=None)
        may = self.has_change_status_permission(request)  # type: ignore[attr-defined]
        may = may or self.has_assign_permission(request)
        return self._one(request, key, may, act, gettext("Order № %(number)s is without a florist again."))

    def set_florist(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Give one order to the chosen florist, or back to everybody."""
        florist = _florist(request.POST.get("florist", ""))
        act: _Act = partial(services.assign_florist, florist=florist)
        if "seen" in request.POST:
            act = partial(act, seen=_number(request.POST["seen"]))
        text = gettext("Order № %(number)s is without a florist again.")
        if florist is not None:
            text = gettext("Order № %(number)s: the florist is %(florist)s.")
        return self._one(request, key, self.has_assign_permission(request), act, text, florist=display_name(florist))

    def set_courier(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Give one order to the chosen courier, or to nobody."""
        courier = _courier(request.POST.get("courier", ""))
        act: _Act = partial(services.assign_courier, courier=courier)
        if "seen" in request.POST:
            act = partial(act, seen=_key(request.POST["seen"]))
        text = gettext("Order № %(number)s has no courier now.")
        if courier is not None:
            text = gettext("Order № %(number)s: the courier is %(courier)s.")
        may = self.has_assign_permission(request)
        return self._one(request, key, may, act, text, courier=courier.name if courier else "")

    def set_told(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Note that the courier of one order was told, or that he was not."""
        is_told = request.POST.get("told") == "1"
        act = services.mark_courier_told if is_told else services.unmark_courier_told
        text = gettext("Order № %(number)s: the courier is told.")
        if not is_told:
            text = gettext("Order № %(number)s: the courier is not told yet.")
        return self._one(request, key, self.has_assign_permission(request), act, text)

    def _one(self, request: HttpRequest, key: UUID, may: bool, act: _Act, text: str, **words: str) -> HttpResponse:
        if not may:
            raise PermissionDenied
        number = Order.objects.filter(pk=key).values_list("order_number", flat=True).first()
        if number is None:
            raise Http404
        try:
            act(order_id=key, actor=request.user)
        except NotAllowed as refusal:
            messages.error(request, f"№ {number}: {refusal}")
        else:
            messages.success(request, text % {"number": number, **words})
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Refresh": "true"})
        return go_back(request, reverse("admin:orders_order_change", args=[key]))

    # --- many orders

    @action(description=_("Take"), permissions=["change_status"])
    def take_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Make the selected orders the user's, those that nobody has."""
        self._many(request, queryset, services.take_order, gettext("Taken: %(count)s."))

    @action(description=_("Assign a florist…"), permissions=["assign"])
    def assign_florist_to_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Ask for the florist, then give him the selected orders."""
        people = {str(user.pk): user for user in staff()}
        form = WhomForm(
            request.POST if "apply" in request.POST else None,
            label=gettext("Florist"),
            people=[(key, display_name(user)) for key, user in people.items()],
            nobody=gettext("Nobody: back to everybody"),
        )
        if not form.is_valid():
            return self._ask(request, queryset, form, "assign_florist_to_selected", gettext("Assign a florist"))
        florist = people.get(form.cleaned_data["whom"])
        text = gettext("Without a florist now: %(count)s.")
        if florist is not None:
            text = gettext("Given to %(name)s: %(count)s.")
        act = partial(services.assign_florist, florist=florist)
        self._many(request, queryset, act, text, name=display_name(florist))
        return None

    @action(description=_("Assign a courier…"), permissions=["assign"])
    def assign_courier_to_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Ask for the courier, then give him the selected orders."""
        people = {str(courier.pk): courier for courier in Courier.objects.filter(is_active=True)}
        form = WhomForm(
            request.POST if "apply" in request.POST else None,
            label=gettext("Courier"),
            people=[(key, courier.name) for key, courier in people.items()],
            nobody=gettext("Nobody yet"),
        )
        if not form.is_valid():
            return self._ask(request, queryset, form, "assign_courier_to_selected", gettext("Assign a courier"))
        courier = people.get(form.cleaned_data["whom"])
        text = gettext("Without a courier now: %(count)s.")
        if courier is not None:
            text = gettext("Given to %(name)s: %(count)s.")
        act = partial(services.assign_courier, courier=courier)
        self._many(request, queryset, act, text, name=courier.name if courier else "")
        return None

    @action(description=_("Couriers are told"), permissions=["assign"])
    def mark_told_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Note that the couriers of the selected orders were told."""
        self._many(request, queryset, services.mark_courier_told, gettext("Couriers told: %(count)s."))

    @action(description=_("Texts for couriers…"), permissions=["view"])
    def courier_texts_of_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Show the texts of the selected orders, by courier."""
        keys = list(queryset.order_by().values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(keys) > MOST_AT_ONCE:
            too_many(request)
            return None
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "opts": self.model._meta,  # type: ignore[attr-defined]
            "may_assign": self.has_assign_permission(request),
        }
        return courier_texts_page(request, self.get_queryset(request), keys, context)  # type: ignore[attr-defined]

    def _ask(
        self, request: HttpRequest, queryset: QuerySet[Order], form: WhomForm, action_name: str, title: str
    ) -> HttpResponse | None:
        orders = list(queryset.select_related("status", "responsible", "courier")[: MOST_AT_ONCE + 1])
        if len(orders) > MOST_AT_ONCE:
            too_many(request)
            return None
        is_courier = action_name == "assign_courier_to_selected"
        return TemplateResponse(
            request,
            "orders/assign.html",
            {
                **self.admin_site.each_context(request),  # type: ignore[attr-defined]
                "title": title,
                "opts": self.model._meta,  # type: ignore[attr-defined]
                "rows": [
                    (order, order.courier.name if order.courier else "") if is_courier
                    else (order, display_name(order.responsible))
                    for order in orders
                ],
                "form": form,
                "action_name": action_name,
                "no_couriers": is_courier and not Courier.objects.filter(is_active=True).exists(),
                "checkbox_name": helpers.ACTION_CHECKBOX_NAME,
                "list_url": request.get_full_path(),
            },
        )  # fmt: skip

    def _many(self, request: HttpRequest, queryset: QuerySet[Order], act: _Act, text: str, **words: str) -> None:
        chosen = list(queryset.order_by("created_at").values_list("pk", "order_number")[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            too_many(request)
            return
        done, refused = 0, []
        for key, number in chosen:
            try:
                act(order_id=key, actor=request.user)
            except NotAllowed as refusal:
                refused.append(f"№ {number}: {refusal}")
            else:
                done += 1
        if done:
            messages.success(request, text % {"count": done, **words})
        tell_refusals(request, refused)


def _florist(value: str) -> User | None:
    """Return the member of staff with this key from a form; None for nobody. Raises `Http404`."""
    key = _number(value)
    if key is None:
        return None
    florist = User.objects.filter(pk=key, is_staff=True).first()
    if florist is None:
        raise Http404
    return florist


def _courier(value: str) -> Courier | None:
    """Return the courier with this key from a form; None for nobody. Raises `Http404`."""
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
