"""The sanity checks of the outbox: entries that nothing would deliver, and states that contradict their columns."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from django.db.models import Exists, Manager, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext

from cvety_crm.ops.sanity import SanityCheck, by_hand
from cvety_crm.outbox import LIVE, AttemptOutcome, DeliveryAttempt, OutboxEntry, State, outbox_models

OVERDUE = timedelta(hours=1)
"""The worker delivers due entries each minute. After an hour, it does not."""
TOO_FAR = timedelta(days=4)
"""An entry that is due later than this is never due, for all that is known: the longest retry delay is 58 hours."""

_Model = type[OutboxEntry]


def outbox_checks() -> Sequence[SanityCheck]:
    """Return the checks of every kind of outbox entry."""
    return [check for model in outbox_models() for check in _checks_of(model)]


def _checks_of(model: _Model) -> Iterator[SanityCheck]:
    table, kind = model._meta.db_table, capfirst(model._meta.verbose_name_plural)
    yield SanityCheck(
        f"{table}.no_lease",
        gettext("%(kind)s: being sent, but claimed by no worker") % {"kind": kind},
        by_hand(table, "state='pending', due_at=now()", "state='sending' AND lease_until IS NULL"),
        partial(_no_lease, model),
    )
    yield SanityCheck(
        f"{table}.overdue",
        gettext("%(kind)s: due for more than an hour, and not sent") % {"kind": kind},
        gettext("The worker sends what is due each minute. Is it running? See manage.py system_status and its log."),
        partial(_overdue, model),
    )
    yield SanityCheck(
        f"{table}.too_far",
        gettext("%(kind)s: due in more than four days") % {"kind": kind},
        by_hand(table, "due_at=now()", "state='pending' AND due_at > now() + interval '4 days'"),
        partial(_too_far, model),
    )
    yield SanityCheck(
        f"{table}.finish_time",
        gettext("%(kind)s: the state and the time of the end contradict each other") % {"kind": kind},
        by_hand(
            table,
            "finished_at = CASE WHEN state IN ('pending', 'sending') THEN NULL ELSE updated_at END",
            "(state IN ('pending', 'sending')) = (finished_at IS NOT NULL)",
        ),
        partial(_finish_time, model),
    )
    yield SanityCheck(
        f"{table}.open_attempt",
        gettext("%(kind)s: an attempt is open, but nothing is being sent") % {"kind": kind},
        by_hand(
            _attempts(model).model._meta.db_table,
            "outcome='died'",
            f"outcome='started' AND entry_id IN (SELECT id FROM {table} WHERE state <> 'sending')",  # noqa: S608 - is shown
        ),
        partial(_open_attempt, model),
    )


def _rows(model: _Model) -> QuerySet[OutboxEntry]:
    return model._default_manager.all()


def _attempts(model: _Model) -> Manager[DeliveryAttempt]:
    related: type[DeliveryAttempt] = model.attempt_log.rel.related_model  # type: ignore[attr-defined]
    return related._default_manager


def _no_lease(model: _Model) -> QuerySet[OutboxEntry]:
    return _rows(model).filter(state=State.SENDING, lease_until=None)


def _overdue(model: _Model) -> QuerySet[OutboxEntry]:
    before = timezone.now() - OVERDUE
    is_overdue = Q(state=State.PENDING, due_at__lt=before) | Q(state=State.SENDING, lease_until__lt=before)
    return _rows(model).filter(is_overdue)


def _too_far(model: _Model) -> QuerySet[OutboxEntry]:
    return _rows(model).filter(state=State.PENDING, due_at__gt=timezone.now() + TOO_FAR)


def _finish_time(model: _Model) -> QuerySet[OutboxEntry]:
    is_live = Q(state__in=LIVE)
    return _rows(model).filter((is_live & ~Q(finished_at=None)) | (~is_live & Q(finished_at=None)))


def _open_attempt(model: _Model) -> QuerySet[OutboxEntry]:
    # The abstract model of attempts has no foreign key; each table of attempts has one.
    is_open = _attempts(model).filter(Q(entry=OuterRef("pk")), outcome=AttemptOutcome.STARTED)
    return _rows(model).exclude(state=State.SENDING).filter(Exists(is_open))
