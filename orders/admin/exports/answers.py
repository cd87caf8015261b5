"""The answer to a request for an export: the file at once, or a run that writes it."""

from io import BytesIO

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext

from orders.export.files import file_name, format_of, open_export
from orders.export.request import ExportRequest
from orders.export.table import NoSuchTableError

# The file contains names, phones and addresses, so neither a shared computer nor a proxy may cache it.
HEADERS = {"Cache-Control": "no-store, private", "X-Content-Type-Options": "nosniff"}


def answer(request: HttpRequest, export: ExportRequest, *, back: str, start: str = "") -> HttpResponseBase:
    """Return the file. If there is nothing to export, redirect to `back` with a message.

    If the filters do not fit, redirect to `start`.
    """
    try:
        opened = open_export(export)
    except NoSuchTableError:
        messages.error(request, gettext("These filters do not fit: choose them again."))
        return HttpResponseRedirect(start or back)
    if not opened.count:
        messages.warning(request, gettext("There is nothing here to export."))
        return HttpResponseRedirect(back)
    file = BytesIO()  # such a file has a few megabytes
    found = format_of(export)
    found.write(opened, file, lambda _rows: None)
    file.seek(0)
    return FileResponse(
        file, as_attachment=True, filename=file_name(export), content_type=found.content_type, headers=HEADERS
    )
