"""The file of a run, which is made once and sent to all recipients."""

import time
from collections.abc import Callable
from io import BytesIO

from django.utils.translation import gettext

from cvety_crm.outbox import PermanentDeliveryError
from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.export.files import format_of, open_export
from orders.export.formats import FORMATS
from orders.export.request import ExportRequest
from orders.export.table import ExportTable, NoSuchTableError
from orders.export.tables import TABLES
from orders.models import ReportRun, ReportSchedule
from orders.report_sending.headline import headline_text
from orders.report_sending.parameters import query_of, report_of, scope_of
from orders.rules.visibility import may_see_phones
from orders.services.exports import note_export
from orders.services.report_schedules import keep_file

SECONDS = 30.0
"""The time in which the file must be made, so that the file can be sent within the same lease of the outbox."""


def check_rights(run: ReportRun) -> None:
    """Raise `PermanentDeliveryError` if the user of the schedule may not export the table any more."""
    table, user = _table(run.schedule), run.schedule.run_as
    if user is None or not (user.is_active and user.is_staff and table.may_export(user)):
        raise PermanentDeliveryError(
            gettext("%(name)s may not export this table any more. Someone who may must save the scheduled report.")
            % {"name": user or "—"}
        )


def with_file(run: ReportRun) -> ReportRun:
    """Return the run with its file, which is made now if there is none, or if its user may see less than it shows.

    Raise `PermanentDeliveryError` if the table no longer exists, or if the file can't be made in time.
    """
    schedule, table = run.schedule, _table(run.schedule)
    if run.file.name and run.file.storage.exists(run.file.name) and set(run.shown) <= _visible_to(schedule.run_as):
        return run
    scope = scope_of(schedule, run)
    columns = tuple(schedule.sent_columns)
    request = ExportRequest(table.key, schedule.file_format, query_of(table, scope), columns, schedule.run_as_id or 0)
    file = BytesIO()
    try:
        opened = open_export(request)
        rows = format_of(request).write(opened, file, _deadline(SECONDS))
    except NotAllowedError as error:
        raise PermanentDeliveryError(str(error)) from None
    except NoSuchTableError as error:
        raise PermanentDeliveryError(
            gettext("The table or its filters no longer exist (%(what)s). Save the scheduled report again.")
            % {"what": error}
        ) from None
    extension = FORMATS[request.format].extension
    name = f"{table.file_name}-{_days(run)}.{extension}"
    summary = headline_text(str(table.label), report_of(table), scope, opened.user)
    shown = opened.shown()
    note_export(actor=opened.user, export=request.as_json(), facts=opened.content.facts, shown=shown, rows=rows)
    kept = keep_file(
        run.pk,
        content=file.getvalue(),
        file_name=name,
        rows=rows,
        title=schedule.name,
        summary=summary,
        shown=[*shown, "prices"] if opened.reader.sees_all_prices and "prices" not in shown else shown,
    )
    kept.schedule = schedule
    return kept


def content_type(run: ReportRun) -> str:
    """Return the content type of the run's file."""
    extension = run.file_name.rpartition(".")[2]
    return next((one.content_type for one in FORMATS.values() if one.extension == extension), "")


def _table(schedule: ReportSchedule) -> ExportTable:
    table = TABLES.get(schedule.table)
    if table is None:
        raise PermanentDeliveryError(
            gettext("The table or its filters no longer exist (%(what)s). Save the scheduled report again.")
            % {"what": schedule.table}
        )
    return table


def _visible_to(user: User | None) -> set[str]:
    if user is None:
        return set()
    sees = {"phones": may_see_phones(user), "prices": user.has_perm("orders.view_all_prices")}
    return {name for name, may_see in sees.items() if may_see}


def _days(run: ReportRun) -> str:
    if run.first_day == run.last_day:
        return f"{run.first_day:%Y-%m-%d}"
    return f"{run.first_day:%Y-%m-%d}-{run.last_day:%Y-%m-%d}"


def _deadline(seconds: float) -> Callable[[int], None]:
    until = time.monotonic() + seconds

    def check(rows: int) -> None:
        if time.monotonic() > until:
            raise PermanentDeliveryError(
                gettext("The file takes too long to make (%(rows)s rows so far). Choose fewer days.") % {"rows": rows}
            )

    return check
