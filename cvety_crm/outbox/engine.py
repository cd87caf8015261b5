"""Claim entries, deliver them, record the outcome, and retry or give up."""

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
from cvety_crm.correlation import correlated
from cvety_crm.masking import truncate_masked
from cvety_crm.measurements import measure
from cvety_crm.outbox.deliverers import deliverer_of
from cvety_crm.outbox.entries import AttemptOutcome, DeliveryAttempt, OutboxEntry, State
from cvety_crm.outbox.failures import (
    UNREACHABLE,
    Delivered,
    DeliveryError,
    MisconfiguredError,
    NoLongerNeededError,
    NotDueError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
    UnreachableError,
)
from cvety_crm.outbox.scheduling import schedule_delivery

Result = Delivered | DeliveryError | NoLongerNeededError | NotDueError

logger = logging.getLogger(__name__)
exchange_logger = logging.getLogger("cvety_crm.exchange")

WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (30, 60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 48 * 3600)
)
"""The retry delay after the first, second, … failed attempt. After the last delay there is one more attempt.

Together they are 92 hours, and 74 with the smallest jitter: a site that is away from Friday evening is back on Monday.
"""
PASSING_FAILURES = 3
"""How often wrong settings are taken for a passing fault, such as a maintenance page, if something was delivered
lately. With the delays in `WAITS` this is six minutes."""
LATELY = timedelta(days=7)
JITTER = 0.2
LEASE = timedelta(seconds=90)
"""The duration of a lease, which is longer than the requests of one delivery can take.

A worker whose lease has expired is considered dead.
"""
LONGEST_RETRY_AFTER = timedelta(hours=24)
WARN_AFTER = 4
"""The number of failures in a row at which staff are alerted, although retries continue."""
FAILURES_BEFORE_MINIMUM = 3
"""From this number of failures in a row, a Retry-After that is shorter than the delay in `WAITS` is ignored."""
ANSWER_LIMIT = 2048  # characters of a response that are stored
SWEEP_SECONDS = 45
"""One sweep claims entries for this number of seconds at most. It is less than django-q's time limit for a task."""


def deliver_task(label: str, *ids: str) -> None:
    """Deliver these entries as a django-q task. Never raise: the outbox does its own retries."""
    for pk in ids:
        try:
            deliver_one(apps.get_model(label), pk)
        except Exception:
            logger.exception("delivering %s %s failed unexpectedly", label, pk)


def deliver_due() -> int:
    """Deliver all due entries of every kind, oldest first, and return the number of attempts.

    The worker calls this function each minute. If the other system of a kind does not answer, the other entries of this
    kind are left for the next minute. When it answers again, those that wait for it become due (`_end_waits`).
    """
    until = timezone.now() + timedelta(seconds=SWEEP_SECONDS)
    attempted = 0
    kinds = outbox_models()
    while kinds and timezone.now() < until:
        # One entry of each kind is delivered in turn: a site that does not respond must not delay Telegram messages.
        for model in list(kinds):
            claimed = _claim(model, None)
            if claimed is None:
                kinds.remove(model)
                continue
            attempted += 1
            try:
                result = _attempt(*claimed)
            except Exception:
                # The entry is retried when its lease expires. The next due entries must not wait for that.
                logger.exception("delivering %s %s failed unexpectedly", model._meta.label, claimed[0].pk)
                continue
            if isinstance(result, UnreachableError):
                kinds.remove(model)
    return attempted


def outbox_models() -> list[type[OutboxEntry]]:
    """Return the model of every concrete kind of entry."""
    return [model for model in apps.get_models() if issubclass(model, OutboxEntry)]


def deliver_one(model: type[OutboxEntry], pk: Any) -> bool:
    """Claim and deliver one entry. Return False if the entry is not due or another worker has claimed it."""
    claimed = _claim(model, pk)
    if claimed is None:
        return False
    _attempt(*claimed)
    return True


def _claim(model: type[OutboxEntry], pk: Any | None) -> tuple[OutboxEntry, DeliveryAttempt] | None:
    now = timezone.now()
    due = Q(state=State.PENDING, due_at__lte=now) | Q(state=State.SENDING, lease_until__lte=now)
    queryset = model._default_manager.filter(due)
    if pk is not None:
        queryset = queryset.filter(pk=pk)
    with transaction.atomic():
        entry = (
            queryset.select_for_update(no_key=True, skip_locked=True, of=("self",))
            .order_by("due_at", "created_at")
            .first()
        )
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


def _attempt(entry: OutboxEntry, attempt: DeliveryAttempt) -> Result:
    # All attempts of an entry have one id, also those of a kind that does not store the id of its change.
    with correlated(getattr(entry, "correlation_id", "") or entry.pk.hex):
        return _deliver(entry, attempt)


def _deliver(entry: OutboxEntry, attempt: DeliveryAttempt) -> Result:
    result: Result
    try:
        if entry.failures > len(WAITS):
            # The entry itself may crash the workers, so it is not delivered again.
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
    _log_attempt(entry, attempt)
    return result


