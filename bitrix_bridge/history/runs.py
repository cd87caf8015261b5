"""The row of a run: started, held by one process at a time, stopped, gone on with, repeated for what has failed.

One run at a time: a unique index holds it. A process holds a lease and says who it is, so that on its own machine a
killed one can be told from a slow one at once.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from psycopg.errors import LockNotAvailable

from bitrix_bridge.history import report
from bitrix_bridge.models import ImportRow, ImportRun
from cvety_crm.masking import truncate_masked

State, Outcome = ImportRun.State, ImportRow.Outcome

LEASE = timedelta(minutes=5)
"""Longer than a batch can take, a lost connection to the copy included."""


class Lost(Exception):
    """The run is no longer this process's."""


class AlreadyRunningError(Exception):
    """Another run is under way; the text is for staff."""

    def __init__(self) -> None:
        super().__init__(gettext("An import is running already: wait for its end, or stop it."))


def start(*, source: str, options: Mapping[str, Any], expected: int, carts: int) -> ImportRun:
    """Begin a run and hold it. Raises `AlreadyRunningError`."""
    stop_abandoned()
    with _the_only_one():
        return ImportRun.objects.create(source=source, options=dict(options), expected=expected, carts=carts, **_held())


def last() -> ImportRun | None:
    """Return the newest run."""
    stop_abandoned()
    return ImportRun.objects.order_by("-started_at").first()


def may_go_on(run: ImportRun) -> bool:
    """Return whether there is anything left to do of it: it was stopped, or some orders have failed."""
    return run.state in (State.STOPPED, State.FAILED) or (run.state == State.DONE and run.failed > 0)


def resume(run: ImportRun, *, by: User | None = None, is_held: bool = True) -> bool:
    """Let a run go on, held by this process unless another is to take it; return False when nothing is left of it.

    One that was through goes through its failed ones, from the first. Raises `AlreadyRunningError`.
    """
    stop_abandoned()
    run.refresh_from_db()
    if not may_go_on(run):
        return False
    values = _held() if is_held else {"worker": None, "process": "", "lease_until": None}
    if run.is_retry or run.state == State.DONE:
        values |= {"is_retry": True, "after_id": 0}
    with _the_only_one():
        changed = ImportRun.objects.filter(pk=run.pk, state=run.state).update(
            state=State.RUNNING, finished_at=None, error="", retried_by=by, **values
        )
    run.refresh_from_db()
    return bool(changed)


def claim(run: ImportRun) -> bool:
    """Take a run that nobody holds."""
    free = ImportRun.objects.filter(pk=run.pk, state=State.RUNNING, worker=None)
    if not free.update(**_held()):
        return False
    run.refresh_from_db()
    return True


def release(run: ImportRun) -> None:
    """Leave the run to whoever comes next. Raises `Lost`."""
    _save(run, worker=None, process="", lease_until=None)


def keep(run: ImportRun, *, counted: Mapping[str, int], **columns: Any) -> None:
    """Save how far it is, in the transaction of what was done, and hold it on. Raises `Lost`; counts are added."""
    added: dict[str, Any] = {name: F(name) + number for name, number in counted.items() if number}
    _save(run, **columns, **added, lease_until=timezone.now() + LEASE)


def finish(run: ImportRun, reasons: list[dict[str, Any]]) -> None:
    """Note that it has gone through everything. Raises `Lost`."""
    _save(run, state=State.DONE, finished_at=timezone.now(), is_retry=False, reasons=reasons)
    run.refresh_from_db()


def give_up(run: ImportRun, error: Exception) -> None:
    """Note that it can't go on for now; what it has done stays. One that another process holds is left alone."""
    own = _running(run).filter(worker=run.worker)
    _end(run, own, state=State.FAILED, error=truncate_masked(str(error))[:2000])


def stop(run: ImportRun) -> bool:
    """Stop a run; what has come over stays. Return False when it does not run."""
    return _end(run, _running(run), state=State.STOPPED)


def stop_abandoned() -> None:
    """Count a run as stopped whose process is gone."""
    for run in ImportRun.objects.filter(state=State.RUNNING).exclude(worker=None):
        if run.lease_until is None or run.lease_until <= timezone.now() or _is_dead(run.process):
            _end(run, _running(run).filter(worker=run.worker), state=State.STOPPED)


@contextmanager
def _the_only_one() -> Iterator[None]:
    """Have the unique index say that one runs already, as `AlreadyRunningError`."""
    try:
        with transaction.atomic():
            # A dry run holds its row uncommitted: whoever comes meanwhile is told so, and does not wait for its end.
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('lock_timeout'), set_config('lock_timeout', '2s', true)")
                patience = cursor.fetchone()[0]
            yield
            # Of the dry run's own transaction this is but the beginning.
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [patience])
    except (IntegrityError, OperationalError) as error:
        if isinstance(error, OperationalError) and not isinstance(error.__cause__, LockNotAvailable):
            raise
        raise AlreadyRunningError from error


def _held() -> dict[str, Any]:
    process = f"{socket.gethostname()}:{os.getpid()}"
    return {"worker": uuid4(), "process": process, "lease_until": timezone.now() + LEASE}


def _is_dead(process: str) -> bool:
    host, _, number = process.rpartition(":")
    if host != socket.gethostname() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _save(run: ImportRun, **values: Any) -> None:
    own = ImportRun.objects.filter(pk=run.pk, state=State.RUNNING, worker=run.worker)
    if not own.update(updated_at=timezone.now(), **values):
        raise Lost


def _running(run: ImportRun) -> QuerySet[ImportRun]:
    return ImportRun.objects.filter(pk=run.pk, state=State.RUNNING)


def _end(run: ImportRun, running: QuerySet[ImportRun], **values: Any) -> bool:
    if not running.update(finished_at=timezone.now(), worker=None, lease_until=None, **values):
        return False
    # Nothing is added any more: whoever was in the middle of a batch has lost the run, and the batch with it.
    ImportRun.objects.filter(pk=run.pk).exclude(state=State.RUNNING).update(reasons=report.grouped_reasons(run))
    return True
