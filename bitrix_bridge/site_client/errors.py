"""Classify the site's error responses with one table for the PHP bridge and for REST.

An unknown error is permanent: staff see it at once, because it is not known whether a retry would help.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.http import Answer
from cvety_crm.masking import truncate_masked
from cvety_crm.outbox import DeliveryError, MisconfiguredError, PermanentDeliveryError, TemporaryDeliveryError
from orders.sync.site_response import FieldRefusal


class StatusConflictError(Exception):
    """The status was not set, because the order's status on the site is not the expected status."""

    def __init__(self, status_id: str, version: int | None) -> None:
        super().__init__(status_id)
        self.status_id, self.version = status_id, version


class OrderNotFoundError(PermanentDeliveryError):
    """The site has no order with this id."""


class OrderArchivedError(PermanentDeliveryError):
    """The site has moved the order to its archive and has not deleted it."""


class Transport(Enum):
    """A transport to the site. The value is the name of the setting that contains the address."""

    BRIDGE = "BITRIX_API_URL"
    REST = "BITRIX_REST_URL"


SECRET_SETTINGS = {Transport.BRIDGE: "BITRIX_API_TOKEN", Transport.REST: "BITRIX_REST_URL"}
"""Transport -> the name of the setting that contains the secret. The secret of REST is a part of the address."""


class Meaning(Enum):
    """The meaning of an error. It shows whether a retry, a change of the order or a change of the settings can help."""

    LATER = auto()
    NOT_JSON = auto()
    REFUSED = auto()
    NO_SUCH_ORDER = auto()
    ARCHIVED = auto()
    WRONG_ADDRESS = auto()
    ACCESS_DENIED = auto()
    SITE_NOT_READY = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: conditions on an error response, and its meaning. An empty condition always matches."""

    meaning: Meaning
    source: str
    """The documentation or source file that defines this meaning."""
    codes: tuple[str, ...] = ()
    statuses: range | tuple[int, ...] = ()
    transport: Transport | None = None
    is_json: bool | None = None

    def fits(self, transport: Transport, status: int, code: str | None, is_json: bool) -> bool:
        """Return whether a response with this HTTP status and error code matches the row."""
        return (
            (not self.codes or (code is not None and code in self.codes))
            and (not self.statuses or status in self.statuses)
            and self.transport in (None, transport)
            and self.is_json in (None, is_json)
        )


_SYSTEM = "REST documentation, system-errors.md"
_LIMITS = "REST documentation, limits.md"
_MODULE = "rest module, lib/engine"
_ORDER = "sale/lib/controller/order.php"
_HTTP = "RFC 9110 and RFC 6585"
_BRIDGE = "docs/bitrix.md"

TABLE: tuple[Row, ...] = (
    # REST's own error codes are more precise than the HTTP status.
    Row(Meaning.LATER, _LIMITS, ("QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT")),
    # Bitrix has blocked REST manually. The HTTP status is 503, but a retry does not help.
    Row(Meaning.SITE_NOT_READY, _LIMITS, ("OVERLOAD_LIMIT",)),
    Row(Meaning.LATER, _SYSTEM, ("INTERNAL_SERVER_ERROR", "ERROR_UNEXPECTED_ANSWER")),
    # The site also returns this code, with the HTTP status 403 or 500, while it is closed for maintenance.
    Row(Meaning.LATER, _MODULE, ("PORTAL_DELETED",)),
    Row(
        Meaning.ACCESS_DENIED,
        _SYSTEM,
        (
            "NO_AUTH_FOUND",
            "expired_token",
            "INVALID_CREDENTIALS",
            "insufficient_scope",
            "ACCESS_DENIED",
            "user_access_error",
            "authorization_error",
        ),
    ),
    Row(Meaning.ACCESS_DENIED, _ORDER, ("200040300010", "200040300020")),
    Row(Meaning.SITE_NOT_READY, _SYSTEM, ("ERROR_METHOD_NOT_FOUND",)),
    # The site's message is "Https required".
    Row(Meaning.SITE_NOT_READY, _MODULE, ("INVALID_REQUEST",)),
    # The first code is in the documentation, the second code is in the source.
    Row(Meaning.NO_SUCH_ORDER, _ORDER, ("200540400001", "201240400001")),
    Row(Meaning.ARCHIVED, _BRIDGE, ("order_archived",), (404,), transport=Transport.BRIDGE),
    # The rows below do not use the error code, because it is missing or adds no information.
    Row(Meaning.WRONG_ADDRESS, _HTTP, statuses=range(300, 400)),
    Row(Meaning.ACCESS_DENIED, _HTTP, statuses=(401, 403)),
    Row(Meaning.LATER, _HTTP, statuses=(408, 425, 429)),
    Row(Meaning.LATER, _HTTP, statuses=range(500, 600)),
    # The response is a page of a proxy, a maintenance page or a PHP warning. A retry may get a proper response.
    Row(Meaning.NOT_JSON, _BRIDGE, is_json=False),
    Row(Meaning.NO_SUCH_ORDER, _BRIDGE, statuses=(404,), transport=Transport.BRIDGE),
    Row(Meaning.REFUSED, "closed by default"),
)
"""The first row that matches is used. The last row matches every response."""


def meaning_of(transport: Transport, status: int, code: str | None, *, is_json: bool) -> Meaning:
    """Return the meaning of an error response. `code` is the site's own error code as a string, or None."""
    return next(row.meaning for row in TABLE if row.fits(transport, status, code, is_json))


