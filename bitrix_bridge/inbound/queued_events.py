"""Events that are stored first and processed by the worker, because more arrive than can be processed at once.

This is switched on and off by itself (`bitrix_bridge.inbound.pressure`). While an event of an object is queued, all
later events of the object are queued behind it. The worker processes them in the order of their arrival.
"""

from collections.abc import Callable
from contextlib import nullcontext

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from bitrix_bridge.inbound.event_names import STATES, canonical_name
from bitrix_bridge.inbound.pressure import pressure, queue_mark
from bitrix_bridge.models import WebhookEvent
from cvety_crm.bulk_writes import Writes
from cvety_crm.outbox import schedule_task

State, Action = WebhookEvent.State, WebhookEvent.Action
TASK = "bitrix_bridge.inbound.queue_processing.process_queued"
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('queued webhook events', 0))"


def must_be_queued(row: WebhookEvent) -> bool:
    """Return whether the event is stored first: the pressure is high, or an earlier event of its object is queued."""
    if pressure.is_high():
        return True
    if row.object_id is None or not queue_mark().may_be_queued(is_any_queued):
        return False
    return WebhookEvent.objects.filter(object_id=row.object_id, state=State.QUEUED).exists()


def store_first(row: WebhookEvent, *, has_event_id: bool, is_repetition: Callable[[IntegrityError], bool]) -> None:
    """Insert the event's row, to be processed by the worker. This is one statement, and the commit.

    A repeated event is a duplicate. Without an event id it may be a different event, and is queued too.
    """
    row.state, row.action, row.retry_at = State.QUEUED, Action.STORED, timezone.now()
    try:
        _insert(row)
    except IntegrityError as error:
        if not is_repetition(error):
            raise
        row.fingerprint = None
        row.is_repetition = not has_event_id and canonical_name(row.event) in STATES
        if not row.is_repetition:
            row.state, row.action = State.PROCESSED, Action.DUPLICATE
            row.retry_at, row.processed_at = None, timezone.now()
        _insert(row)
    if row.state == State.QUEUED and queue_mark().set():
        schedule_queue_task()


def is_any_queued() -> bool:
    """Return whether an event is queued."""
    return WebhookEvent.objects.filter(state=State.QUEUED).exists()


def schedule_queue_task() -> None:
    """Let a worker process the queue."""
    schedule_task(TASK, at=timezone.now())


def lock_queue() -> bool:
    """Lock the queue until the end of the transaction. Return False if another worker has locked it."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        return bool(cursor.fetchone()[0])


def _insert(row: WebhookEvent) -> None:
    writes = Writes()
    writes.insert(row)
    # Outside a transaction, BEGIN and COMMIT around one statement would only be two round trips more.
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        writes.flush()
