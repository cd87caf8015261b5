"""The page on which couriers hand in the cash of a day."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cvety_crm.formatting import short_moment
from cvety_crm.users import display_name, staff_user
from orders import services
from orders.admin.lookup import uuid_or_404
from orders.admin.money.days import day_of, days_around
from orders.admin.money.sums import read_sum, sum_to_type
from orders.exceptions import NotAllowedError
from orders.models import Courier, CourierSettlement
from orders.presentation.formatting import full_day, money
from orders.presentation.payment import due_text
from orders.rules.payment import payment_of
from orders.rules.visibility import may_see_prices
from orders.selectors.money import Collected, collected_until
from orders.selectors.presets import DAY_PARAMETER


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def couriers_cash_page(request: HttpRequest) -> HttpResponse:
    """Show what the couriers have to hand in of today or of the day in `?date=`, and record what a courier hands in.

    Raise `PermissionDenied` if the user may not take the couriers' cash, or may not see the sums of the day.
    """
    if not request.user.has_perm("orders.add_couriersettlement"):
        raise PermissionDenied
    day = day_of(request)
    if not may_see_prices(request.user, day):
        raise PermissionDenied
    refused: Mapping[str, Any] = {}
    if request.method == "POST":
        try:
            made = _settle(request, day)
        except NotAllowedError as refusal:
            refused = {"courier": request.POST.get("courier"), "text": str(refusal), "typed": request.POST}
        else:
            messages.success(
                request,
                gettext("%(courier)s has handed in %(sum)s.") % {"courier": made.courier, "sum": money(made.handed_in)},
            )
            return HttpResponseRedirect(f"{reverse('couriers_cash')}?{urlencode({DAY_PARAMETER: day.isoformat()})}")
    found = collected_until(day)
    couriers = list(Courier.objects.filter(pk__in=found))
    settled = CourierSettlement.objects.filter(day=day).select_related("courier", "settled_by")
    context = {
        **admin.site.each_context(request),
        "title": gettext("Couriers' cash"),
        "days": [one for one in days_around(day) if may_see_prices(request.user, one["day"])],
        "day": day.isoformat(),
        "couriers": [
            _courier(courier, found[courier.pk][day], refused) for courier in couriers if day in found[courier.pk]
        ],
        "earlier": [
            _earlier(courier, on, found[courier.pk][on], request)
            for courier in couriers
            for on in sorted(found[courier.pk])
            if on != day
        ],
        "settled": [_settled(one) for one in settled],
    }
    return TemplateResponse(request, "orders/couriers_cash.html", context, status=422 if refused else 200)


def _earlier(courier: Courier, day: date, found: Collected, request: HttpRequest) -> dict[str, Any]:
    """Return the cash of an earlier day, with its sum and a link if the user may see the sums of that day."""
    sees_sums = may_see_prices(request.user, day)
    return {
        "courier": courier,
        "day": full_day(day),
        "sum": money(found.expected) if sees_sums else "",
        "url": f"{reverse('couriers_cash')}?{urlencode({DAY_PARAMETER: day.isoformat()})}" if sees_sums else "",
    }


def _settle(request: HttpRequest, day: date) -> CourierSettlement:
    courier = Courier.objects.filter(pk=uuid_or_404(request.POST.get("courier", ""))).first()
    if courier is None:
        raise Http404
    handed_in, seen = read_sum(request.POST.get("handed_in", "")), read_sum(request.POST.get("seen", ""))
    if handed_in is None or seen is None:
        raise NotAllowedError(gettext("Enter the sum that was handed in."), field="handed_in")
    return services.settle_courier(
        courier=courier,
        day=day,
        handed_in=handed_in,
        seen=seen,
        not_paid=[uuid_or_404(key) for key in request.POST.getlist("not_paid")],
        note=request.POST.get("note", ""),
        actor=staff_user(request),
    )


def _courier(courier: Courier, found: Collected, refused: Mapping[str, Any]) -> dict[str, Any]:
    is_refused = refused.get("courier") == str(courier.pk)
    typed = refused["typed"] if is_refused else QueryDict()
    not_paid = set(typed.getlist("not_paid"))
    return {
        "courier": courier,
        "expected": found.expected,
        "expected_text": money(found.expected),
        "orders": [
            {
                "order": order,
                "due": payment_of(order).due,
                "due_text": due_text(payment_of(order)),
                "is_not_paid": str(order.pk) in not_paid,
                "url": reverse("admin:orders_order_change", args=[order.pk]),
            }
            for order in found.orders
        ],
        "payments": [
            {
                "order": payment.order,
                "sum": money(payment.amount),
                "is_correction": payment.corrects_id is not None,
                "url": reverse("admin:orders_order_change", args=[payment.order_id]),
            }
            for payment in found.payments
        ],
        "error": refused["text"] if is_refused else "",
        "handed_in": typed.get("handed_in", sum_to_type(found.expected)),
        "note": typed.get("note", ""),
    }


def _settled(one: CourierSettlement) -> dict[str, Any]:
    return {
        "courier": one.courier,
        "expected": money(one.expected),
        "handed_in": money(one.handed_in),
        "difference": money(one.difference) if one.difference else "",
        "note": one.note,
        "who": display_name(one.settled_by) if one.settled_by else gettext("somebody"),
        "when": short_moment(one.created_at),
    }
