"""The states of a run: it is started, leased, recorded step by step, stopped, resumed, abandoned, failed or finished.

Each step of the process that has the lease checks the claim. If the run was stopped, or another process claimed it
after the lease expired, the next step raises `LeaseLostError`, and the process must not change the run again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from psycopg.errors import LockNotAvailable

from cvety_crm.alerts import Alert, raise_alert
from cvety_crm.long_runs.holders import current_process, is_dead
from cvety_crm.long_runs.model import LongRun
from cvety_crm.masking import truncate_masked

R = TypeVar("R", bound=LongRun)
State = LongRun.State

ERROR_LENGTH = 2000


class LeaseLostError(Exception):
    """This process no longer has the lease of the run."""


class AlreadyRunningError(Exception):
    """Another run of the same kind is active. The message is for staff."""


class RunEngine(Generic[R]):
    """The operations on the runs of one model. A subclass sets the attributes and overrides the hooks that it needs."""

    model: type[R]
    already_running_text: str | Promise
    lease: timedelta = timedelta(minutes=5)
    """The duration of a lease, which is longer than one step can take."""
    pick_up_within: timedelta = timedelta(0)
    """For this time after the end of a lease, another worker resumes the run by itself.

    After that, the run is abandoned.
    """
    abandoned_state: State = State.STOPPED
    abandoned_text: str | Promise = ""
    retry_delays: tuple[timedelta, ...] = ()
    """The delay after the first, second, … temporary failure in a row; one more failure ends the run as failed."""

    # --- hooks

    def may_resume(self, run: R) -> bool:
        """Return whether the run can be resumed."""
        return run.state in (State.STOPPED, State.FAILED)

    def resume_columns(self, run: R) -> dict[str, Any]:
        """Return additional columns to set when the run is resumed."""
        return {}

    def is_abandoned(self, run: R) -> bool:
        """Return whether the process of an active run has ended and no worker will resume the run by itself."""
        if run.lease_until is None:
            return False
        if not self.pick_up_within and is_dead(run.process):
            return True
        return run.lease_until + self.pick_up_within <= timezone.now()

    def on_cut(self, run: R) -> None:
        """Do additional work in the transaction in which a run was stopped, has failed or was abandoned."""

    def alert(self, run: R) -> Alert | None:
        """Return the alert for staff after the run was finished or has failed, or None if staff are not alerted."""
        return None

    # --- for any process

    def start(self, *, is_claimed: bool, **columns: Any) -> R:
        """Start a run. If `is_claimed` is true, this process gets a lease, otherwise a worker may claim the run.

        Raise `AlreadyRunningError` if another run is active.
        """
        self.end_abandoned()
        held = self._held() if is_claimed else {}
        with self._only_one():
            return self.model._default_manager.create(**held, **columns)

    def resume(self, run: R, *, is_claimed: bool, by: AbstractBaseUser | None = None, **columns: Any) -> bool:
        """Resume a run from its position. Return False if the run cannot be resumed.

        Raise `AlreadyRunningError` if another run is active.
        """
        self.end_abandoned()
        run.refresh_from_db()
        if not self.may_resume(run):
            return False
        now = timezone.now()
        values = {
            "state": State.RUNNING,
            "finished_at": None,
            "error": "",
            "failures": 0,
            "resumed_at": now,
            "resumed_by": by,
            "resumed_from": run.processed,
            "updated_at": now,
            **(self._held() if is_claimed else _FREE),
            **self.resume_columns(run),
            **columns,
        }
        with self._only_one():
            changed = self.model._default_manager.filter(pk=run.pk, state=run.state).update(**values)
        run.refresh_from_db()
        return bool(changed)

    def stop(self, run: R) -> bool:
        """Stop a run without undoing its work. Return False if the run is not active."""
        return self._cut(run, self._running(run.pk), state=State.STOPPED)

    def last(self) -> R | None:
        """Return the newest run, or None if there are no runs."""
        self.end_abandoned()
        return self.model._default_manager.order_by("-started_at").first()

    def waiting(self) -> list[R]:
        """Return the runs that a worker may claim now, the oldest first."""
        self.end_abandoned()
        return list(self.model._default_manager.filter(_is_free(), state=State.RUNNING).order_by("started_at"))

    def end_abandoned(self) -> None:
        """End the active runs that are abandoned."""
        for run in self.model._default_manager.filter(state=State.RUNNING):
            if self.is_abandoned(run):
                unchanged = self._running(run.pk).filter(claimed_by=run.claimed_by, lease_until=run.lease_until)
                self._cut(run, unchanged, state=self.abandoned_state, error=str(self.abandoned_text))

    # --- for the process that has the lease

    def claim(self, run_id: UUID) -> R | None:
        """Return the run with a lease for this process.

        Return None if the run is not active, is in a retry delay, or is leased.
        """
        self.end_abandoned()
        held = self._held()
        if not self._running(run_id).filter(_is_free()).update(**held):
            return None
        run = self.model._default_manager.get(pk=run_id)
        run.claimed_by = held["claimed_by"]
        return run

    def record(self, run: R, counts: Mapping[str, int] | None = None, **columns: Any) -> None:
        """Save progress, add `counts` to the counters, and extend the lease.

        Call this method in the transaction of the work that it records, so that both are saved or neither is. Raise
        `LeaseLostError` if this process no longer has the lease.
        """
        added = {name: number for name, number in (counts or {}).items() if number}
        sums = {name: F(name) + number for name, number in added.items()}
        self._save(run, **columns, **sums, lease_until=timezone.now() + self.lease)
        for name, number in added.items():
            setattr(run, name, getattr(run, name) + number)
        for name, value in columns.items():
            setattr(run, name, value)

    def reload(self, run: R) -> None:
        """Read the run again, except `claimed_by`.

        The next step compares this process's claim with the stored claim.
        """
        names = [field.attname for field in run._meta.concrete_fields if field.name != "claimed_by"]
        run.refresh_from_db(fields=names)

    def release(self, run: R, *, delay: timedelta = timedelta(0)) -> None:
        """Release the run, so that a worker may claim it after a delay.

        Raise `LeaseLostError` if this process no longer has the lease.
        """
        self._save(run, **{**_FREE, "lease_until": timezone.now() + delay if delay else None})

    def back_off(self, run: R, why: str) -> timedelta | None:
        """Count a temporary failure. Return the delay before the next attempt, or None if the run has failed.

        Raise `LeaseLostError` if this process no longer has the lease.
        """
        if run.failures >= len(self.retry_delays):
            self.fail(run, why)
            return None
        delay = self.retry_delays[run.failures]
        self.record(run, failures=run.failures + 1)
        return delay

    def finish(self, run: R, **columns: Any) -> None:
        """End a run that has processed all items.

        Raise `LeaseLostError` if this process no longer has the lease.
        """
        with transaction.atomic():
            self._save(run, state=State.DONE, finished_at=timezone.now(), **_FREE, **columns)
            run.refresh_from_db()
            self._notify(run)

    def fail(self, run: R, why: str) -> None:
        """End a run as failed. The position of the run is stored, so the run can be resumed.

        Raise `LeaseLostError` if this process no longer has the lease.
        """
        with transaction.atomic():
            if not self._cut(run, self._mine(run), state=State.FAILED, error=truncate_masked(why, ERROR_LENGTH)):
                raise LeaseLostError
            self._notify(run)

    # --- helpers

    def _notify(self, run: R) -> None:
        alert = self.alert(run)
        if alert is not None:
            raise_alert(alert)

    def _cut(self, run: R, rows: QuerySet[R], **columns: Any) -> bool:
        now = timezone.now()
        with transaction.atomic():
            if not rows.update(finished_at=now, updated_at=now, **_FREE, **columns):
                return False
            run.refresh_from_db()
            self.on_cut(run)
        return True

    def _save(self, run: R, **columns: Any) -> None:
        if not self._mine(run).update(updated_at=timezone.now(), **columns):
            raise LeaseLostError

    def _mine(self, run: R) -> QuerySet[R]:
        return self._running(run.pk).filter(claimed_by=run.claimed_by).exclude(claimed_by=None)

    def _running(self, run_id: UUID) -> QuerySet[R]:
        return self.model._default_manager.filter(pk=run_id, state=State.RUNNING)

    def _held(self) -> dict[str, Any]:
        return {
            "claimed_by": uuid4(),
            "process": current_process(),
            "lease_until": timezone.now() + self.lease,
        }

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        """Raise `AlreadyRunningError` if the unique index refuses a second active run."""
        try:
            with transaction.atomic(), _short_lock_timeout():
                yield
        except IntegrityError as error:
            raise AlreadyRunningError(str(self.already_running_text)) from error
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            raise AlreadyRunningError(str(self.already_running_text)) from error


_FREE: dict[str, Any] = {"claimed_by": None, "process": "", "lease_until": None}


def _is_free() -> Q:
    return Q(lease_until=None) | Q(lease_until__lte=timezone.now())


@contextmanager
def _short_lock_timeout() -> Iterator[None]:
    """Limit the wait for a lock, because a dry run does not commit its row until its end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), set_config('lock_timeout', '2s', true)")
        before = cursor.fetchone()[0]
    yield
    # A dry run continues in the same transaction and needs its previous timeout.
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
