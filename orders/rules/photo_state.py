"""The photo state of an order, for lists and pages."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.models import Order, OrderPhoto, PhotoAnswer, PhotoApproval


class PhotoState(models.TextChoices):
    """The combined state of an order's photos, of the link to them and of the customer's answer."""

    NONE = "none", _("no photo")
    PHOTO = "photo", _("photo")
    SENT = "sent", _("waiting for the customer")
    LIKED = "liked", pgettext_lazy("photo", "liked")
    REDO = "redo", _("another bouquet wanted")
    WITHDRAWN = "withdrawn", _("photo withdrawn")


SIGNS = {
    PhotoState.PHOTO: "📷",
    PhotoState.SENT: "⏳",
    PhotoState.LIKED: "❤",
    PhotoState.REDO: "✋",
    PhotoState.WITHDRAWN: "×",
}


def photo_state(order: Order) -> PhotoState:
    """Return the photo state of an order. No query is made if `photos` and `photo_approval` are loaded."""
    return state_of(list(order.photos.all()), approval_of(order))


def state_of(photos: list[OrderPhoto], approval: PhotoApproval | None) -> PhotoState:
    """Return the photo state of an order with these photos and this approval."""
    if not live_photos(photos):
        return PhotoState.WITHDRAWN if photos else PhotoState.NONE
    if approval is not None and approval.answer == PhotoAnswer.REDO:
        return PhotoState.REDO
    if approval is not None and approval.answer == PhotoAnswer.LIKED:
        return PhotoState.LIKED
    return PhotoState.SENT if approval is not None and approval.is_open else PhotoState.PHOTO


def approval_of(order: Order) -> PhotoApproval | None:
    """Return the approval of the order, or None if no link was ever made."""
    return getattr(order, "photo_approval", None)


def live_photos(photos: list[OrderPhoto]) -> list[OrderPhoto]:
    """Return the photos that have not been withdrawn."""
    return [photo for photo in photos if not photo.is_withdrawn]
