"""What an answer of the site other than success amounts to: one table for the PHP bridge and for REST.

Closed by default: what is not known to pass by itself is shown to a person at once.
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
    """Compare and set failed: the site has another status than the one expected."""

    def __init__(self, status_id: str, version: int | None) -> None:
        super().__init__(status_id)
        self.status_id, self.version = status_id, version


class OrderNotFoundError(PermanentDeliveryError):
    """The site has no such order."""


class OrderArchivedError(PermanentDeliveryError):
    """The site has put the order into its archive: it is no longer among the others, and was not deleted."""


class Transport(Enum):
    """A way to the site; the value is the setting that holds its address."""

    BRIDGE = "BITRIX_API_URL"
    REST = "BITRIX_REST_URL"


SECRET_OF = {Transport.BRIDGE: "BITRIX_API_TOKEN", Transport.REST: "BITRIX_REST_URL"}
"""The setting that opens the door: REST's address holds its secret."""


class Meaning(Enum):
    """What helps: time, a person who looks at the order, or a person who puts the settings right."""

    LATER = auto()
    NOT_JSON = auto()
    REFUSED = auto()
    NO_SUCH_ORDER = auto()
    ARCHIVED = auto()
    WRONG_ADDRESS = auto()
    NOT_LET_IN = auto()
    SITE_NOT_READY = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """Answers of a kind. What is None, or an empty tuple, fits every answer."""

    meaning: Meaning
    source: str
    """Where it is said that it means this."""
    codes: tuple[str, ...] = ()
    statuses: range | tuple[int, ...] = ()
    transport: Transport | None = None
    is_json: bool | None = None

    def fits(self, transport: Transport, status: int, code: str | None, is_json: bool) -> bool:
        """Return whether an answer with this HTTP status and error code is of the row's kind."""
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
    # Words and numbers of REST say more than the HTTP status that comes with them.
    Row(Meaning.LATER, _LIMITS, ("QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT")),
    # Blocked by hand: with 503, but no repetition ends it.
    Row(Meaning.SITE_NOT_READY, _LIMITS, ("OVERLOAD_LIMIT",)),
    Row(Meaning.LATER, _SYSTEM, ("INTERNAL_SERVER_ERROR", "ERROR_UNEXPECTED_ANSWER")),
    # The site's "closed for maintenance" switch says it too, with 403 or 500.
    Row(Meaning.LATER, _MODULE, ("PORTAL_DELETED",)),
    Row(
        Meaning.NOT_LET_IN,
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
    Row(Meaning.NOT_LET_IN, _ORDER, ("200040300010", "200040300020")),
    Row(Meaning.SITE_NOT_READY, _SYSTEM, ("ERROR_METHOD_NOT_FOUND",)),
    # "Https required".
    Row(Meaning.SITE_NOT_READY, _MODULE, ("INVALID_REQUEST",)),
    # The documentation says the one, the source the other.
    Row(Meaning.NO_SUCH_ORDER, _ORDER, ("200540400001", "201240400001")),
    Row(Meaning.ARCHIVED, _BRIDGE, ("order_archived",), (404,), transport=Transport.BRIDGE),
    # From here on only the HTTP status is known, or a code that says no more than it.
    Row(Meaning.WRONG_ADDRESS, _HTTP, statuses=range(300, 400)),
    Row(Meaning.NOT_LET_IN, _HTTP, statuses=(401, 403)),
    Row(Meaning.LATER, _HTTP, statuses=(408, 425, 429)),
    Row(Meaning.LATER, _HTTP, statuses=range(500, 600)),
    # A page of a proxy, of a maintenance, of a PHP that printed a warning: whoever asks again may find the site.
    Row(Meaning.NOT_JSON, _BRIDGE, is_json=False),
    Row(Meaning.NO_SUCH_ORDER, _BRIDGE, statuses=(404,), transport=Transport.BRIDGE),
    Row(Meaning.REFUSED, "closed by default"),
)
"""The first row that fits decides; the last fits everything."""


