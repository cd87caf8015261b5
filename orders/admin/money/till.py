"""The page on which the till of a day is counted and closed."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cvety_crm.formatting import short_moment
from cvety_crm.users import display_name, staff_user
from orders import services
from orders.admin.money.days import day_of, days_around
from orders.admin.money.sums import read_sum
from orders.exceptions import NotAllowedError
from orders.export.tables.payments import PAYMENTS
from orders.models import Payment, PaymentMethod, TillDay
from orders.presentation.formatting import money
from orders.selectors.money import after_closing, expected_in_till
from orders.selectors.presets import DAY_PARAMETER

UNKNOWN = "unknown"
"""The name of the input for money whose payment method is unknown."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def till_page(request: HttpRequest) -> HttpResponse:
    """Show the money of today or of the day in `?date=`, and close the till.

    Raise `PermissionDenied` if the user may not see tills, or for a POST if the user may not close them.
    """
    may_close = request.user.has_perm("orders.close_till")
    if not (may_close or (request.method != "POST" and request.user.has_perm("orders.view_tillday"))):
        raise PermissionDenied
    day, error = day_of(request), ""
    if request.method == "POST":
        try:
            _close(request, day)
        except NotAllowedError as refusal:
            error = str(refusal)
        else:
            messages.success(request, gettext("The till of the day is closed."))
            return HttpResponseRedirect(f"{reverse('till')}?{urlencode({DAY_PARAMETER: day.isoformat()})}")
    till = TillDay.objects.select_related("closed_by").prefetch_related("counts").filter(day=day).first()
    context = {
        **admin.site.each_context(request),
        "title": gettext("Day's till"),
        "days": days_around(day),
        "day": day.isoformat(),
        "may_close": may_close and till is None and day <= timezone.localdate(),
        "error": error,
        "export_table": PAYMENTS.key if PAYMENTS.may_export(request.user) else "",
        "export_query": urlencode({"from": day.isoformat(), "to": day.isoformat()}),
        "note": request.POST.get("note", "") if error else "",
        **(_closed(till) if till else _open(expected_in_till(day), request.POST if error else {})),
    }
    return TemplateResponse(request, "orders/till.html", context, status=422 if error else 200)


def _close(request: HttpRequest, day: date) -> None:
    names = {method: method or UNKNOWN for method in ("", *PaymentMethod.values)}
    counted = {
        method: read_sum(request.POST[f"counted_{name}"])
        for method, name in names.items()
        if request.POST.get(f"counted_{name}", "").strip()
    }
    seen = {
        method: read_sum(request.POST[f"seen_{name}"])
        for method, name in names.items()
        if f"seen_{name}" in request.POST
    }
    if any(value is None for value in (*counted.values(), *seen.values())):
        raise NotAllowedError(gettext("Enter the counted sums as numbers."))
    services.close_till(
        day=day,
        counted={method: value for method, value in counted.items() if value is not None},
        seen={method: value for method, value in seen.items() if value is not None},
        note=request.POST.get("note", ""),
        actor=staff_user(request),
    )


def _label(method: str) -> str:
    return str(dict(PaymentMethod.choices).get(method, gettext("method unknown")))


def _open(expected: Mapping[str, Decimal], typed: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        {
            "label": _label(method),
            "name": method or UNKNOWN,
            "expected": sum_,
            "expected_text": money(sum_),
            "counted": typed.get(f"counted_{method or UNKNOWN}", ""),
        }
        for method, sum_ in sorted(expected.items())
    ]
    return {"rows": rows, "total": money(sum(expected.values(), Decimal(0)))}


def _closed(till: TillDay) -> dict[str, Any]:
    counts = list(till.counts.all())
    return {
        "till": till,
        "who": display_name(till.closed_by) if till.closed_by else gettext("somebody"),
        "when": short_moment(till.closed_at),
        "rows": [
            {
                "label": _label(one.method),
                "expected_text": money(one.expected),
                "counted_text": money(one.counted),
                "difference": money(one.counted - one.expected) if one.counted != one.expected else "",
            }
            for one in counts
        ],
        "total": money(sum((one.expected for one in counts), Decimal(0))),
        "counted_total": money(sum((one.counted for one in counts), Decimal(0))),
        "later": [_later(payment) for payment in after_closing(till)],
    }


def _later(payment: Payment) -> dict[str, Any]:
    return {
        "order": payment.order,
        "sum": money(payment.amount),
        "label": _label(payment.method),
        "reason": payment.reason,
        "who": display_name(payment.taken_by) if payment.taken_by else payment.get_source_display(),
        "when": short_moment(payment.created_at),
        "url": reverse("admin:orders_order_change", args=[payment.order_id]),
    }
