"""What the exchange with the site has stored about a customer: the site's events, and the requests to the site."""

from typing import Any

from django.db.models import Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Lower

from bitrix_bridge.models import Difference, ImportRow, Push, PushAttempt, WebhookEvent
from bitrix_bridge.payloads.without_people import without_people
from orders.events import CustomerData

BATCH = 200
"""The number of events whose payloads are in memory at the same time."""


def data_of(customer: CustomerData) -> dict[str, list[dict[str, Any]]]:
    """Return the site's events and the requests to the site that are about the customer or the customer's orders."""
    events = (_of_orders(customer) | _of_accounts(customer)).order_by("created_at")
    pushes = Push.objects.filter(order__in=customer.orders).order_by("created_at")
    return {
        "events_of_the_site": [
            dict(row) for row in events.values("created_at", "event", "object_id", "payload", "problems")
        ],
        "requests_to_the_site": [
            dict(row) for row in pushes.values("created_at", "order_id", "fields", "request", "last_error")
        ],
    }


def erase(customer: CustomerData) -> None:
    """Remove what the events and the requests say about people. An event that is not processed yet still can be.

    A request that was refused and contains a phone or an e-mail address of the customer is deleted.
    """
    changed = []
    for row in _of_orders(customer).iterator(chunk_size=BATCH):
        forget(row)
        changed.append(row)
    WebhookEvent.objects.bulk_update(changed, ["payload", "problems", "error", "traceback"], batch_size=BATCH)
    _of_accounts(customer).update(payload={}, problems=[], error="", traceback="")
    _refused_with(customer).delete()
    pushes = Push.objects.filter(order__in=customer.orders)
    PushAttempt.objects.filter(entry__in=pushes).update(answer="")
    pushes.update(request={}, last_error="")
    Difference.objects.filter(order__in=customer.orders).update(why="")
    ImportRow.objects.filter(bitrix_order_id__in=customer.site_orders).update(reasons=[])


def forget(row: WebhookEvent) -> None:
    """Remove from an event what it says about people. The row is not saved."""
    row.payload, row.problems = without_people(row.payload), []
    row.error, row.traceback = "", ""


def _of_orders(customer: CustomerData) -> QuerySet[WebhookEvent]:
    of_site = Q(event__istartswith="order.", object_id__in=customer.site_orders)
    return WebhookEvent.objects.filter(of_site | Q(order__in=customer.orders))


def _of_accounts(customer: CustomerData) -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(event__istartswith="user.", object_id__in=customer.accounts)


def _refused_with(customer: CustomerData) -> QuerySet[WebhookEvent]:
    """Return the requests that could not be read and contain a trace of the customer. They name no order."""
    text = Lower(Cast("payload", TextField()))
    digits = Func(text, Value(r"\D"), Value(""), Value("g"), function="regexp_replace", output_field=TextField())
    condition = Q(pk=None)
    for trace in customer.traces:
        condition |= Q(digits__contains=trace) if trace.isdigit() else Q(text__contains=trace)
    refused = WebhookEvent.objects.filter(action=WebhookEvent.Action.REFUSED)
    return refused.annotate(text=text, digits=digits).filter(condition)