def _log_attempt(entry: OutboxEntry, attempt: DeliveryAttempt) -> None:
    measure(f"delivery {entry._meta.db_table} {attempt.outcome}", (attempt.duration_ms or 0) / 1000)
    about = {"entry_id": str(entry.pk), "order_id": str(getattr(entry, "order_id", None) or "")}
    exchange_logger.info(
        "%s %s, attempt %d: %s %s",
        entry._meta.model_name,
        entry.pk,
        attempt.number,
        attempt.outcome,
        attempt.code,
        extra=about | {"duration_ms": attempt.duration_ms},
    )


def _record(entry: OutboxEntry, attempt: DeliveryAttempt, result: Result) -> None:
    now = timezone.now()
    attempt.duration_ms = max(int((now - attempt.started_at).total_seconds() * 1000), 0)
    attempt.code = truncate_masked(getattr(result, "code", ""))[:50]
    attempt.answer = truncate_masked(getattr(result, "answer", "") or str(getattr(result, "message", "")))[
        :ANSWER_LIMIT
    ]

    entry.lock_owner()
    current = type(entry)._default_manager.select_for_update(no_key=True).filter(pk=entry.pk).first()
    if current is None:
        return  # The entry and its attempts have been deleted, because the change that it reports was undone.
    is_ours = current.state == State.SENDING and current.attempts == attempt.number
    attempt.outcome = _outcome_of(result)
    if is_ours:
        _apply(current, result, now, code=attempt.code)
    attempt.save()


def _outcome_of(result: Result) -> AttemptOutcome:
    match result:
        case Delivered():
            return AttemptOutcome.DELIVERED
        case NoLongerNeededError():
            return AttemptOutcome.NOT_NEEDED
        case PermanentDeliveryError():
            return AttemptOutcome.REFUSED
    return AttemptOutcome.POSTPONED


def _apply(entry: OutboxEntry, result: Result, now: datetime, *, code: str) -> None:
    match result:
        case Delivered():
            _end_waits(type(entry), now)
            _finish(entry, State.DELIVERED, code=code)
            if rest_due_at := deliverer_of(entry._meta.label).after_delivery(entry):
                _set_due(entry, rest_due_at)
        case NoLongerNeededError():
            _finish(entry, State.CANCELLED, error=str(result))
        case NotDueError():
            entry.retry_by, entry.last_code, entry.last_error = None, "", result.message
            _set_due(entry, result.due_at)
        case MisconfiguredError() if _may_be_passing(entry, now):
            _postpone(entry, result, now)
        case PermanentDeliveryError():
            _give_up(entry, result)
        case DeliveryError():
            _postpone(entry, result, now)


def _end_waits(model: type[OutboxEntry], now: datetime) -> None:
    """Let entries that wait because the other system did not answer be due now: it has just answered.

    A row that another worker has locked is being delivered or changed, and is skipped.
    """
    waiting = model._default_manager.filter(state=State.PENDING, last_code=UNREACHABLE, due_at__gt=now)
    free = waiting.select_for_update(no_key=True, skip_locked=True).values("pk")
    model._default_manager.filter(pk__in=free).update(due_at=now, updated_at=now)


def _may_be_passing(entry: OutboxEntry, now: datetime) -> bool:
    """Return whether a redirect or a refused login may be a passing fault, because the other system worked lately."""
    if entry.failures >= PASSING_FAILURES:
        return False
    rows = type(entry)._default_manager
    return rows.filter(state=State.DELIVERED, created_at__gt=now - LATELY).exists()


def _finish(entry: OutboxEntry, state: State, *, code: str = "", error: str = "") -> None:
    entry.state, entry.finished_at, entry.lease_until = state, timezone.now(), None
    entry.last_code, entry.last_error = code, truncate_masked(error)
    entry.failures = 0 if state == State.DELIVERED else entry.failures
    entry.retry_by = None
    entry.save()


def _set_due(entry: OutboxEntry, due_at: datetime) -> None:
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
    is_unreachable = isinstance(failure, UnreachableError)
    entry.last_code, entry.last_error = UNREACHABLE if is_unreachable else failure.code[:50], failure.message
    entry.retry_by = None
    entry.save()
    if entry.failures == WARN_AFTER:
        _alert(entry, gettext_noop("%(what)s: %(count)s attempts have failed, still retrying"))


def _give_up(entry: OutboxEntry, failure: DeliveryError) -> None:
    _finish(entry, State.FAILED, code=failure.code[:50], error=failure.message)
    deliverer_of(entry._meta.label).after_failure(entry, failure)
    _alert(entry, gettext_noop("%(what)s: given up, staff must check it"))


def retry_delay(failures: int, retry_after: float | None) -> timedelta:
    """Return the retry delay after this many failures in a row.

    `retry_after` is the delay in seconds that the other system requested. If it is None, the delay in `WAITS` is used,
    varied at random by `JITTER`.
    """
    wait = WAITS[min(failures, len(WAITS)) - 1]
    if retry_after is not None:
        requested = min(max(timedelta(seconds=retry_after), timedelta(seconds=1)), LONGEST_RETRY_AFTER)
        # A server that keeps requesting a delay of one second would use up all attempts within seconds.
        return requested if failures < FAILURES_BEFORE_MINIMUM else max(requested, wait)
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing


def _alert(entry: OutboxEntry, title: str) -> None:
    if not entry.raises_alerts():
        return
    params = {"what": str(entry), "count": entry.failures}
    raise_alert(Alert(title=gettext(title) % params, text=entry.last_error, about=entry))
