"""The comparison of the orders that the site saved lately, which finds lost webhooks within ten minutes.

It starts every five minutes and usually needs one request to the site. An order that differs while its webhook may
still be under way is left to the next comparison.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from bitrix_bridge.models import Difference, Reconciliation, WebhookEvent
from bitrix_bridge.reconciliation.comparison import VERSION
from bitrix_bridge.site_client.transports import SiteClient
from cvety_crm.long_runs.engine import State

PERIOD = timedelta(minutes=5)
LOOKED_BACK = timedelta(hours=1)
LONGEST_LOOKED_BACK = timedelta(days=1)
"""The longest time that is looked back after failed comparisons. The hourly comparison finds what is older."""
SETTLED = timedelta(minutes=2)
"""The time after which the webhook of a saved order should have arrived."""
_NOT_PROCESSED = (WebhookEvent.State.QUEUED, WebhookEvent.State.WAITING)


def recent_runs() -> QuerySet[Reconciliation]:
    """Return the comparisons of recent orders."""
    return Reconciliation.objects.filter(origin=Reconciliation.Origin.RECENT)


def is_due() -> bool:
    """Return whether the last comparison of recent orders was started so long ago that the next one is due."""
    # The worker asks each minute, and a job may start a few seconds early.
    before = timezone.now() - PERIOD + timedelta(seconds=15)
    return not recent_runs().filter(started_at__gt=before).exists()


def compared_since() -> datetime:
    """Return the time since which orders must be compared: an hour, and more if the last comparisons have failed."""
    now = timezone.now()
    done = recent_runs().filter(state=State.DONE).order_by("-started_at").values_list("started_at", flat=True).first()
    since = min(now - LOOKED_BACK, (done or now) - PERIOD)
    return max(since, now - LONGEST_LOOKED_BACK)


def forget_quiet_runs() -> None:
    """Delete earlier comparisons of recent orders that have found nothing. The newest complete one is kept."""
    ended = recent_runs().exclude(state=State.RUNNING)
    newest = ended.filter(state=State.DONE).order_by("-started_at").values_list("pk", flat=True)[:1]
    quiet = ended.filter(differences=0, started_at__lt=timezone.now() - PERIOD / 2)
    quiet.exclude(pk__in=list(newest)).delete()


def events_under_way(run: Reconciliation, client: SiteClient, ids: Collection[int]) -> set[int]:
    """Return the ids on the site of those orders whose webhooks may still arrive, or have arrived and wait.

    For other comparisons the result is empty.
    """
    if run.origin != Reconciliation.Origin.RECENT or not ids:
        return set()
    just_saved = client.list_orders(since=run.started_at - SETTLED, after_id=min(ids) - 1)
    waiting = WebhookEvent.objects.filter(object_id__in=ids, state__in=_NOT_PROCESSED, event__istartswith="order.")
    have_events = {key for key in waiting.values_list("object_id", flat=True) if key is not None}
    return {row.bitrix_order_id for row in just_saved.orders} | have_events


def lost_webhooks(**conditions: Any) -> int:
    """Return the number of orders that comparisons of recent orders had to fetch, because no webhook came.

    `conditions` are conditions of `Difference`, such as `run=…`.
    """
    is_lost = Q(kind=Difference.Kind.MISSING_HERE) | Q(field=VERSION)
    found = Difference.objects.filter(
        is_lost, run__origin=Reconciliation.Origin.RECENT, outcome=Difference.Outcome.REPAIRED, **conditions
    )
    return found.values("bitrix_order_id").distinct().count()
