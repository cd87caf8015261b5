"""Store every event that has a valid token, with its outcome, in the transaction that processes the event.

The response 200 means that the event is stored. An event that can't be processed is also stored. It is processed again
with growing retry delays, and staff can process it again.
"""

import logging
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.customer_data import forget
from bitrix_bridge.inbound.event_handlers import process
from bitrix_bridge.inbound.event_names import STATES, canonical_name
from bitrix_bridge.inbound.fingerprints import fingerprint
from bitrix_bridge.inbound.handling import Handling, Result
from bitrix_bridge.inbound.pressure import pressure
from bitrix_bridge.inbound.queued_events import must_be_queued, store_first
from bitrix_bridge.models import WebhookEvent
from cvety_crm.alerts import Alert, raise_alert
from cvety_crm.correlation import correlated, current_id
from cvety_crm.masking import truncate_masked
from cvety_crm.outbox import WAITS
from orders import services
from orders.models import Order

logger = logging.getLogger(__name__)
exchange_logger = logging.getLogger("cvety_crm.exchange")

Action = WebhookEvent.Action
ONCE = "webhook_events_once"
RETRY_SECONDS = 10
"""The time limit of one run of `retry_due`. Without it, the worker's other jobs could be delayed."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event as received, without its token."""

    event: str
    object_id: int | None
    data: Mapping[str, Any]
    event_id: str = ""
    remote_addr: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


def receive(incoming: Incoming) -> WebhookEvent:
    """Store the event, process it and return its row.

    The row is inserted with its outcome, in the transaction that makes the event's changes. So an event that got the
    response 200 can't be lost. A unique index rejects a repeated event, even if both events arrive at the same time.

    If more events arrive than can be processed at once, the event is only stored, and a worker processes it.

    Raise `OperationalError` or `InterfaceError` if the database is not available.
    """
    row = WebhookEvent(
        event=incoming.event[:100],
        object_id=incoming.object_id,
        payload=dict(incoming.payload),
        fingerprint=fingerprint(incoming.event, incoming.event_id, incoming.data),
        remote_addr=incoming.remote_addr,
        correlation_id=current_id(),
    )
    if must_be_queued(row):
        store_first(row, has_event_id=bool(incoming.event_id), is_repetition=_is_repetition)
        log_outcome(row)
        return row
    started = time.monotonic()
    try:
        _process_and_store(row)
    except (OperationalError, InterfaceError):
        raise
    except IntegrityError as error:
        if not _is_repetition(error):
            _store_failed(row, error)
        else:
            _receive_repetition(row, incoming)
    except Exception as error:
        _store_failed(row, error)
    pressure.note(time.monotonic() - started)
    log_outcome(row)
    return row


def _process_and_store(row: WebhookEvent) -> None:
    """Process the event and insert its row in one transaction, which is repeated if it loses a race."""
    for number in range(1, services.MOST_TRIES + 1):
        try:
            with transaction.atomic():
                handling = Handling(expects_new=number == 1)
                set_result(row, process(row, handling))
                handling.writes.insert(row)
                services.store(handling.writes)
            return
        except (IntegrityError, OperationalError) as error:
            if not services.is_race(error) or number == services.MOST_TRIES:
                raise


def reprocess(row_id: UUID) -> WebhookEvent | None:
    """Process a stored event again and return its row. Return None if another transaction has locked the row.

    An event that is older than the stored state changes nothing, and its outcome is `Action.STALE`.
    """
    try:
        with transaction.atomic():
            row = WebhookEvent.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=row_id).first()
            if row is None:
                return None
            with correlated(row.correlation_id):
                row.attempts += 1
                handling = Handling()
                set_result(row, process(row, handling))
                services.store(handling.writes)
                row.save()
                log_outcome(row)
            return row
    except Exception as error:
        with transaction.atomic():
            row = WebhookEvent.objects.select_for_update(no_key=True).get(pk=row_id)
            row.attempts += 1
            _set_failure(row, error)
            row.save()
        with correlated(row.correlation_id):
            logger.warning("event %s failed again: %s", row_id, error)
        return row


