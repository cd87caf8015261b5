"""The answer to a request for an export: the file at once, or a run that writes it."""

import logging
from io import BytesIO
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext

from cvety_crm.users import staff_user
from orders.exceptions import NotAllowedError
from orders.export.files import file_name, format_of, open_export, table_of
from orders.export.opened import OpenExport
from orders.export.request import ExportRequest
from orders.export.table import NoSuchTableError
from orders.export.worker import slice_task
from orders.models import ExportRun
from orders.services import exports

logger = logging.getLogger(__name__)
AT_ONCE = 5000
"""The largest number of rows that are sent at once. The worker writes larger files."""
# The file contains names, phones and addresses, so neither a shared computer nor a proxy may cache it.
HEADERS = {"Cache-Control": "no-store, private", "X-Content-Type-Options": "nosniff"}


def answer(request: HttpRequest, export: ExportRequest, *, back: str, start: str = "") -> HttpResponseBase:
    """Return the file, or redirect to the page of the run that writes it if it has more than `AT_ONCE` rows.

    If there is nothing to export, redirect to `back` with a message. If the filters do not fit, redirect to `start`.
    Raise `PermissionDenied` if the user may not export the table.
    """
    try:
        if not table_of(export).may_export(request.user):
            raise PermissionDenied
        opened = open_export(export)
    except NoSuchTableError:
        messages.error(request, gettext("These filters do not fit: choose them again."))
        return HttpResponseRedirect(start or back)
    if not opened.count:
        messages.warning(request, gettext("There is nothing here to export."))
        return HttpResponseRedirect(back)
    # The log of the process does not contain the query, because a search can contain names and phones.
    user = staff_user(request)
    logger.info("%s exports %s rows of %s as %s", user.get_username(), opened.count, export.table, export.format)
    return _run(request, opened, back) if opened.count > AT_ONCE else _at_once(request, opened)


def attachment(file: Any, name: str, content_type: str) -> FileResponse:
    """Return a file that the browser saves under this name."""
    return FileResponse(file, as_attachment=True, filename=name, content_type=content_type, headers=HEADERS)


def _at_once(request: HttpRequest, opened: OpenExport) -> HttpResponseBase:
    export, file_format = opened.request, format_of(opened.request)
    file = BytesIO()  # such a file has a few megabytes
    rows = file_format.write(opened, file, lambda _rows: None)
    exports.note_export(
        actor=staff_user(request),
        export=export.as_json(),
        facts=opened.content.facts,
        shown=opened.shown(),
        rows=rows,
    )
    file.seek(0)
    return attachment(file, file_name(export), file_format.content_type)


def _run(request: HttpRequest, opened: OpenExport, back: str) -> HttpResponseBase:
    try:
        with transaction.atomic():
            run = exports.start_export(
                actor=staff_user(request),
                export=opened.request.as_json(),
                facts=opened.content.facts,
                rows=opened.count,
            )
            slice_task.schedule(run)
    except NotAllowedError as refusal:
        messages.warning(request, str(refusal))
        return HttpResponseRedirect(back)
    return HttpResponseRedirect(run_url(run))


def run_url(run: ExportRun) -> str:
    """Return the URL of the page of a run."""
    return reverse("admin:orders_exportrun_change", args=[run.pk])
