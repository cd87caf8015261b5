"""The services of exports: the log of who has exported what, and the runs that write large files.

The files are in the folder `exports` of MEDIA_ROOT, under names that can't be guessed. No URL leads to the folder.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.long_runs.engine import RunEngine, State
from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import ExportRun, PhoneLook
from orders.services.locking import lock_names
from orders.services.phone_looks import record_look

KEEP_FILES = timedelta(days=7)
MOST_RUNNING = 3
"""The largest number of runs of one user at the same time."""
MOST_ATTEMPTS = 3
"""The number of times that a file is begun. A worker that has ended, such as for want of memory, begins it once."""
_UNFINISHED = timedelta(days=1)


class ExportEngine(RunEngine[ExportRun]):
    """The engine of exports. Another worker begins a file again whose worker has ended."""

    model = ExportRun
    already_running_text = _("The file is being written already.")
    lease = timedelta(minutes=2)
    pick_up_within = timedelta(hours=1)
    abandoned_state = State.FAILED
    abandoned_text = _("No worker was running, so the file was not written. Resume the export if it is still needed.")

    def is_abandoned(self, run: ExportRun) -> bool:
        """Return whether no worker has worked on the run for so long that no one waits for it any more."""
        if run.lease_until is None:
            return run.updated_at <= timezone.now() - self.pick_up_within
        return super().is_abandoned(run)

    def resume_columns(self, run: ExportRun) -> dict[str, Any]:
        """Return the columns to set when a run is resumed: the file is begun again."""
        return {"rows": 0, "resumed_from": 0}

    # Only services may write the table, so what other packages call is defined here.

    def stop(self, run: ExportRun) -> bool:
        """Stop a run. Return False if the run is not active."""
        return super().stop(run)

    def resume(self, run: ExportRun, *, is_claimed: bool, by: Any = None, **columns: Any) -> bool:
        """Begin the file of a run again. Return False if the run can't be resumed."""
        return super().resume(run, is_claimed=is_claimed, by=by, **columns)

    def claim(self, run_id: UUID) -> ExportRun | None:
        """Return the run with a lease for this process, or None as the base class."""
        return super().claim(run_id)

    def waiting(self) -> list[ExportRun]:
        """Return the runs that a worker may claim now."""
        return super().waiting()

    def release(self, run: ExportRun, *, delay: timedelta = timedelta(0)) -> None:
        """Release the run. Raise `LeaseLostError` as the base class."""
        super().release(run, delay=delay)

    def fail(self, run: ExportRun, why: str) -> None:
        """End a run as failed. Raise `LeaseLostError` as the base class."""
        super().fail(run, why)


export_runs = ExportEngine()


def note_export(
    *, actor: User, export: dict[str, Any], facts: Sequence[Sequence[str]], shown: Sequence[str], rows: int
) -> ExportRun:
    """Log an export that is sent at once. `export` is an `ExportRequest` as JSON, and `shown` as in `ExportRun`."""
    now = timezone.now()
    run = ExportRun.objects.create(
        **_columns(actor, export, facts), shown=list(shown), state=State.DONE, expected=rows, rows=rows,
        started_at=now, finished_at=now,
    )  # fmt: skip
    _note_phones(run)
    return run


@transaction.atomic
def start_export(*, actor: User, export: dict[str, Any], facts: Sequence[Sequence[str]], rows: int) -> ExportRun:
    """Start a run that writes a file. The caller queues it. `rows` is the number of rows that were found.

    Raise `NotAllowedError` if the user has `MOST_RUNNING` active runs.
    """
    lock_names([f"exports {actor.pk}"])
    if ExportRun.objects.filter(started_by=actor, state=State.RUNNING).count() >= MOST_RUNNING:
        raise NotAllowedError(gettext("Your other exports are still being written: wait for their end, or stop one."))
    return export_runs.start(is_claimed=False, expected=rows, **_columns(actor, export, facts))


def begin_file(run: ExportRun) -> None:
    """Count an attempt to write the file. Raise `NotAllowedError` if there were `MOST_ATTEMPTS`."""
    if run.failures >= MOST_ATTEMPTS:
        raise NotAllowedError(gettext("The file could not be written: its worker was ended several times."))
    export_runs.record(run, rows=0, failures=run.failures + 1)


def record_rows(run: ExportRun, rows: int) -> None:
    """Save how many rows have been written. Raise `LeaseLostError` if the run was stopped."""
    export_runs.record(run, rows=rows)


def finish_export(run: ExportRun, *, file: Path, rows: int, shown: Sequence[str]) -> None:
    """End a run whose file is complete. Raise `LeaseLostError` if the run was stopped."""
    export_runs.finish(
        run,
        file=file.name,
        size=file.stat().st_size,
        rows=rows,
        shown=list(shown),
        expires_at=timezone.now() + KEEP_FILES,
    )
    _note_phones(run)


def new_path(extension: str) -> Path:
    """Return the path of a new file."""
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{secrets.token_urlsafe(32)}.{extension}"


def path_of(run: ExportRun) -> Path | None:
    """Return the path of the file of a run, or None if there is none (any more)."""
    if not run.file or run.expires_at is None or run.expires_at <= timezone.now():
        return None
    path = _folder() / run.file
    return path if path.is_file() else None


def delete_expired() -> int:
    """Delete the files whose time is over, and those that were never finished. Return their number. Called each day.

    The runs stay: they say who has exported what.
    """
    now, deleted = timezone.now(), 0
    for run in ExportRun.objects.filter(expires_at__lte=now).exclude(file=""):
        (_folder() / run.file).unlink(missing_ok=True)
        ExportRun.objects.filter(pk=run.pk).update(file="", updated_at=now)
        deleted += 1
    known = set(ExportRun.objects.exclude(file="").values_list("file", flat=True))
    folder = _folder()
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in known and path.stat().st_mtime < (now - _UNFINISHED).timestamp():
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted


def _columns(actor: User, export: dict[str, Any], facts: Sequence[Sequence[str]]) -> dict[str, Any]:
    kept = {name: export[name] for name in ("table", "format", "parameters", "columns")}
    return {**kept, "facts": [list(fact) for fact in facts], "started_by": actor}


def _note_phones(run: ExportRun) -> None:
    if "phones" in run.shown and run.started_by is not None:
        record_look(run.started_by, PhoneLook.Kind.EXPORT, subject=str(run.pk))


def _folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "exports"
