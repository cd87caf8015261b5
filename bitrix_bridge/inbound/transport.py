"""Read the bytes of a webhook's body and decompress them.

HTTP lets the sender and each proxy choose how a body is transmitted: with a length or in chunks, compressed or not.
"""

import zlib
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest
from django.http.request import UnreadablePostError

DECODED = ("gzip", "x-gzip", "deflate")
"""The content codings that the CRM decodes. `Accept-Encoding` of a refusal lists them."""

_GZIP = b"\x1f\x8b"
_ZLIB_OR_GZIP, _RAW_DEFLATE = zlib.MAX_WBITS | 32, -zlib.MAX_WBITS
_MOST_CODINGS = 3


class BadBodyError(Exception):
    """The body is not accepted.

    The message describes the error and its position in English, for the sender's log. `received` contains the bytes
    that are known.
    """

    def __init__(
        self,
        message: str,
        *,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        error: str = "invalid_payload",
        received: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.received = received


def read_body(request: HttpRequest) -> bytes:
    """Return the decompressed body. Raise `BadBodyError` if it is too large, incomplete or cannot be decompressed."""
    return _decompress(_read(request), _codings(request))


def _read(request: HttpRequest) -> bytes:
    limit = settings.WEBHOOK_MAX_BYTES
    try:
        raw = request.read(limit + 1)
    except UnreadablePostError as error:
        raise _incomplete(b"") from error
    if len(raw) > limit:
        raise _too_large(raw)
    declared = request.META.get("CONTENT_LENGTH")
    if not declared and not raw:
        message = "the request has neither Content-Length nor Transfer-Encoding: chunked"
        raise BadBodyError(message, status=HTTPStatus.LENGTH_REQUIRED, error="length_required")
    if declared and declared.isdecimal() and len(raw) < int(declared):
        raise _incomplete(raw)
    return raw


def _codings(request: HttpRequest) -> list[str]:
    """Return the codings of the body, in the sequence in which they were applied."""
    names = f"{request.headers.get('Content-Encoding', '')},{request.headers.get('Transfer-Encoding', '')}".split(",")
    return [coding for name in names if (coding := name.strip().lower()) not in ("", "identity", "chunked")]


def _decompress(raw: bytes, codings: list[str]) -> bytes:
    unknown = [coding for coding in codings if coding not in DECODED]
    if unknown or len(codings) > _MOST_CODINGS:
        message = f"Content-Encoding: {', '.join(codings)} is not supported"
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        raise BadBodyError(message, status=status, error="unsupported_encoding", received=raw)
    for coding in reversed(codings):
        raw = _inflated(raw, coding)
    # Some senders compress the body and omit the header. No JSON and no form begins with these bytes.
    return _inflated(raw, "gzip") if raw.startswith(_GZIP) else raw


def _inflated(raw: bytes, coding: str) -> bytes:
    for window in (_ZLIB_OR_GZIP, _RAW_DEFLATE):
        try:
            return _inflate(raw, window)
        except zlib.error:
            continue
    if _is_text(raw):  # a proxy has decompressed the body and kept the header
        return raw
    raise BadBodyError(f"the body is not {coding}, or it is damaged", received=raw)


def _inflate(raw: bytes, window: int) -> bytes:
    """Return the decompressed bytes of all members.

    Raise `zlib.error` if the data has a different format, and `BadBodyError` if the result exceeds the limit.
    """
    limit = settings.WEBHOOK_MAX_BYTES
    found = b""
    while raw:
        stream = zlib.decompressobj(window)
        found += stream.decompress(raw, limit + 1 - len(found))
        if len(found) > limit:
            raise _too_large(found)
        if not stream.eof:
            raise zlib.error("incomplete")
        raw = stream.unused_data.lstrip(b"\0")
    return found


def _is_text(raw: bytes) -> bool:
    try:
        return b"\0" not in raw.rstrip(b"\0") and bool(raw.decode())
    except UnicodeDecodeError:
        return False


def _too_large(received: bytes) -> BadBodyError:
    message = f"limit: {settings.WEBHOOK_MAX_BYTES} bytes"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return BadBodyError(message, status=status, error="too_large", received=received)


def _incomplete(received: bytes) -> BadBodyError:
    message = f"the connection ended after {len(received)} bytes of the body"
    return BadBodyError(message, status=HTTPStatus.REQUEST_TIMEOUT, error="incomplete", received=received)
