"""The one way out to the network (python-telegram-bot brings its own client).

Every call has a time limit, follows no redirect, reads no more than a sane amount, and puts no secret into an error.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import Empty, Queue
from typing import Any

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from cvety_crm.masking import mask

MAX_ANSWER_BYTES = 5 * 1024 * 1024
LONGEST_RETRY_AFTER = 1e9
"""Seconds; what is longer fits no timedelta."""


class NoAnswerError(Exception):
    """The other side gave no complete answer: whether it did the work is not known. The text is safe to show."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read whole."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def retry_after(self) -> float | None:
        """Return Retry-After in seconds, whether it came as seconds or as a date; None when absent or unreadable."""
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


def post_json(url: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, timeout: float) -> Answer:
    """POST `body` as JSON and return whatever is answered, errors and redirects included.

    `timeout` bounds the whole call, in seconds. Raises `NoAnswerError` when the connection failed, broke or timed out.
    """
    results: Queue[Answer | Exception] = Queue(maxsize=1)

    def call() -> None:
        try:
            results.put(_post(url, body, headers or {}, timeout))
        except Exception as error:
            results.put(error)

    # The time limit of a socket starts anew with each byte, and looking up a name has none: only somebody who does not
    # read himself can stop waiting.
    threading.Thread(target=call, name="post_json", daemon=True).start()
    try:
        result = results.get(timeout=timeout)
    except Empty:
        raise NoAnswerError(f"no complete answer within {timeout:g} s") from None
    if isinstance(result, Exception):
        raise result
    return result


def _post(url: str, body: Mapping[str, Any], headers: Mapping[str, str], timeout: float) -> Answer:
    deadline = time.monotonic() + timeout
    try:
        with requests.post(
            url,
            json=body,
            headers={"Accept": "application/json", **headers},
            timeout=(min(5.0, timeout), timeout),
            allow_redirects=False,
            stream=True,
        ) as response:
            content = bytearray()
            # As it comes, not once a block is full: whoever waits may have gone by then.
            while chunk := response.raw.read1(64 * 1024, decode_content=True):
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise NoAnswerError("the answer is too large")
                if time.monotonic() > deadline:
                    raise NoAnswerError(f"no complete answer within {timeout:g} s")
            return Answer(response.status_code, response.headers, _text(bytes(content), response.encoding))
    except (requests.Timeout, ReadTimeoutError) as error:
        raise NoAnswerError(f"no answer within {timeout:g} s") from error
    except (requests.ConnectionError, HTTPError) as error:
        raise NoAnswerError(f"the connection failed: {_short(error)}") from error
    except requests.RequestException as error:
        raise NoAnswerError(_short(error)) from error


def _text(content: bytes, charset: str | None) -> str:
    # JSON is UTF-8 whatever the header says: PHP may name another charset, and none at all counts as Latin-1.
    for encoding, errors in (("utf-8", "strict"), (charset or "utf-8", "replace")):
        try:
            return content.decode(encoding, errors)
        except (LookupError, ValueError):  # no such charset, or none of text; not in this charset
            continue
    return content.decode(errors="replace")


def _short(error: Exception) -> str:
    # requests nests the cause; its last words are what helps, and they may hold the address.
    return mask(str(error))[:300]
