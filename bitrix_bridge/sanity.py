"""The sanity checks of the exchange with the site: events that nothing processes, and changes that nothing sends."""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bitrix_bridge.models import Difference, Push, Reconciliation, WebhookEvent
from cvety_crm.ops.sanity import SanityCheck, by_hand
from cvety_crm.outbox import LIVE
from orders.models import Order, SyncState

OVERDUE = timedelta(hours=1)
SETTLED = timedelta(minutes=10)
"""The time within which the worker's jobs, which run each minute, should have corrected a row."""
State = WebhookEvent.State


def exchange_checks() -> Sequence[SanityCheck]:
    """Return the checks of webhook events, pushes and comparisons."""
    worker = _("The worker does it each minute. Is it running? See manage.py system_status and its log.")
    enter = gettext("Open the order and enter what is missing.")
    again = _("Open them in “Inbox” and process them again.")
    return [
        SanityCheck(
            "events.no_retry_time", _("Events that wait for another attempt, which has no time"), again, _no_retry_time
        ),
        SanityCheck("events.overdue", _("Events that should have been processed an hour ago"), worker, _overdue),
        SanityCheck(
            "events.ended", _("Events whose state and times contradict each other"), again, _contradicting_events
        ),
        SanityCheck(
            "orders.no_push",
            _("Orders with a change for the site that nothing sends"),
            worker,
            _orders_without_push,
            "order_number",
        ),
        SanityCheck(
            "orders.stub_without_id",
            _("Incomplete orders that can't be fetched, because their id on the site is unknown"),
            f"{enter} {by_hand('orders', 'is_stub=false', 'is_stub AND bitrix_order_id IS NULL')}",
            _stubs_without_id,
            "order_number",
        ),
        SanityCheck(
            "differences.not_repaired",
            _("Differences that a comparison should have repaired before it ended"),
            _("Start a new comparison with repairs on the page “Comparison”."),
            _not_repaired,
            "bitrix_order_id",
        ),
    ]


def _no_retry_time() -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(state__in=(State.WAITING, State.QUEUED), retry_at=None)


def _overdue() -> QuerySet[WebhookEvent]:
    before = timezone.now() - OVERDUE
    return WebhookEvent.objects.filter(state__in=(State.WAITING, State.QUEUED), retry_at__lt=before)


def _contradicting_events() -> QuerySet[WebhookEvent]:
    is_unfinished = Q(state=State.PROCESSED, processed_at=None)
    has_retry = Q(state__in=(State.PROCESSED, State.FAILED)) & ~Q(retry_at=None)
    return WebhookEvent.objects.filter(is_unfinished | has_retry)


def _orders_without_push() -> QuerySet[Order]:
    has_push = Push.objects.filter(order=OuterRef("pk"), state__in=LIVE)
    pending = Order.objects.filter(
        sync_state=SyncState.PENDING,
        is_deleted_on_site=False,
        is_archived_on_site=False,
        updated_at__lt=timezone.now() - SETTLED,
    )
    return pending.exclude(Exists(has_push))


def _stubs_without_id() -> QuerySet[Order]:
    return Order.objects.filter(is_stub=True, bitrix_order_id=None)


def _not_repaired() -> QuerySet[Difference]:
    return Difference.objects.filter(
        run__state=Reconciliation.State.DONE,
        run__is_repair=True,
        outcome=Difference.Outcome.FOUND,
        created_at__lte=F("run__finished_at"),
    )
