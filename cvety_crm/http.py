"""The only module that sends HTTP requests, except for python-telegram-bot, which has its own client.

Every request has a time limit and a size limit for its response, and does not follow redirects. No error contains a
secret.
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
"""The maximum of a Retry-After in seconds. A larger number does not fit a `timedelta`."""


class NoAnswerError(Exception):
    """The response is missing or incomplete, so it is unknown whether the request had an effect.

    The message contains no secrets.
    """


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


def post_json(url: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, timeout: float) -> Answer:
    """POST `body` as JSON and return the response, including error responses and redirects.

    `timeout` limits the whole request, in seconds. Raise `NoAnswerError` if the connection fails, breaks or times out.
    """
    results: Queue[Answer | Exception] = Queue(maxsize=1)

    def call() -> None:
        try:
            results.put(_post(url, body, headers or {}, timeout))
        except Exception as error:
            results.put(error)

    # The timeout of a socket restarts with each byte, and a DNS lookup has no timeout. A separate thread sends the
    # request, so that this thread can stop waiting for it.
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
            # Read the bytes as they arrive, not in full blocks, so that the deadline is checked often.
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
