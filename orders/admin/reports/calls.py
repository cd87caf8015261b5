"""The page of customers to call, with the record of who was called and the reminders in WhatsApp."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cvety_crm.admin_site.base import PeekPaginator
from cvety_crm.formatting import short_moment
from cvety_crm.users import display_name, staff_user
from orders import services
from orders.admin.messages import reminder_panel
from orders.admin.people import person
from orders.admin.permissions import may_add, may_write_to_people
from orders.admin.redirects import redirect_back
from orders.admin.reports.page import may_see_reports
from orders.exceptions import NotAllowedError
from orders.export.tables import TABLES
from orders.export.tables.calls import call_table_key
from orders.models import CallReason, Customer, CustomerCall, Order
from orders.presentation.formatting import full_day, money, number
from orders.presentation.links import call_url
from orders.presentation.phones import phone_text
from orders.rules.visibility import may_see_phones, may_see_prices, shown_text
from orders.selectors import calls as selectors
from orders.selectors.calls import DEFAULT_DAYS, MOST_DAYS, CallList

SHOWN = 50
LONGEST_CARD = 100
SPANS = {CallReason.AWAY: (30, 60, 90, 180), CallReason.BIRTHDAY: (0, 7, 14, 30), CallReason.LAST_YEAR: (7, 14, 30)}
"""The numbers of days that the page offers for each list. The second one is chosen first, of last year the first."""


def _export_table(request: HttpRequest, choice: CallList) -> str:
    key = call_table_key(choice.reason)
    return key if TABLES[key].may_export(request.user) else ""


def _url(choice: CallList, **changed: str) -> str:
    """Return the query string of a list with some parameters changed."""
    given = {"by": choice.reason.value, "days": str(choice.days), **({"open": "yes"} if choice.is_open else {})}
    return "?" + urlencode({name: value for name, value in {**given, **changed}.items() if value})


@never_cache
@require_safe
def calls_page(request: HttpRequest) -> HttpResponse:
    """Show the customers to call. Raise `PermissionDenied` if the user may not see them."""
    _check(request)
    choice = CallList.of(request.GET)
    pairs, page = _read(request, choice)
    called = selectors.calls_to([customer.pk for customer, _order in pairs], services.CALLED_FOR)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Customers to call"),
        "lists": [
            {"label": capfirst(reason.label), "url": _url(CallList(reason, DEFAULT_DAYS[reason], choice.is_open)),
             "is_current": reason == choice.reason}
            for reason in CallReason
        ],
        "spans": [
            {"label": _span_text(choice.reason, days), "url": _url(choice, days=str(days)),
             "is_current": days == choice.days}
            for days in SPANS[choice.reason]
        ],
        "choice": choice,
        "days_label": _days_label(choice.reason),
        "longest": MOST_DAYS[choice.reason],
        "all_url": _url(choice, open=""),
        "open_url": _url(choice, open="yes"),
        "rows": [_row(request, customer, order, called) for customer, order in pairs],
        "reason": choice.reason.value,
        "may_record": may_record_calls(request),
        "page": page,
        "page_url": _url(choice),
        "longest_note": services.LONGEST_CALL_NOTE,
        "notes": _notes(),
        "export_table": _export_table(request, choice),
    }  # fmt: skip
    return TemplateResponse(request, "orders/reports/calls.html", context)


@never_cache
@require_safe
def reminders_page(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show the reminders to the customer of an order. Raise `Http404` if there is no such order or customer."""
    _check(request)
    if not may_write_to_people(request):
        raise PermissionDenied
    columns = ("customer", "status", "delivery_slot", "city", "shop", "courier")
    order = Order.objects.select_related(*columns).defer("search").filter(pk=key, customer__isnull=False).first()
    if order is None or order.customer is None:
        raise Http404
    known = selectors.calls_to([order.customer.pk], services.CALLED_FOR)
    reason = request.GET.get("by", "")
    context = {
        **admin.site.each_context(request),
        "title": gettext("Remind the customer"),
        "row": _row(request, order.customer, order, known),
        "reason": reason if reason in CallReason.values else CallReason.AWAY.value,
        "may_record": may_record_calls(request),
        "message_panel": reminder_panel(order, request.user),
        "longest_note": services.LONGEST_CALL_NOTE,
    }
    return TemplateResponse(request, "orders/reports/reminders.html", context)


@never_cache
@require_POST
def record_call(request: HttpRequest, key: UUID) -> HttpResponse:
    """Record a call to a customer. Raise `Http404` if there is no such customer."""
    _check_may_record(request)
    try:
        services.record_call(
            customer_id=key,
            reason=request.POST.get("reason", ""),
            note=request.POST.get("note", ""),
            actor=staff_user(request),
        )
    except Customer.DoesNotExist:
        raise Http404 from None
    except NotAllowedError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, gettext("Recorded: the customer was called."))
    return redirect_back(request, reverse("calls"))


