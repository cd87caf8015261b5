"""The page “Pay systems”, on which staff choose the payment method of each pay system of the site."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext, ngettext

from cvety_crm.admin_site.features import POST, READ, Feature
from cvety_crm.formatting import short_moment
from cvety_crm.users import display_name, staff_user
from orders import services
from orders.models import PaymentMethod, PaySystem
from orders.selectors.pay_systems import UsedPaySystem, used_pay_systems
from orders.services import MethodChoice, NotAllowedError

UNKNOWN = "unknown"
"""The value of the button that removes the choice."""


def may_choose(request: HttpRequest) -> bool:
    """Return whether the user may change pay systems."""
    return request.user.has_perm("orders.change_paysystem")


def may_read(request: HttpRequest) -> bool:
    """Return whether the user may view pay systems."""
    return request.user.has_perm("orders.view_paysystem") or may_choose(request)


class PaymentMethods(Feature[PaySystem]):
    """The page, and the action of its buttons."""

    template = "orders/pay_systems_link.html"

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the page and of its buttons."""
        return [
            self.view("methods/", self.page, name="methods", methods=READ, permission=may_read),
            self.view("methods/choose/", self.choose, name="choose", methods=POST, permission=may_choose),
        ]

    def list_context(self, request: HttpRequest, changelist: Any) -> dict[str, Any]:
        """Return the URL of the page for the list of pay systems."""
        return {"pay_systems_url": reverse("admin:orders_paysystem_methods")}

    def page(self, request: HttpRequest) -> HttpResponse:
        """Show the pay systems with their names, orders and payment methods, those without a method first."""
        rows = [_row(one, may=may_choose(request)) for one in used_pay_systems()]
        return self.render(
            request,
            "orders/pay_systems.html",
            gettext("Payment methods of the pay systems"),
            {
                "undecided": [row for row in rows if row["row"].is_undecided],
                "decided": [row for row in rows if not row["row"].is_undecided],
                "choose_url": reverse("admin:orders_paysystem_choose"),
                "list_url": reverse("admin:orders_paysystem_changelist"),
                "unknown": UNKNOWN,
            },
        )

    def choose(self, request: HttpRequest) -> HttpResponse:
        """Choose the payment method whose button was pressed, and report how many orders have changed."""
        typed, choice = request.POST.get("system", ""), request.POST.get("method", "")
        try:
            outcome = services.choose_payment_method(
                bitrix_id=_number(typed),
                method="" if choice == UNKNOWN else choice or "?",
                actor=staff_user(request),
            )
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _message(outcome))
        return HttpResponseRedirect(reverse("admin:orders_paysystem_methods"))


def _number(typed: str) -> int:
    """Return the id of a pay system. A text that is no id stands for no pay system."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= 18 else 0


def _message(outcome: MethodChoice) -> str:
    method = outcome.system.get_payment_method_display() or gettext("unknown")
    texts = [
        gettext("Payment method of “%(name)s”: %(method)s.") % {"name": outcome.system, "method": method},
        ngettext("%(count)d order has changed.", "%(count)d orders have changed.", outcome.orders)
        % {"count": outcome.orders},
    ]
    if outcome.kept:
        text = ngettext(
            "%(count)d order keeps the method that staff have set.",
            "%(count)d orders keep the methods that staff have set.",
            outcome.kept,
        )
        texts.append(text % {"count": outcome.kept})
    return " ".join(texts)


def _row(one: UsedPaySystem, *, may: bool) -> dict[str, Any]:
    system = one.system
    methods = [{"value": method.value, "label": str(method.label)} for method in PaymentMethod]
    return {
        "row": one,
        "facts": _facts(one),
        "method": system.get_payment_method_display() or gettext("unknown"),
        "who": _who(system),
        "suggested": one.suggested.value if one.suggested and may else "",
        "suggested_label": str(one.suggested.label) if one.suggested else "",
        "methods": methods if may else [],
        "url": reverse("admin:orders_paysystem_change", args=[system.pk]),
    }


def _facts(one: UsedPaySystem) -> str:
    parts = [ngettext("%(counter)s order", "%(counter)s orders", one.orders) % {"counter": one.orders}]
    if one.unknown:
        text = ngettext("method unknown in %(count)s", "method unknown in %(count)s", one.unknown)
        parts.append(text % {"count": one.unknown})
    if not one.system.is_active:
        parts.append(gettext("no longer offered"))
    return ", ".join(parts)


def _who(system: PaySystem) -> str:
    """Return who has chosen the method and when, or where an unconfirmed method comes from."""
    if system.chosen_at is None:
        return gettext("from the setting, not confirmed by staff") if system.payment_method else ""
    who = display_name(system.chosen_by) if system.chosen_by else gettext("somebody")
    return gettext("chosen by %(who)s, %(when)s") % {"who": who, "when": short_moment(system.chosen_at)}
