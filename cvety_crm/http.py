"""The only module that sends HTTP requests, except for python-telegram-bot, which has its own client.

Every request has a time limit and a size limit for its response, and does not follow redirects. No error contains a
secret.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import Empty, Queue
from typing import Any, TypeVar

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from cvety_crm.masking import mask

MAX_ANSWER_BYTES = 5 * 1024 * 1024
LONGEST_RETRY_AFTER = 1e9
"""The maximum of a Retry-After in seconds. A larger number does not fit a `timedelta`."""


T = TypeVar("T")


class NoAnswerError(Exception):
    """The response is missing or incomplete, so it is unknown whether the request had an effect.

    The message contains no secrets.
    """


class TooLargeError(NoAnswerError):
    """The response is larger than the caller accepts."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def retry_after(self) -> float | None:
        """Return the delay of the Retry-After header in seconds, or None if the header is missing or invalid.

        The header is a number of seconds or a date.
        """
        value = self.headers.get("Retry-After", "").strip()
        if not value:
            return None
        if value.isascii() and value.isdigit():
            return min(float(value), LONGEST_RETRY_AFTER)
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Download:
    """A complete HTTP response to a request for a file."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def post_json(url: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, timeout: float) -> Answer:
    """POST `body` as JSON and return the response, including error responses and redirects.

    `timeout` limits the whole request, in seconds. Raise `NoAnswerError` if the connection fails, breaks or times out.
    """
    return _within(timeout, lambda: _post(url, body, headers or {}, timeout))


def get_file(url: str, *, timeout: float, max_bytes: int) -> Download:
    """GET a file of at most `max_bytes`, and return the response, including error responses and redirects.

    The request has no cookies and no credentials. The caller decides which hosts may be asked. `timeout` limits the
    whole request, in seconds. Raise `NoAnswerError` if the connection fails, breaks or times out, and `TooLargeError`
    if the file is larger.
    """
    return _within(timeout, lambda: _get(url, timeout, max_bytes))


def _within(timeout: float, send: Callable[[], T]) -> T:
    """Return the result of `send`, or raise its exception, or raise `NoAnswerError` after `timeout` seconds."""
    results: Queue[T | Exception] = Queue(maxsize=1)

    def call() -> None:
        try:
            results.put(send())
        except Exception as error:
            results.put(error)

    # The timeout of a socket restarts with each byte, and a DNS lookup has no timeout. A separate thread sends the
    # request, so that this thread can stop waiting for it.
    threading.Thread(target=call, name="http", daemon=True).start()
    try:
        result = results.get(timeout=timeout)
    except Empty:
        raise NoAnswerError(f"no complete answer within {timeout:g} s") from None
    if isinstance(result, Exception):
        raise result
    return result


def _post(url: str, body: Mapping[str, Any], headers: Mapping[str, str], timeout: float) -> Answer:
    with _named_errors(timeout):
        sent = {"Accept": "application/json", **headers}
        with requests.post(
            url, json=body, headers=sent, timeout=_timeouts(timeout), allow_redirects=False, stream=True
        ) as response:
            content = _content(response, timeout, MAX_ANSWER_BYTES)
            return Answer(response.status_code, response.headers, _text(content, response.encoding))


def _get(url: str, timeout: float, max_bytes: int) -> Download:
    with _named_errors(timeout), requests.Session() as session:
        # A .netrc entry would send a password to the host. Proxies are used as for other requests.
        session.trust_env = False
        session.proxies.update(requests.utils.get_environ_proxies(url))
        sent = {"Accept": "*/*", "Accept-Encoding": "identity"}
        with session.get(url, headers=sent, timeout=_timeouts(timeout), allow_redirects=False, stream=True) as response:
            return Download(response.status_code, response.headers, _content(response, timeout, max_bytes))


def _timeouts(timeout: float) -> tuple[float, float]:
    return min(5.0, timeout), timeout


def _content(response: requests.Response, timeout: float, max_bytes: int) -> bytes:
    deadline = time.monotonic() + timeout
    content = bytearray()
    # Read the bytes as they arrive, not in full blocks, so that the deadline is checked often.
    while chunk := response.raw.read1(64 * 1024, decode_content=True):
        content += chunk
        if len(content) > max_bytes:
            raise TooLargeError("the answer is too large")
        if time.monotonic() > deadline:
            raise NoAnswerError(f"no complete answer within {timeout:g} s")
    return bytes(content)


@contextmanager
def _named_errors(timeout: float) -> Iterator[None]:
    try:
        yield
    except (requests.Timeout, ReadTimeoutError) as error:
        raise NoAnswerError(f"no answer within {timeout:g} s") from error
    except (requests.ConnectionError, HTTPError) as error:
        raise NoAnswerError(f"the connection failed: {_short(error)}") from error
    except requests.RequestException as error:
        raise NoAnswerError(_short(error)) from error


def _text(content: bytes, charset: str | None) -> str:
    # JSON is UTF-8 even if the header differs: PHP may name a different charset, and requests assumes Latin-1 if no
    # charset is named.
    for encoding, errors in (("utf-8", "strict"), (charset or "utf-8", "replace")):
        try:
            return content.decode(encoding, errors)
        except (LookupError, ValueError):  # unknown charset, a codec that is not for text, or bytes that do not fit
            continue
    return content.decode(errors="replace")


def _short(error: Exception) -> str:
    # The message includes the nested cause, and may include the URL with its secrets.
    return mask(str(error))[:300]