def retry_due(limit: int = 200) -> int:
    """Process the waiting events that are due, sorted by age, the oldest first. Return how many were processed.

    This function runs each minute and starts no further event after `RETRY_SECONDS`.
    """
    until = timezone.now() + timedelta(seconds=RETRY_SECONDS)
    due = WebhookEvent.objects.filter(state=WebhookEvent.State.WAITING, retry_at__lte=timezone.now())
    done = 0
    for key in due.order_by("created_at").values_list("pk", flat=True)[:limit]:
        if timezone.now() >= until:
            break
        try:
            reprocess(key)
        except Exception:  # the failure itself could not be stored; the next events may still succeed
            logger.exception("event %s could not be processed again", key)
        done += 1
    return done


def log_outcome(row: WebhookEvent) -> None:
    """Log the outcome of an event."""
    exchange_logger.info(
        "event %s %s of the site: %s",
        row.event,
        row.object_id,
        row.action,
        extra={"event_id": str(row.pk), "order_id": str(row.order_id or ""), "state": str(row.state)},
    )


def set_result(row: WebhookEvent, result: Result) -> None:
    """Set the outcome of an event. The caller stores the row."""
    row.action, row.order, row.problems = result.action, result.order, list(result.problems)
    if result.is_about_erased or (result.order is not None and result.order.erased_at is not None):
        forget(row)
    row.error, row.traceback = result.reason, ""
    if result.is_open:
        # The time of the first processing is kept: `created_at` is set by the database, whose clock may differ.
        row.processed_at = row.processed_at or timezone.now()
        _schedule_retry_or_fail(row)
    else:
        row.state, row.processed_at, row.retry_at = WebhookEvent.State.PROCESSED, timezone.now(), None


def _receive_repetition(row: WebhookEvent, incoming: Incoming) -> None:
    """Store an event whose fingerprint is known. It has an effect only if it may be a different event.

    Without an event id, equal contents do not prove a repetition: the clock of the site may stand still while the order
    changes and changes back.
    """
    row.fingerprint, row.order = None, None
    result = Result(action=WebhookEvent.Action.DUPLICATE, order=_order_of(incoming))
    try:
        with transaction.atomic():
            handling = Handling()
            if result.order is not None and not incoming.event_id and canonical_name(incoming.event) in STATES:
                row.is_repetition = True
                found = process(row, handling)
                has_effect = found.is_open or found.action in (Action.UPDATED, Action.STATUS_CHANGED)
                result = found if has_effect else result
            set_result(row, result)
            handling.writes.insert(row)
            services.store(handling.writes)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        _store_failed(row, error)


def _order_of(incoming: Incoming) -> Order | None:
    if not incoming.event.startswith("order.") or incoming.object_id is None:
        return None
    return Order.objects.filter(bitrix_order_id=incoming.object_id).first()


def _is_repetition(error: IntegrityError) -> bool:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) == ONCE


def _store_failed(row: WebhookEvent, error: Exception) -> None:
    logger.error("event %s %s could not be processed", row.event, row.object_id, exc_info=error)
    row.order, row.action = None, WebhookEvent.Action.STORED
    _set_failure(row, error)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as repeated:
        if not _is_repetition(repeated):
            raise
        row.fingerprint = None
        row.save(force_insert=True)


def _set_failure(row: WebhookEvent, error: Exception) -> None:
    row.error = truncate_masked(f"{type(error).__name__}: {error}")[:2000]
    row.traceback = truncate_masked("".join(traceback.format_exception(error)))[-8000:]
    row.action, row.processed_at = WebhookEvent.Action.STORED, None
    _schedule_retry_or_fail(row)


def _schedule_retry_or_fail(row: WebhookEvent) -> None:
    if row.attempts > len(WAITS):
        row.state, row.retry_at = WebhookEvent.State.FAILED, None
        raise_alert(
            Alert(
                title=gettext("An event of the site could not be processed: %(event)s") % {"event": row},
                text=row.error,
                about=row,
            )
        )
    else:
        delay: timedelta = WAITS[row.attempts - 1]
        row.state, row.retry_at = WebhookEvent.State.WAITING, timezone.now() + delay
