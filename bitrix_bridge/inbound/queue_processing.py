"""Process the events that were stored first (`bitrix_bridge.inbound.queued_events`), in batches and in their order."""

import logging
import time
from collections.abc import Iterable, Sequence

from django.db import transaction

from bitrix_bridge.inbound.inbox import log_outcome, reprocess, set_result
from bitrix_bridge.inbound.order_events import can_be_handled_together, handle_together
from bitrix_bridge.inbound.queued_events import is_any_queued, lock_queue, schedule_queue_task
from bitrix_bridge.models import WebhookEvent
from cvety_crm.bulk_writes import Writes
from cvety_crm.correlation import correlated
from orders import services

logger = logging.getLogger(__name__)

BATCH = 50
"""The number of events that are processed in one transaction. Their orders are locked until it ends."""
SECONDS = 45.0
"""The time limit of one run of `process_queued`."""
DELAY = 1.0
"""The seconds after which `process_queued` looks once more for queued events before it ends."""
_OUTCOME = ("state", "action", "order", "problems", "error", "traceback", "attempts", "retry_at", "processed_at",
            "changed_at")  # fmt: skip


def process_queued() -> int:
    """Process the queued events, sorted by age, the oldest first. Return how many were processed.

    This function is a task. It ends if another worker is processing the queue, after `SECONDS`, or when no event has
    been queued for `DELAY`.
    """
    until, done, was_empty = time.monotonic() + SECONDS, 0, False
    while time.monotonic() < until:
        found = process_oldest_queued()
        if found is None or (not found and (was_empty or not done)):
            break
        done += found
        was_empty = not found
        if was_empty:
            # A web process starts this task at most once a second, so another event may be stored without a new task.
            time.sleep(DELAY)
    return done


def pick_up_queued() -> None:
    """Start the task again if events are queued. This job runs each minute, because a task may be lost."""
    if is_any_queued():
        schedule_queue_task()


def process_oldest_queued(most: int = BATCH) -> int | None:
    """Process the oldest queued events, `most` of them at most, in one transaction.

    Return how many were processed, or None if another worker processes the queue. If a batch fails, its first half is
    processed, and so on: a single event stores its failure (`reprocess`).
    """
    with transaction.atomic():
        if not lock_queue():
            return None
        queued = WebhookEvent.objects.filter(state=WebhookEvent.State.QUEUED).order_by("created_at", "pk")
        while len(rows := _first_together(queued.select_for_update(no_key=True)[:most])) > 1:
            if _process_together(rows):
                return len(rows)
            most = len(rows) // 2
        return int(reprocess(rows[0].pk) is not None) if rows else 0


def _first_together(rows: Iterable[WebhookEvent]) -> list[WebhookEvent]:
    """Return the first rows that can be handled together, or else the first row."""
    taken: list[WebhookEvent] = []
    objects: set[int | None] = set()
    for row in rows:
        if row.object_id in objects or not can_be_handled_together(row):
            return taken or [row]
        taken.append(row)
        objects.add(row.object_id)
    return taken


def _process_together(rows: Sequence[WebhookEvent]) -> bool:
    """Process these rows. Return False, and change nothing, if that fails."""
    writes = Writes()
    try:
        with transaction.atomic():
            for row in rows:
                row.attempts += 1
            for row, result in zip(rows, handle_together(rows, writes), strict=True):
                received = row.payload
                set_result(row, result)
                writes.update(row, _OUTCOME if row.payload is received else (*_OUTCOME, "payload"))
            services.store(writes)
    except Exception:
        logger.exception("%s queued events could not be processed together", len(rows))
        return False
    for row in rows:
        with correlated(row.correlation_id):
            log_outcome(row)
    return True
