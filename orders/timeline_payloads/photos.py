"""Payloads of timeline entries about the photos of the bouquet and the customer's answer."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from django.db.models import TextChoices

from orders.models import EventKind, PhotoAnswer
from orders.timeline_payloads.base import Payload
from orders.timeline_payloads.stored import Id, Moment, Text, choice


class LinkChange(TextChoices):
    """Whether the customer's link to the photos was created or revoked.

    NONE replaces a stored value that the CRM does not know.
    """

    NONE = ""
    MADE = "made"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfPhoto(Payload):
    """The base of payloads about one photo."""

    photo: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoAdded(OfPhoto):
    """A photo was added."""

    kind: ClassVar[EventKind] = EventKind.PHOTO_ADDED


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoWithdrawn(OfPhoto):
    """A photo was withdrawn."""

    kind: ClassVar[EventKind] = EventKind.PHOTO_WITHDRAWN
    comment: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoLinkChanged(Payload):
    """The customer's link to the photos was made or revoked."""

    kind: ClassVar[EventKind] = EventKind.PHOTO_LINK
    link: Annotated[LinkChange, choice(LinkChange)]
    until: Moment = None
    """The time at which a new link expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoAnswered(Payload):
    """The customer has answered whether the bouquet on the photos is as they want it."""

    kind: ClassVar[EventKind] = EventKind.PHOTO_ANSWERED
    answer: Annotated[PhotoAnswer, choice(PhotoAnswer)]
    comment: Text = ""
