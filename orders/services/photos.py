"""Services that add and withdraw photos of a bouquet."""

import errno
from typing import BinaryIO
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError, StorageFullError
from orders.models import Order, OrderPhoto, PhotoAnswer, PhotoApproval, Source
from orders.photos.pictures import read_picture
from orders.services.locking import lock_order
from orders.services.timeline import write_event
from orders.timeline_payloads import Payload, PhotoAdded, PhotoWithdrawn

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The errors of a full disk, and of a user whose space is used up."""
MOST_PHOTOS = 20
"""The maximum number of photos of one order. Withdrawn photos do not count."""


def add_photo(
    *, order_id: UUID, upload: BinaryIO, size: int, actor: User | None, source: Source = Source.ADMIN
) -> OrderPhoto:
    """Add the picture in an uploaded file of `size` bytes to an order.

    The customer's answer is cleared, and the customer can answer again at the same link. Raise `Order.DoesNotExist` if
    there is no such order, `NotAllowedError` if the file is not a picture or the order already has `MOST_PHOTOS`
    photos, and `StorageFullError` if the disk is full.
    """
    _check_photo_count(Order.objects.only("pk").get(pk=order_id))
    picture = read_picture(upload, size)  # takes about a second, so the order is not locked yet
    photo = OrderPhoto(order_id=order_id, author=actor, width=picture.width, height=picture.height)
    try:
        photo.image.name = _write_file(photo, "image", picture.image)
        photo.thumbnail.name = _write_file(photo, "thumbnail", picture.thumbnail)
        _store(photo, actor, source)
    except Exception:
        _delete_files(photo)
        raise
    return photo


@transaction.atomic
def withdraw_photo(
    *, photo_id: UUID, actor: User | None, reason: str = "", source: Source = Source.ADMIN
) -> OrderPhoto:
    """Withdraw a photo and delete its files. A photo that is already withdrawn is not changed.

    The customer's answer is cleared. Raise `OrderPhoto.DoesNotExist` if there is no such photo.
    """
    photo = OrderPhoto.objects.get(pk=photo_id)
    order = lock_order(photo.order_id)
    photo = OrderPhoto.objects.get(pk=photo_id)  # it may have been withdrawn before this transaction got the lock
    if photo.is_withdrawn:
        return photo
    kept = OrderPhoto(image=photo.image.name, thumbnail=photo.thumbnail.name)
    photo.withdrawn_at, photo.withdrawn_by = timezone.now(), actor
    photo.image, photo.thumbnail = "", ""
    photo.save()
    _clear_answer(order)
    write_photo_event(order, PhotoWithdrawn(photo=photo.pk, comment=reason.strip()), actor, source)
    # If the withdrawal is rolled back, the photo still needs its files.
    transaction.on_commit(lambda: _delete_files(kept))
    return photo


def write_photo_event(
    order: Order,
    payload: Payload,
    actor: User | None,
    source: Source,
    changes: list[dict[str, str]] | None = None,
) -> None:
    """Save the changed fields of the order, write a timeline entry, and publish the change to the other apps."""
    # Open lists reload rows whose `updated_at` has changed.
    order.save(update_fields=[*(change["field"] for change in changes or ()), "updated_at"])
    event = write_event(order=order, payload=payload, source=source, actor=actor, changes=changes)
    publish(OrderChange(order, event))


@transaction.atomic
def _store(photo: OrderPhoto, actor: User | None, source: Source) -> None:
    order = lock_order(photo.order_id)
    _check_photo_count(order)
    photo.save(force_insert=True)
    _clear_answer(order)
    write_photo_event(order, PhotoAdded(photo=photo.pk), actor, source)


def _clear_answer(order: Order) -> None:
    """Clear the customer's answer, since it was about different photos. The timeline still contains the answer."""
    PhotoApproval.objects.filter(order=order).exclude(answer=PhotoAnswer.NONE).update(
        answer=PhotoAnswer.NONE, comment="", answered_at=None, updated_at=timezone.now()
    )


def _check_photo_count(order: Order) -> None:
    if order.photos.filter(withdrawn_at=None).count() >= MOST_PHOTOS:
        raise NotAllowedError(
            gettext("An order has at most %(count)s photos. Withdraw one that is not needed.") % {"count": MOST_PHOTOS}
        )


def _write_file(photo: OrderPhoto, column: str, content: bytes) -> str:
    """Write a file of the photo and return its name. A file that could not be written whole is deleted."""
    name: str = getattr(photo, column).field.generate_filename(photo, "")
    try:
        return default_storage.save(name, ContentFile(content))
    except OSError as error:
        default_storage.delete(name)
        if error.errno in FULL:
            raise StorageFullError(gettext("The disk of the CRM is full: tell the administrator.")) from error
        raise


def _delete_files(photo: OrderPhoto) -> None:
    for file in (photo.image, photo.thumbnail):
        if file.name:
            default_storage.delete(file.name)
