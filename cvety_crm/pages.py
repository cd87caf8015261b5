"""The public home page, and the pages that are shown instead of an error."""

import errno
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe
from django.views.defaults import server_error

RETRY_AFTER = 15
"""Seconds after which a page that could not reach the database is requested again."""


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Return the home page with status 200. It only states that the service is running."""
    return render(request, "cvety_crm/home.html")


def on_error(request: HttpRequest) -> HttpResponse:
    """Return the page for an error that no view has handled: 503 if the database is not available, 507 if an upload
    fills the disk, else 500.

    A page that was only read is requested again by itself. A form is not sent again, because nothing was saved.
    """
    error = sys.exc_info()[1]
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return HttpResponse(render_to_string("507.html"), status=507)
    if not isinstance(error, OperationalError | InterfaceError):
        return server_error(request)
    # The page is rendered without the request, whose user would be read from the database.
    repeats = request.method in ("GET", "HEAD")
    text = render_to_string("503.html", {"repeats": repeats, "seconds": RETRY_AFTER})
    return HttpResponse(text, status=503, headers={"Retry-After": str(RETRY_AFTER)})
