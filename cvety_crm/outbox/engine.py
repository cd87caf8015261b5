"""Claiming, delivering, recording, retrying, giving up."""

import logging
import random
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from cvety_crm.alerts import Alert, raise_alert
from cvety_crm.masking import truncate_masked
from cvety_crm.outbox.deliverers import deliverer_of
from cvety_crm.outbox.entries import AttemptOutcome, DeliveryAttempt, OutboxEntry, State
from cvety_crm.outbox.failures import (
    Delivered,
    DeliveryError,
    NoLongerNeededError,
    NotDueError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
)
from cvety_crm.outbox.scheduling import schedule_delivery

Result = Delivered | DeliveryError | NoLongerNeededError | NotDueError

logger = logging.getLogger(__name__)

WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (30, 60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)
)
"""The pause after the first, second, … failed attempt; the attempt after the last pause is the last."""
JITTER = 0.2
LEASE = timedelta(seconds=90)
"""Longer than the calls of one delivery can take; after it a worker counts as dead."""
LONGEST_RETRY_AFTER = timedelta(hours=24)
WARN_AFTER = 4
"""Failures after which staff are told, although it goes on trying."""
PATIENCE = 3
"""Failures in a row from which on a shorter Retry-After no longer shortens the pause."""
ANSWER_LIMIT = 2048  # characters kept of an answer
SWEEP_SECONDS = 45
"""How long one sweep goes on claiming, so that it ends before django-q's limit for a task."""


def deliver_task(label: str, *keys: str) -> None:
    """Deliver these entries. Runs as a task of django-q and never raises: retries are the outbox's own."""
    for key in keys:
        try:
            deliver_one(apps.get_model(label), key)
        except Exception:
            logger.exception("delivering %s %s failed unexpectedly", label, key)


def deliver_due() -> int:
    """Deliver whatever is due, of every kind, oldest first; return how many were attempted. Runs each minute."""
    until = timezone.now() + timedelta(seconds=SWEEP_SECONDS)
    attempted = 0
    kinds = outbox_models()
    while kinds and timezone.now() < until:
        # One of each kind in turn: a site that does not answer must not keep Telegram waiting.
        for model in list(kinds):
            claimed = _claim(model, None)
            if claimed is None:
                kinds.remove(model)
                continue
            attempted += 1
            try:
                _attempt(*claimed)
            except Exception:
                # Its lease runs out and it is tried again; whatever is due behind it must not wait for that.
                logger.exception("delivering %s %s failed unexpectedly", model._meta.label, claimed[0].pk)
    return attempted


def outbox_models() -> list[type[OutboxEntry]]:
    """Return every concrete kind of entry."""
    return [model for model in apps.get_models() if issubclass(model, OutboxEntry)]


def deliver_one(model: type[OutboxEntry], key: Any) -> bool:
    """Claim and deliver one entry. Return False when it is not due, or another worker has it."""
    claimed = _claim(model, key)
    if claimed is None:
        return False
    _attempt(*claimed)
    return True


def _claim(model: type[OutboxEntry], key: Any | None) -> tuple[OutboxEntry, DeliveryAttempt] | None:
    now = timezone.now()
    due = Q(state=State.PENDING, due_at__lte=now) | Q(state=State.SENDING, lease_until__lte=now)
    queryset = model._default_manager.filter(due)
    if key is not None:
        queryset = queryset.filter(pk=key)
    with transaction.atomic():
        entry = queryset.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "created_at").first()
        if entry is None:
            return None
        log = entry.attempt_log  # type: ignore[attr-defined]  # each child has its own table of attempts
        if entry.state == State.SENDING:
            log.filter(outcome=AttemptOutcome.STARTED).update(outcome=AttemptOutcome.DIED)
            entry.failures += 1
        entry.state, entry.lease_until = State.SENDING, now + LEASE
        entry.attempts += 1
        entry.save(update_fields=["state", "lease_until", "attempts", "failures", "updated_at"])
        attempt = log.create(number=entry.attempts, started_at=now, actor_id=entry.retry_by_id)
    return entry, attempt


