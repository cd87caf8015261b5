"""The id that log lines of one request have in common, also those of the worker that continues its work.

A request gets the id of its header `X-Request-Id`, such as a proxy sets it, or a new one. The webhook event and the
push store it, and the worker takes it from there.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_only_middleware

HEADER = "X-Request-Id"
LENGTH = 64
WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
"""An id of a proxy. Any other text could break the lines of a log, or be a secret."""

_current: ContextVar[str] = ContextVar("correlation_id", default="")

View = Callable[[HttpRequest], HttpResponse]


def current_id() -> str:
    """Return the id of the present work, or an empty string."""
    return _current.get()


@contextmanager
def correlated(correlation_id: str) -> Iterator[None]:
    """Let all work in this block have the id, or a new one if it is empty."""
    token = _current.set(correlation_id or uuid4().hex)
    try:
        yield
    finally:
        _current.reset(token)


@sync_only_middleware
def add_request_id(get_response: View) -> View:
    """Return a middleware that gives each request an id, and names it in the response."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        with correlated(given if WELL_FORMED.fullmatch(given) else ""):
            response = get_response(request)
            response.headers[HEADER] = current_id()
        return response

    return middleware
