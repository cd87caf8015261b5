"""The payloads that timeline entries store in `details`. Each kind of entry has a class with a JSON form.

`orders.services.timeline` writes payloads, and `orders.presentation.timeline` renders them.
"""

from orders.models import OrderEvent
from orders.timeline_payloads.base import Payload, UnknownPayload
from orders.timeline_payloads.from_site import (
    DESIRED,
    PROBLEMS,
    REMARKS,
    SITE_CHANGE,
    ArchivedOnSite,
    BothChanged,
    DeletedOnSite,
    FieldsChanged,
    FromSite,
    Noted,
    OrderCreated,
    SiteHistory,
    StatusChanged,
)
from orders.timeline_payloads.payments import PaymentRecorded
from orders.timeline_payloads.photos import (
    LinkChange,
    OfPhoto,
    PhotoAdded,
    PhotoAnswered,
    PhotoLinkChanged,
    PhotoWithdrawn,
)
from orders.timeline_payloads.to_site import RefusedBySite, SentToSite, SiteWarned
from orders.timeline_payloads.undo import ASSIGNMENT_LOOKUP, BATCH_LOOKUP, CourierBefore, OrderBefore, Undo
from orders.timeline_payloads.work import (
    BouquetReady,
    BouquetRemade,
    BouquetTaken,
    CourierNotified,
    CustomerReplaced,
    MessageSent,
    PostcardPrinted,
    ProblemReported,
    ProblemSolved,
)

__all__ = [
    "ASSIGNMENT_LOOKUP",
    "BATCH_LOOKUP",
    "DESIRED",
    "PAYLOADS",
    "PROBLEMS",
    "REMARKS",
    "SITE_CHANGE",
    "ArchivedOnSite",
    "BothChanged",
    "BouquetReady",
    "BouquetRemade",
    "BouquetTaken",
    "CourierBefore",
    "CourierNotified",
    "CustomerReplaced",
    "DeletedOnSite",
    "FieldsChanged",
    "FromSite",
    "LinkChange",
    "MessageSent",
    "Noted",
    "OfPhoto",
    "OrderBefore",
    "OrderCreated",
    "Payload",
    "PaymentRecorded",
    "PhotoAdded",
    "PhotoAnswered",
    "PhotoLinkChanged",
    "PhotoWithdrawn",
    "PostcardPrinted",
    "ProblemReported",
    "ProblemSolved",
    "RefusedBySite",
    "SentToSite",
    "SiteHistory",
    "SiteWarned",
    "StatusChanged",
    "Undo",
    "UnknownPayload",
    "payload_of",
    "undo_of",
]

_TYPES: tuple[type[Payload], ...] = (
    OrderCreated,
    StatusChanged,
    FieldsChanged,
    DeletedOnSite,
    ArchivedOnSite,
    SentToSite,
    RefusedBySite,
    BothChanged,
    Noted,
    SiteWarned,
    PostcardPrinted,
    BouquetTaken,
    BouquetReady,
    BouquetRemade,
    ProblemReported,
    ProblemSolved,
    CourierNotified,
    CustomerReplaced,
    MessageSent,
    PaymentRecorded,
    PhotoAdded,
    PhotoWithdrawn,
    PhotoLinkChanged,
    PhotoAnswered,
)
PAYLOADS: dict[str, type[Payload]] = {payload.kind: payload for payload in _TYPES}


def payload_of(event: OrderEvent) -> Payload:
    """Return the payload of a timeline entry, or an `UnknownPayload` if its kind is not known."""
    return PAYLOADS.get(event.kind, UnknownPayload).from_json(event.details)


def undo_of(payload: Payload) -> Undo | None:
    """Return what an undo of the change restores, or None if the change has no hold period."""
    return payload.undo if isinstance(payload, (StatusChanged, BouquetTaken, BouquetReady, BouquetRemade)) else None
