"""Send requests to the configured bridge. A site check needs more data of the responses than `BridgeClient` returns.

A request that changes or deletes an order is sent only if a check created the order.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from bitrix_bridge.payloads import is_check_order
from cvety_crm.http import NoAnswerError, post_json
from cvety_crm.masking import truncate_masked

Request = dict[str, Any]

CHANGING = frozenset({"order.status", "order.update", "order.delete"})
LINE_LENGTH = 200


class NoReplyError(Exception):
    """The site gave no complete response, so the result of the request is unknown. The message may be shown."""


class NotOwnOrderError(Exception):
    """A request would change an order that no check created, or the site returned such an order."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why the bridge refused a request, with the step that failed."""

    status: int
    code: str
    step: str
    message: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A response: its HTTP status, and its JSON object or, if it is not a JSON object, its first line."""

    status: int
    body: Mapping[str, Any] | None
    first_line: str = ""
    milliseconds: int = 0

    @property
    def refusal(self) -> Refusal | None:
        """Return the refusal, or None if the request succeeded."""
        if self.body is None:
            return Refusal(self.status, "", "", self.first_line)
        if 200 <= self.status < 300 and self.body.get("success") is True:
            return None
        error = self.body.get("error")
        # The site's earlier endpoint returns the error as a string.
        error = error if isinstance(error, Mapping) else {"message": error}
        code, step, message = (str(error.get(name) or "") for name in ("code", "step", "message"))
        return Refusal(self.status, code, step, message)

    @property
    def data(self) -> Mapping[str, Any]:
        """Return the JSON object of the response. It is empty if the response is not a JSON object."""
        return self.body or {}


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was sent, with the response or the reason why there was no response."""

    request: Mapping[str, Any]
    reply: Reply | None
    failure: str = ""


@dataclass(slots=True)
class SiteBridge:
    """The bridge in the settings. `calls` are the requests that were sent and are shown in the report."""

    url: str = field(default_factory=lambda: settings.BITRIX_API_URL)
    token: str = field(default_factory=lambda: settings.BITRIX_API_TOKEN, repr=False)
    timeout: float = field(default_factory=lambda: settings.OUTBOX_TIMEOUT)
    calls: list[Call] = field(default_factory=list)
    own: dict[int, str] = field(default_factory=dict)
    """Id -> XML_ID of each order that the check may change."""

    @property
    def host(self) -> str:
        """Return the host and port to display. The path is left out because it may contain a secret."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname or "?")

    def record_own(self, order_id: int, xml_id: Any) -> None:
        """Record that a check created the order. Raise `NotOwnOrderError` if its `XML_ID` is not from a check."""
        if not is_check_order(xml_id):
            raise NotOwnOrderError(str(order_id))
        self.own[order_id] = str(xml_id)

    def send(self, request: Request, *, is_reported: bool = True) -> Reply:
        """Send a request and return the response, which may be a refusal.

        Raise `NoReplyError` if the site gives no complete response. Raise `NotOwnOrderError` and send nothing if the
        request would change an order that no check created.
        """
        if request["action"] in CHANGING and request.get("order_id") not in self.own:
            raise NotOwnOrderError(str(request.get("order_id")))
        started = time.monotonic()
        try:
            answer = post_json(self.url, request, headers={"X-API-TOKEN": self.token}, timeout=self.timeout)
        except NoAnswerError as error:
            if is_reported:
                self.calls.append(Call(request, None, str(error)))
            raise NoReplyError(str(error)) from error
        milliseconds = round((time.monotonic() - started) * 1000)
        body = _object(answer.text)
        line = "" if body is not None else truncate_masked(answer.text.strip().partition("\n")[0], LINE_LENGTH)
        reply = Reply(answer.status, body, line, milliseconds)
        if is_reported:
            self.calls.append(Call(request, reply))
        return reply


def _object(text: str) -> dict[str, Any] | None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
