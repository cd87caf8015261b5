"""Accept requests that HTTP allows and Django does not: streamed bodies, and a `Content-Type` that can't be parsed.

Django reads a body only up to its Content-Length, so the body of a sender or a proxy that streams it in chunks would be
read as empty.
"""

import tempfile
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import IO, Any

from django.utils.http import parse_header_parameters

LARGEST_BYTES = 20 * 1024 * 1024
"""The limit of a streamed body, which is also the limit of the proxy in docs/production.md."""
_MEMORY_BYTES = 1024 * 1024
_READ_BYTES = 64 * 1024

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class RequestBodies:
    """A WSGI middleware that stores a streamed body in a temporary file and sets its Content-Length.

    It removes the parameters of a `Content-Type` that Django cannot parse. The response is 413 if the body is larger
    than `LARGEST_BYTES`, and 411 if the server does not decode chunks.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, request: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application with a body whose length is known."""
        request = _with_valid_content_type(request)
        if not request.get("HTTP_TRANSFER_ENCODING"):
            return self.application(request, start_response)
        if not request.get("wsgi.input_terminated"):
            return _refuse(HTTPStatus.LENGTH_REQUIRED, start_response)
        with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES) as body:
            length = _copy(request["wsgi.input"], body)
            if length > LARGEST_BYTES:
                return _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, start_response)
            body.seek(0)
            # The view reads the body before it returns its response, so the file may be closed afterwards.
            return self.application({**request, "wsgi.input": body, "CONTENT_LENGTH": str(length)}, start_response)


def _with_valid_content_type(request: Environ) -> Environ:
    content_type = request.get("CONTENT_TYPE") or ""
    try:
        parse_header_parameters(content_type)
    except (LookupError, ValueError):
        return {**request, "CONTENT_TYPE": content_type.partition(";")[0]}
    return request


def _copy(source: Any, target: IO[bytes]) -> int:
    """Copy the stream until it ends or exceeds the limit, and return the number of bytes."""
    length = 0
    while length <= LARGEST_BYTES and (part := source.read(_READ_BYTES)):
        length += target.write(part)
    return length


def _refuse(status: HTTPStatus, start_response: StartResponse) -> Iterable[bytes]:
    body = f"{status.phrase}\n".encode()
    # The rest of the body was not read, so the connection can't be used for another request.
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), ("Connection", "close")]
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]
