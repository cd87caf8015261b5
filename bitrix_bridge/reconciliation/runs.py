"""The row of a run: started, claimed by one worker at a time, given up, gone on with.

One run at a time: a unique index holds it. A worker holds a lease, as for a push; whoever has lost it, because a person
has stopped the run or another worker has taken over, is told so with its next step (`Lost`) and leaves it alone.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from bitrix_bridge.models import Difference, Reconciliation
from cvety_crm.alerts import Alert, raise_alert
from cvety_crm.masking import truncate_masked
from orders.models import Order

State, Origin = Reconciliation.State, Reconciliation.Origin

LEASE = timedelta(minutes=3)
"""Longer than one step can take: a page of the site's list, twice, and what it lacks asked for one by one."""
ABANDONED = timedelta(minutes=15)
"""A run whose lease ran out so long ago has no worker that would take it over."""


class Lost(Exception):
    """The run is no longer this worker's."""


class AlreadyRunningError(Exception):
    """Another run is under way; the text is for staff."""

    def __init__(self) -> None:
        super().__init__(gettext("A comparison is running already: wait for its end, or stop it."))


def start(
    *,
    origin: Reconciliation.Origin,
    is_repair: bool,
    since: datetime | None = None,
    first_id: int | None = None,
    started_by: User | None = None,
) -> Reconciliation:
    """Start a run over all orders, over those that the site has saved since then, or over those from an id on.

    Raises `AlreadyRunningError`; one that was abandoned counts as failed, and is no hindrance.
    """
    fail_abandoned()
    known = Order.objects.filter(bitrix_order_id__isnull=False)
    if since is not None:
        known = known.filter(bitrix_updated_at__gte=since)
    if first_id is not None:
        known = known.filter(bitrix_order_id__gte=first_id)
    try:
        with transaction.atomic():
            return Reconciliation.objects.create(
                origin=origin,
                is_repair=is_repair,
                since=since,
                first_id=first_id,
                after_id=first_id - 1 if first_id is not None else 0,
                started_by=started_by,
                expected=known.count(),
            )
    except IntegrityError as error:
        raise AlreadyRunningError from error


def resume(run: Reconciliation, *, origin: Reconciliation.Origin) -> bool:
    """Let a run that has failed or was stopped go on from where it was. Return False when it is in no such state.

    `origin` is who goes on with it. Raises `AlreadyRunningError`.
    """
    fail_abandoned()
    try:
        with transaction.atomic():
            changed = Reconciliation.objects.filter(pk=run.pk, state__in=(State.FAILED, State.STOPPED)).update(
                state=State.RUNNING,
                origin=origin,
                finished_at=None,
                error="",
                failures=0,
                worker=None,
                lease_until=None,
            )
    except IntegrityError as error:
        raise AlreadyRunningError from error
    return bool(changed)


def stop(run: Reconciliation) -> bool:
    """Stop a run; what it has found stays. Return False when it does not run."""
    running = Reconciliation.objects.filter(pk=run.pk, state=State.RUNNING)
    return bool(running.update(state=State.STOPPED, finished_at=timezone.now()))


def claim(run_id: UUID) -> Reconciliation | None:
    """Take the run for this worker; None when it is over, pauses, or somebody is at it."""
    now, worker = timezone.now(), uuid4()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    if not Reconciliation.objects.filter(free, pk=run_id, state=State.RUNNING).update(
        worker=worker, lease_until=now + LEASE
    ):
        return None
    return Reconciliation.objects.get(pk=run_id)


def keep(run: Reconciliation, *, counted: Mapping[str, int] | None = None, **columns: object) -> None:
    """Save progress and hold the lease on. Raises `Lost`; `counted` is added to the counts."""
    values: dict[str, object] = {name: F(name) + number for name, number in (counted or {}).items() if number}
    _save(run, **columns, **values, lease_until=timezone.now() + LEASE)
    for name, number in (counted or {}).items():
        setattr(run, name, getattr(run, name) + number)
    for name, value in columns.items():
        setattr(run, name, value)


def release(run: Reconciliation, *, pause: timedelta = timedelta(0)) -> None:
    """Leave the run to whoever comes next, after a pause. Raises `Lost`."""
    _save(run, lease_until=timezone.now() + pause)


def finish(run: Reconciliation) -> None:
    """Note that the run has gone through everything. Raises `Lost`."""
    with transaction.atomic():
        _save(run, state=State.DONE, finished_at=timezone.now())
        run.refresh_from_db()
        # Staff hear of what the clock has found; who has started a run by hand looks at it anyway.
        if run.origin == Origin.SCHEDULE and run.need_person:
            text = ngettext(
                "%(number)d difference needs a person.", "%(number)d differences need a person.", run.need_person
            ) % {"number": run.need_person}
            raise_alert(Alert(title=gettext("Comparison with the site"), text=text, about=run))


def fail(run: Reconciliation, why: str) -> None:
    """Give the run up; its place is kept, so that it can go on. Raises `Lost`."""
    with transaction.atomic():
        _save(run, state=State.FAILED, finished_at=timezone.now(), error=truncate_masked(why))
        run.refresh_from_db()
        before = Reconciliation.objects.filter(origin=Origin.SCHEDULE, started_at__lt=run.started_at).first()
        # What was wrong last night too has been told.
        if run.origin == Origin.SCHEDULE and (before is None or before.error != run.error):
            raise_alert(Alert(title=gettext("The comparison with the site has failed"), text=run.error, about=run))


def fail_abandoned() -> int:
    """Give up runs that nobody works on any more; return how many.

    One of the command line ends with its process: nobody else will go on with it. The others go on with the next
    worker, unless there is none.
    """
    now = timezone.now()
    left = Q(origin=Origin.COMMAND, lease_until__lte=now) | Q(lease_until__lte=now - ABANDONED)
    never_claimed = Q(lease_until=None, updated_at__lte=now - ABANDONED)
    return Reconciliation.objects.filter(left | never_claimed, state=State.RUNNING).update(
        state=State.FAILED, finished_at=now, error=gettext("The process that worked on it has ended.")
    )


def open_differences(run: Reconciliation) -> int:
    """Return how many of the run's differences somebody may still decide."""
    return Difference.objects.filter(run=run, outcome__in=("found", "person")).count()


def _save(run: Reconciliation, **columns: object) -> None:
    mine = Reconciliation.objects.filter(pk=run.pk, state=State.RUNNING, worker=run.worker)
    if not mine.update(updated_at=timezone.now(), **columns):
        raise Lost
