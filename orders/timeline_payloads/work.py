"""Payloads of timeline entries about the work of the shop: bouquets, problems, couriers, postcards and messages."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from orders.models import EventKind
from orders.timeline_payloads.base import Payload
from orders.timeline_payloads.stored import Text, nested
from orders.timeline_payloads.undo import Undo


@dataclass(frozen=True, slots=True, kw_only=True)
class BouquetTaken(Payload):
    """A florist has begun to make the bouquet."""

    kind: ClassVar[EventKind] = EventKind.TAKEN
    florist: Text
    """The florist's name at that time."""
    undo: Annotated[Undo | None, nested(Undo)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BouquetReady(Payload):
    """The bouquet is ready."""

    kind: ClassVar[EventKind] = EventKind.READY
    undo: Annotated[Undo | None, nested(Undo)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BouquetRemade(Payload):
    """A bouquet that was ready is to be made again."""

    kind: ClassVar[EventKind] = EventKind.REMADE
    comment: Text = ""
    undo: Annotated[Undo | None, nested(Undo)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemReported(Payload):
    """A member of staff has reported a problem."""

    kind: ClassVar[EventKind] = EventKind.PROBLEM
    problem: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemSolved(Payload):
    """A member of staff has recorded that the problem of the order is solved."""

    kind: ClassVar[EventKind] = EventKind.SOLVED
    problem: Text
    comment: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierNotified(Payload):
    """The courier was notified of the order."""

    kind: ClassVar[EventKind] = EventKind.NOTIFIED
    courier: Text
    """The courier's name at that time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReplaced(Payload):
    """The order was given to another customer. The changes of the entry name both, and its reason says why."""

    kind: ClassVar[EventKind] = EventKind.CUSTOMER


@dataclass(frozen=True, slots=True, kw_only=True)
class PostcardPrinted(Payload):
    """The order's postcard was printed."""

    kind: ClassVar[EventKind] = EventKind.PRINTED
    paper_format: Text
    """The name of a format in `orders.values.paper_formats`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent(Payload):
    """The text of a template was opened in WhatsApp, or copied. The text itself is not stored."""

    kind: ClassVar[EventKind] = EventKind.MESSAGE
    template_id: Text
    template: Text
    """The template's name at that time."""
    addressee: Text
    language: Text
    channel: Text
    """A value of `MessageChannel`."""
