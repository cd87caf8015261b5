"""The metrics of the exchange with the site."""

from collections.abc import Iterator

from django.db.models import Count, Max, Min
from django.utils import timezone
from prometheus_client.core import Metric

from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.reconciliation.probes import DAY
from bitrix_bridge.reconciliation.recent import lost_webhooks
from cvety_crm.ops.metrics import gauge


def exchange_metrics() -> Iterator[Metric]:
    """Yield the events that are not processed, the age of the last event, and the events that were lost in a day."""
    now = timezone.now()
    open_events = WebhookEvent.objects.exclude(state=WebhookEvent.State.PROCESSED)
    rows = open_events.order_by().values_list("state").annotate(number=Count("pk"), oldest=Min("created_at"))
    found = {state: (number, (now - oldest).total_seconds()) for state, number, oldest in rows}
    states = [state.value for state in WebhookEvent.State if state != WebhookEvent.State.PROCESSED]
    numbers = [((state,), found.get(state, (0, 0.0))[0]) for state in states]
    ages = [((state,), max(found.get(state, (0, 0.0))[1], 0.0)) for state in states]
    yield gauge("webhook_events", "Stored webhooks that are not processed, by state.", numbers, "state")
    yield gauge("webhook_events_oldest_seconds", "The age of the oldest of them.", ages, "state")
    if last := WebhookEvent.objects.aggregate(last=Max("created_at"))["last"]:
        age = max((now - last).total_seconds(), 0.0)
        yield gauge("webhook_last_age_seconds", "The time since the last webhook.", [((), age)])
    lost = lost_webhooks(created_at__gte=now - DAY)
    yield gauge("webhooks_lost_in_a_day", "Orders that had to be fetched because no webhook came.", [((), lost)])
