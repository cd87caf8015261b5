"""The one way out to the network (python-telegram-bot brings its own client).

Every call has a time limit, follows no redirect, reads no more than a sane amount, and puts no secret into an error.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from cvety_crm.masking import mask

MAX_ANSWER_BYTES = 5 * 1024 * 1024


class NoAnswer(Exception):
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
        if value.isdigit():
            return float(value)
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def post_json(url: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, timeout: float) -> Answer:
    """POST `body` as JSON and return whatever is answered, errors and redirects included.

    `timeout` bounds the whole call, in seconds. Raises `NoAnswer` when the connection failed, broke or timed out.
    """
    deadline = time.monotonic() + timeout
    try:
        with requests.post(
            url,
            json=body,
            headers={"Accept": "application/json", **(headers or {})},
            timeout=(min(5.0, timeout), timeout),
            allow_redirects=False,
            stream=True,
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(64 * 1024):
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise NoAnswer("the answer is too large")
                if time.monotonic() > deadline:
                    raise NoAnswer(f"no complete answer within {timeout:g} s")
            text = bytes(content).decode(response.encoding or "utf-8", errors="replace")
            return Answer(response.status_code, response.headers, text)
    except requests.Timeout as error:
        raise NoAnswer(f"no answer within {timeout:g} s") from error
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        raise NoAnswer(f"the connection failed: {_short(error)}") from error
    except requests.RequestException as error:
        raise NoAnswer(_short(error)) from error


def _short(error: Exception) -> str:
    # requests nests the cause; its last words are what helps, and they may hold the address.
    return mask(str(error))[:300]
