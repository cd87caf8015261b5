"""The calls to a customer on the customer's page."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from cvety_crm.admin_site.base import first_rows
from cvety_crm.formatting import full_moment
from cvety_crm.users import display_name
from orders import services
from orders.admin.reports.calls import may_open_calls, may_record_calls
from orders.models import Customer
from orders.rules.visibility import shown_text
from orders.selectors.calls import calls_of

SHOWN = 30


def calls_context(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """Return the context of the block with the calls, the newest first, or an empty one if the user may not see it.

    As on the page of customers to call, a call can be undone as long as the customer counts as called.
    """
    if not request.user.has_perm("orders.view_customercall"):
        return {}
    calls, has_more = first_rows(calls_of(customer), SHOWN)
    may_open = may_open_calls(request)
    may_undo = may_open and may_record_calls(request)
    return {
        "customer_calls": [
            {
                "when": full_moment(call.created_at),
                "who": display_name(call.caller) or gettext("somebody"),
                "reason": call.get_reason_display(),
                "note": shown_text(request.user, call.note),
                "undo_url": reverse("calls_undo", args=[call.pk])
                if may_undo and services.counts_as_called(call)
                else "",
            }
            for call in calls
        ],
        "has_more_calls": has_more,
        "calls_url": reverse("calls") if may_open else "",
    }