def _attempt(entry: OutboxEntry, attempt: DeliveryAttempt) -> None:
    result: Result
    try:
        if entry.failures > len(WAITS):
            # It may be this very entry that kills workers: no further call.
            raise TemporaryDeliveryError(gettext("The worker stopped in the middle of every attempt."))
        result = deliverer_of(entry._meta.label).deliver(entry)
    except (DeliveryError, NoLongerNeededError, NotDueError) as known:
        result = known
    except Exception as unknown:
        logger.exception("delivering %s %s raised", entry._meta.label, entry.pk)
        result = TemporaryDeliveryError(
            gettext("An error in the CRM itself: %(error)s") % {"error": type(unknown).__name__},
            answer=f"{type(unknown).__name__}: {unknown}",
        )
    with transaction.atomic():
        _record(entry, attempt, result)


def _record(entry: OutboxEntry, attempt: DeliveryAttempt, result: Result) -> None:
    now = timezone.now()
    attempt.duration_ms = max(int((now - attempt.started_at).total_seconds() * 1000), 0)
    attempt.code = truncate_masked(getattr(result, "code", ""))[:50]
    attempt.answer = truncate_masked(getattr(result, "answer", "") or str(getattr(result, "message", "")))[
        :ANSWER_LIMIT
    ]

    entry.lock_owner()
    current = type(entry)._default_manager.select_for_update().filter(pk=entry.pk).first()
    if current is None:
        return  # what it was to tell has been taken back, and its attempts went with it
    is_ours = current.state == State.SENDING and current.attempts == attempt.number
    match result:
        case Delivered():
            attempt.outcome = AttemptOutcome.DELIVERED
            if is_ours:
                _finish(current, State.DELIVERED, code=attempt.code)
                if rest_due_at := deliverer_of(current._meta.label).after_delivery(current):
                    _wait(current, rest_due_at)
        case NoLongerNeededError():
            attempt.outcome = AttemptOutcome.NOT_NEEDED
            if is_ours:
                _finish(current, State.CANCELLED, error=str(result))
        case NotDueError():
            attempt.outcome = AttemptOutcome.POSTPONED
            if is_ours:
                current.retry_by, current.last_code, current.last_error = None, "", result.message
                _wait(current, result.due_at)
        case PermanentDeliveryError():
            attempt.outcome = AttemptOutcome.REFUSED
            if is_ours:
                _give_up(current, result)
        case DeliveryError():
            attempt.outcome = AttemptOutcome.POSTPONED
            if is_ours:
                _postpone(current, result, now)
    attempt.save()


def _finish(entry: OutboxEntry, state: State, *, code: str = "", error: str = "") -> None:
    entry.state, entry.finished_at, entry.lease_until = state, timezone.now(), None
    entry.last_code, entry.last_error = code, truncate_masked(error)
    entry.failures = 0 if state == State.DELIVERED else entry.failures
    entry.retry_by = None
    entry.save()


def _wait(entry: OutboxEntry, due_at: datetime) -> None:
    entry.state, entry.due_at, entry.lease_until, entry.finished_at = State.PENDING, due_at, None, None
    entry.save()
    schedule_delivery(entry)


def _postpone(entry: OutboxEntry, failure: DeliveryError, now: datetime) -> None:
    entry.failures += 1
    if entry.failures > len(WAITS):
        _give_up(entry, failure)
        return
    wait = retry_delay(entry.failures, getattr(failure, "retry_after", None))
    entry.state, entry.due_at, entry.lease_until = State.PENDING, now + wait, None
    entry.last_code, entry.last_error = failure.code[:50], failure.message
    entry.retry_by = None
    entry.save()
    if entry.failures == WARN_AFTER:
        _alert(entry, gettext_noop("%(what)s: %(count)s attempts have failed, trying on"))


def _give_up(entry: OutboxEntry, failure: DeliveryError) -> None:
    _finish(entry, State.FAILED, code=failure.code[:50], error=failure.message)
    deliverer_of(entry._meta.label).after_failure(entry, failure)
    _alert(entry, gettext_noop("%(what)s: given up, a person has to look"))


def retry_delay(failures: int, retry_after: float | None) -> timedelta:
    """Return the pause after so many failures in a row: what the other side asked for, else the schedule, jittered."""
    wait = WAITS[min(failures, len(WAITS)) - 1]
    if retry_after is not None:
        asked = min(max(timedelta(seconds=retry_after), timedelta(seconds=1)), LONGEST_RETRY_AFTER)
        # Whoever goes on asking for a second would use up all attempts in a few of them.
        return asked if failures < PATIENCE else max(asked, wait)
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing


def _alert(entry: OutboxEntry, title: str) -> None:
    if not entry.raises_alerts():
        return
    words = {"what": str(entry), "count": entry.failures}
    raise_alert(Alert(title=gettext(title) % words, text=entry.last_error, about=entry))
