"""The worker's task that writes the file of a run."""

from datetime import timedelta

from django.utils.translation import gettext

from cvety_crm.long_runs.slices import IsOverTime, SliceTask
from orders.exceptions import NotAllowedError
from orders.export.files import format_of, open_export
from orders.export.request import ExportRequest
from orders.export.table import NoSuchTableError
from orders.models import ExportRun
from orders.services import exports

SECONDS = 900
"""The time limit of the task, which is shorter than the time after which the queue starts a task again."""


def request_of(run: ExportRun) -> ExportRequest:
    """Return what a run exports."""
    return ExportRequest(run.table, run.format, run.parameters, tuple(run.columns), run.started_by_id or 0)


def work(run: ExportRun, _is_over_time: IsOverTime = lambda: False) -> timedelta | None:
    """Write the file of a run that this process has leased, and finish the run.

    A file can't be continued by another process, so it is written in one go. Raise `NotAllowedError` if the user may
    not export the table any more, and `LeaseLostError` if the run was stopped. Then the file is deleted.
    """
    exports.begin_file(run)
    export = request_of(run)
    try:
        opened = open_export(export)
    except NoSuchTableError as error:
        raise NotAllowedError(gettext("These filters do not fit: choose them again.")) from error
    file_format = format_of(export)
    path = exports.new_path(file_format.extension)
    try:
        with path.open("xb") as file:
            rows = file_format.write(opened, file, lambda rows: exports.record_rows(run, rows))
        exports.finish_export(run, file=path, rows=rows, shown=opened.shown())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return None


slice_task = SliceTask(
    exports.export_runs,
    work,
    path="orders.export.worker.write",
    seconds=SECONDS,
    final_errors=(NotAllowedError,),
    timeout=SECONDS,
)


def write(run_id: str) -> None:
    """Write the file of a run. This is a task of the worker."""
    slice_task.run(run_id)


def pick_up() -> bool:
    """Queue the runs that no worker has. The worker calls this function each minute."""
    return slice_task.pick_up()
