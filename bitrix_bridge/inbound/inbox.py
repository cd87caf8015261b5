"""The inbox: every event with a good token is kept with its outcome, in the transaction that processes it.

200 means that it is on disk here. An event that can't be processed is kept all the same, repeated by a schedule with
growing pauses, and can be replayed by staff.
"""

import hashlib
import json
import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.inbound.event_handlers import Result, process
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads.dates import read_clock
from cvety_crm.alerts import Alert, raise_alert
from cvety_crm.masking import truncate_masked
from cvety_crm.outbox import WAITS
from orders.models import Order

logger = logging.getLogger(__name__)

CLOCKS = frozenset({"DATE_UPDATE", "DATE_STATUS", "TIMESTAMP_X", "WEBHOOK_TIMESTAMP"})
"""Times, which with VERSION tell one event from another with the same values."""
ONCE = "webhook_events_once"
RETRY_SECONDS = 10
"""How long events are repeated each minute, so that the worker's other jobs have their turn."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event as it came, without its token."""

    event: str
    object_id: int | None
    data: Mapping[str, Any]
    event_id: str = ""
    remote_addr: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


def receive(incoming: Incoming) -> WebhookEvent:
    """Keep the event and process it; return its row. Raises `OperationalError` when the database is away.

    The row is inserted once, with its outcome, in the transaction of what it changed: nothing that is answered 200 can
    be lost, and a repetition of the same event is refused by a unique index, however many arrive at once.
    """
    row = WebhookEvent(
        event=incoming.event[:100],
        object_id=incoming.object_id,
        payload=dict(incoming.payload),
        fingerprint=fingerprint(incoming),
        remote_addr=incoming.remote_addr,
    )
    try:
        with transaction.atomic():
            _finish(row, process(row))
            row.save(force_insert=True)
    except (OperationalError, InterfaceError):
        raise
    except IntegrityError as error:
        if not _is_repetition(error):
            _keep_failed(row, error)
        else:
            row.fingerprint, row.order = None, None
            _finish(row, Result(action=WebhookEvent.Action.DUPLICATE, order=_order_of(incoming)))
            row.save(force_insert=True)
    except Exception as error:
        _keep_failed(row, error)
    return row


def reprocess(row_id: UUID) -> WebhookEvent | None:
    """Process a kept event again, for the schedule or for staff; None when somebody else is at it.

    An event older than what is stored by now changes nothing and ends as old news.
    """
    try:
        with transaction.atomic():
            row = WebhookEvent.objects.select_for_update(skip_locked=True).filter(pk=row_id).first()
            if row is None:
                return None
            row.attempts += 1
            _finish(row, process(row))
            row.save()
            return row
    except Exception as error:
        logger.warning("event %s failed again: %s", row_id, error)
        with transaction.atomic():
            row = WebhookEvent.objects.select_for_update().get(pk=row_id)
            row.attempts += 1
            _note_failure(row, error)
            row.save()
            return row


def retry_due(limit: int = 200) -> int:
    """Process again what is due, oldest first, for `RETRY_SECONDS` at most; return how many. Runs each minute."""
    until = timezone.now() + timedelta(seconds=RETRY_SECONDS)
    due = WebhookEvent.objects.filter(state=WebhookEvent.State.WAITING, retry_at__lte=timezone.now())
    done = 0
    for key in due.order_by("created_at").values_list("pk", flat=True)[:limit]:
        if timezone.now() >= until:
            break
        try:
            reprocess(key)
        except Exception:  # not even its failure could be noted; those behind it may do better
            logger.exception("event %s could not be repeated", key)
        done += 1
    return done


def fingerprint(incoming: Incoming) -> str | None:
    """Return what makes the event the same as another one; None when it carries nothing to tell it by.

    Without a version, a date or an id of its own, the same content may be two events: a status can be set twice.
    """
    if incoming.event_id:
        content = f"id {incoming.event} {incoming.event_id}"
    elif any(_tells_apart(str(key).upper(), value) for key, value in incoming.data.items()):
        content = json.dumps([incoming.event, incoming.data], sort_keys=True, default=str)
    else:
        return None
    return hashlib.sha256(content.encode("utf-8", errors="replace")).hexdigest()


def _tells_apart(name: str, value: Any) -> bool:
    return (name == "VERSION" and bool(value)) or (name in CLOCKS and read_clock(value).value is not None)


def _finish(row: WebhookEvent, result: Result) -> None:
    row.action, row.order, row.problems = result.action, result.order, list(result.problems)
    row.error, row.traceback = result.reason, ""
    if result.is_open:
        # When it was heard of first: the database's clock, which says when it was kept, may be another.
        row.processed_at = row.processed_at or timezone.now()
        _wait_or_give_up(row)
    else:
        row.state, row.processed_at, row.retry_at = WebhookEvent.State.PROCESSED, timezone.now(), None


def _order_of(incoming: Incoming) -> Order | None:
    if not incoming.event.startswith("order.") or incoming.object_id is None:
        return None
    return Order.objects.filter(bitrix_order_id=incoming.object_id).first()


def _is_repetition(error: IntegrityError) -> bool:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) == ONCE


def _keep_failed(row: WebhookEvent, error: Exception) -> None:
    logger.exception("event %s %s could not be processed", row.event, row.object_id)
    row.order, row.action = None, WebhookEvent.Action.STORED
    _note_failure(row, error)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as repeated:
        if not _is_repetition(repeated):
            raise
        row.fingerprint = None
        row.save(force_insert=True)


def _note_failure(row: WebhookEvent, error: Exception) -> None:
    row.error = truncate_masked(f"{type(error).__name__}: {error}")[:2000]
    row.traceback = truncate_masked("".join(traceback.format_exception(error)))[-8000:]
    row.action, row.processed_at = WebhookEvent.Action.STORED, None
    _wait_or_give_up(row)


def _wait_or_give_up(row: WebhookEvent) -> None:
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
        pause: timedelta = WAITS[row.attempts - 1]
        row.state, row.retry_at = WebhookEvent.State.WAITING, timezone.now() + pause