@never_cache
@require_POST
def undo_call(request: HttpRequest, key: UUID) -> HttpResponse:
    """Undo the record of a call. Raise `Http404` if there is no such call."""
    _check_may_record(request)
    try:
        services.undo_call(call_id=key)
    except CustomerCall.DoesNotExist:
        raise Http404 from None
    messages.success(request, gettext("Undone: the customer counts as not called."))
    return redirect_back(request, reverse("calls"))


def may_record_calls(request: HttpRequest) -> bool:
    """Return whether the user may record calls to customers."""
    return request.user.has_perm("orders.add_customercall")


def may_open_calls(request: HttpRequest) -> bool:
    """Return whether the user may open the page of customers to call."""
    return may_see_reports(request) and request.user.has_perm("orders.view_customer")


def _check(request: HttpRequest) -> None:
    if not may_open_calls(request):
        raise PermissionDenied


def _check_may_record(request: HttpRequest) -> None:
    _check(request)
    if not may_record_calls(request):
        raise PermissionDenied


def _read(request: HttpRequest, choice: CallList) -> tuple[list[tuple[Customer, Order | None]], Any]:
    """Return the customers of the rows, each with the last order or with the one of last year, and the page."""
    found = choice.rows(by_total=may_see_prices(request.user, None), called_for=services.CALLED_FOR)
    page = PeekPaginator(found, SHOWN).page(request.GET.get("page", 1))
    return choice.with_orders(page), page


def _row(
    request: HttpRequest, customer: Customer, order: Order | None, called: Mapping[UUID, CustomerCall]
) -> dict[str, Any]:
    user = request.user
    call = called.get(customer.pk)
    caller = (display_name(call.caller) if call else "") or gettext("somebody")
    return {
        "customer": person(request, customer),
        "phone": phone_text(user, customer.phone, customer.other_phones),
        "call_url": call_url(customer.phone) if may_see_phones(user) else "",
        "birthday": _birthday(customer),
        "count": number(customer.orders_count),
        "sum": money(customer.orders_total) if may_see_prices(user, None) and customer.orders_total else "",
        "order": None if order is None else _order(request, order),
        "remind_url": reverse("calls_reminders", args=[order.pk]) if order and may_write_to_people(request) else "",
        "repeat_url": f"{reverse('admin:orders_order_add')}?from={order.pk}" if order and may_add(request) else "",
        "call": None if call is None else {
            "who": f"{caller}, {short_moment(call.created_at)}",
            "note": shown_text(user, call.note),
            "undo_url": reverse("calls_undo", args=[call.pk]),
        },
        "record_url": reverse("calls_record", args=[customer.pk]),
    }  # fmt: skip


def _order(request: HttpRequest, order: Order) -> dict[str, Any]:
    # A list reads only the beginning of the postcard.
    card = " ".join((order.card if hasattr(order, "card") else order.postcard_text).split())
    recipient = "" if order.is_unknown("recipient_name") else order.recipient_name
    return {
        "number": order.order_number,
        "url": reverse("admin:orders_order_change", args=[order.pk]),
        "day": full_day(order.delivery_date) if order.delivery_date else gettext("no date"),
        "recipient": shown_text(request.user, Truncator(recipient).chars(60)),
        "card": shown_text(request.user, Truncator(card).chars(LONGEST_CARD)),
    }


def _birthday(customer: Customer) -> str:
    return "" if customer.birthday is None else f"{customer.birthday:%d.%m}"


def _span_text(reason: CallReason, days: int) -> str:
    if reason == CallReason.AWAY:
        return gettext("%(days)s days and more") % {"days": days}
    if days == 0:
        return gettext("today")
    return gettext("%(days)s days ahead") % {"days": days}


def _days_label(reason: CallReason) -> str:
    return gettext("Days without an order") if reason == CallReason.AWAY else gettext("Days ahead")


def _notes() -> tuple[str, ...]:
    return (
        gettext("Not seen for a while: customers with an order that is not cancelled, and none since then."),
        gettext("Birthdays: only those that staff have entered on the page of the customer. The site sends none."),
        gettext(
            "Ordered last year: orders with a delivery date from 3 days ago until the chosen day, a year before. They "
            "are left out if the customer has an order this year within two weeks of the same date."
        ),
        gettext("The number and the sum of the orders are those of the list of customers, without cancelled orders."),
        gettext("A customer counts as called for 30 days, in all lists. The mark can be undone."),
    )