def failure(
    transport: Transport, answer: Answer, data: dict[str, Any] | None, *, code: str | None, text: str
) -> DeliveryError:
    """Return the exception to raise for an error response.

    `data` is the JSON object of the response, or None. `code` and `text` are the site's error code and message.
    """
    meaning = meaning_of(transport, answer.status, code, is_json=data is not None)
    known = _REFUSAL_TEXTS.get(code or "") if transport is Transport.BRIDGE else None
    kind, message = _KINDS[meaning], _message(meaning, transport, answer, data, str(known or text or code or ""))
    shown = code or f"HTTP {answer.status}"
    if issubclass(kind, TemporaryDeliveryError):
        return kind(message, code=shown, answer=answer.text, retry_after=answer.retry_after)
    return kind(message, code=shown, answer=answer.text)


def refused_part(refusal: FieldRefusal) -> PermanentDeliveryError:
    """Return the exception for a field that the site refused in a request that it otherwise accepted."""
    text = str(_REFUSAL_TEXTS.get(refusal.code) or refusal.message)
    return PermanentDeliveryError(gettext("The site refused: %(text)s") % {"text": text}, code=refusal.code)


def unusable_list(error: Exception) -> DeliveryError:
    """Return the exception for a list of orders whose ids are missing or not sorted."""
    message = gettext("The site's list of orders can't be read: its ids are missing or not sorted.")
    return PermanentDeliveryError(message, answer=str(error))


_KINDS: dict[Meaning, type[DeliveryError]] = {
    Meaning.LATER: TemporaryDeliveryError,
    Meaning.NOT_JSON: TemporaryDeliveryError,
    Meaning.REFUSED: PermanentDeliveryError,
    Meaning.NO_SUCH_ORDER: OrderNotFoundError,
    Meaning.ARCHIVED: OrderArchivedError,
    Meaning.WRONG_ADDRESS: MisconfiguredError,
    Meaning.ACCESS_DENIED: MisconfiguredError,
    Meaning.SITE_NOT_READY: MisconfiguredError,
}


_REFUSAL_TEXTS = {
    "payment_paid": _("it is paid there, and what is paid keeps its pay system."),
    "payments": _("it has several payments there: change them on the site."),
    "no_payment": _("it has no payment there: choose a payment method first."),
    "pay_system_unknown": _("it has no such pay system: see the page “Pay systems”."),
}
"""The bridge's error codes after which staff can do something -> the end of the message for staff (docs/bitrix.md)."""


def _message(meaning: Meaning, transport: Transport, answer: Answer, data: dict[str, Any] | None, text: str) -> str:
    if meaning is Meaning.LATER:
        detail = text or (gettext("HTML instead of JSON") if data is None else "")
        return gettext("The site has an error of its own (%(status)s). %(text)s") % {
            "status": answer.status,
            "text": detail,
        }
    if meaning is Meaning.NOT_JSON:
        first_line = truncate_masked(answer.text.strip().split("\n", 1)[0], 200) or gettext("an empty response")
        return gettext("The site's response is not JSON: %(line)s") % {"line": first_line}
    if meaning is Meaning.NO_SUCH_ORDER:
        return gettext("The site has no such order. %(text)s") % {"text": text}
    if meaning is Meaning.ARCHIVED:
        return gettext("The order is in the site's archive.")
    if meaning is Meaning.WRONG_ADDRESS:
        target = truncate_masked(answer.headers.get("Location", ""), 200) or "?"
        message = gettext("The site redirects to %(target)s: the exact address has to be in %(setting)s.")
        return message % {"target": target, "setting": transport.value}
    if meaning is Meaning.ACCESS_DENIED:
        message = gettext("The site does not accept %(setting)s. %(text)s")
        return (message % {"setting": SECRET_SETTINGS[transport], "text": text}).strip()
    return gettext("The site refused: %(text)s") % {"text": text or f"HTTP {answer.status}"}
