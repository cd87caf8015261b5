"""Renderers of timeline entries about the photos of the bouquet."""

from collections.abc import Iterator

from django.utils.text import capfirst
from django.utils.translation import gettext

from orders.models import PhotoAnswer
from orders.presentation.timeline import notes
from orders.presentation.timeline.names import Names
from orders.presentation.timeline.registry import renders
from orders.timeline_payloads import LinkChange, PhotoAdded, PhotoAnswered, PhotoLinkChanged, PhotoWithdrawn


@renders(PhotoAdded, icon="photo_camera")
def photo_added(payload: PhotoAdded, names: Names) -> Iterator[str]:
    """Yield nothing: the entry shows the photo."""
    yield from ()


@renders(PhotoWithdrawn, icon="hide_image")
def photo_withdrawn(payload: PhotoWithdrawn, names: Names) -> Iterator[str]:
    """Yield the reason of the withdrawal."""
    yield from notes.comment(payload.comment, names)


@renders(PhotoLinkChanged, icon="link")
def photo_link_changed(payload: PhotoLinkChanged, names: Names) -> Iterator[str]:
    """Yield whether the link was made or revoked."""
    if payload.link == LinkChange.MADE:
        yield gettext("A link was made")
    elif payload.link == LinkChange.REVOKED:
        yield gettext("The link was revoked")


@renders(PhotoAnswered, icon="favorite")
def photo_answered(payload: PhotoAnswered, names: Names) -> Iterator[str]:
    """Yield the customer's answer and comment."""
    if payload.answer != PhotoAnswer.NONE:
        yield capfirst(str(payload.answer.label))
    yield from notes.comment(payload.comment, names)