def meaning_of(transport: Transport, status: int, code: str | None, *, is_json: bool) -> Meaning:
    """Return what an answer amounts to. `code` is the site's own error code as text, None when it gives none."""
    return next(row.meaning for row in TABLE if row.fits(transport, status, code, is_json))


def failure(
    transport: Transport, answer: Answer, data: dict[str, Any] | None, *, code: str | None, text: str
) -> DeliveryError:
    """Return what to raise for an answer that is no success.

    `data` is its JSON object, None when it is none; `code` and `text` are what the site calls the error.
    """
    meaning = meaning_of(transport, answer.status, code, is_json=data is not None)
    known = _WORDS.get(code or "") if transport is Transport.BRIDGE else None
    kind, message = _KINDS[meaning], _message(meaning, transport, answer, data, str(known or text or code or ""))
    shown = code or f"HTTP {answer.status}"
    if issubclass(kind, TemporaryDeliveryError):
        return kind(message, code=shown, answer=answer.text, retry_after=answer.retry_after)
    return kind(message, code=shown, answer=answer.text)


def refused_part(refusal: FieldRefusal) -> PermanentDeliveryError:
    """Return what there is to raise for a part of a request that the site did not take, though it took the rest."""
    text = str(_WORDS.get(refusal.code) or refusal.message)
    return PermanentDeliveryError(gettext("The site refused: %(text)s") % {"text": text}, code=refusal.code)


def unusable_list(error: Exception) -> DeliveryError:
    """Return what to raise for a list of orders that can't be gone through."""
    message = gettext("The site's list of orders can't be gone through: its ids are missing, or out of order.")
    return PermanentDeliveryError(message, answer=str(error))


_KINDS: dict[Meaning, type[DeliveryError]] = {
    Meaning.LATER: TemporaryDeliveryError,
    Meaning.NOT_JSON: TemporaryDeliveryError,
    Meaning.REFUSED: PermanentDeliveryError,
    Meaning.NO_SUCH_ORDER: OrderNotFoundError,
    Meaning.ARCHIVED: OrderArchivedError,
    Meaning.WRONG_ADDRESS: MisconfiguredError,
    Meaning.NOT_LET_IN: MisconfiguredError,
    Meaning.SITE_NOT_READY: MisconfiguredError,
}


_WORDS = {
    "payment_paid": _("it is paid there, and what is paid keeps its pay system."),
    "payments": _("it has several payments there: change them on the site."),
    "no_payment": _("it has no payment there: choose a payment method first."),
    "pay_system_unknown": _("it has no such pay system: look at BITRIX_PAY_SYSTEMS."),
}
"""What the bridge itself refuses for reasons that staff can do something about; docs/bitrix.md."""


def _message(meaning: Meaning, transport: Transport, answer: Answer, data: dict[str, Any] | None, text: str) -> str:
    if meaning is Meaning.LATER:
        what = text or (gettext("HTML instead of an answer") if data is None else "")
        return gettext("The site has an error of its own (%(status)s). %(text)s") % {
            "status": answer.status,
            "text": what,
        }
    if meaning is Meaning.NOT_JSON:
        first_line = truncate_masked(answer.text.strip().split("\n", 1)[0], 200) or gettext("an empty answer")
        return gettext("The site answered with something else than JSON: %(line)s") % {"line": first_line}
    if meaning is Meaning.NO_SUCH_ORDER:
        return gettext("The site has no such order. %(text)s") % {"text": text}
    if meaning is Meaning.ARCHIVED:
        return gettext("The order is in the site's archive.")
    if meaning is Meaning.WRONG_ADDRESS:
        target = truncate_masked(answer.headers.get("Location", ""), 200) or "?"
        message = gettext("The site redirects to %(target)s: the exact address has to be in %(setting)s.")
        return message % {"target": target, "setting": transport.value}
    if meaning is Meaning.NOT_LET_IN:
        message = gettext("The site does not accept %(setting)s. %(text)s")
        return (message % {"setting": SECRET_OF[transport], "text": text}).strip()
    return gettext("The site refused: %(text)s") % {"text": text or f"HTTP {answer.status}"}
