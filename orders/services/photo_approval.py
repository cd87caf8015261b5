"""Services for the link with which a customer sees the photos of the bouquet, and for the customer's answer."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import Order, OrderPhoto, PhotoAnswer, PhotoApproval, Source
from orders.photos.links import find_approval, new_nonce
from orders.services.locking import lock_order
from orders.services.photos import write_photo_event
from orders.timeline_payloads import LinkChange, PhotoAnswered, PhotoLinkChanged
from orders.values.text import storable_text

MOST_ANSWERS = 10
"""The maximum number of answers that a customer may give with one link. Each answer sends a message to the shop."""
LONGEST_COMMENT = 500  # characters


class LinkExpiredError(Exception):
    """The error for a link that was never made, was revoked or has expired."""


@transaction.atomic
def make_photo_link(*, order_id: UUID, actor: User | None, source: Source = Source.ADMIN) -> PhotoApproval:
    """Make a new link for the customer, and clear the customer's answer. The previous link stops working.

    Raise `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if the order has no photos.
    """
    order = lock_order(order_id)
    if not order.photos.filter(withdrawn_at=None).exists():
        raise NotAllowedError(gettext("There is no photo to show yet: take one first."))
    approval = PhotoApproval.objects.filter(order=order).first() or PhotoApproval(order=order)
    approval.nonce = new_nonce()
    approval.expires_at = timezone.now() + timedelta(days=settings.PHOTO_LINK_DAYS)
    approval.answer, approval.comment, approval.answered_at, approval.answers = PhotoAnswer.NONE, "", None, 0
    approval.save()
    made = PhotoLinkChanged(link=LinkChange.MADE, until=approval.expires_at)
    write_photo_event(order, made, actor, source)
    return approval


@transaction.atomic
def revoke_photo_link(*, order_id: UUID, actor: User | None, source: Source = Source.ADMIN) -> None:
    """Revoke the customer's link, if there is one. The customer's answer is kept.

    Raise `Order.DoesNotExist` if there is no such order.
    """
    order = lock_order(order_id)
    approval = PhotoApproval.objects.filter(order=order).exclude(nonce="").first()
    if approval is None:
        return
    approval.nonce = ""
    approval.save(update_fields=["nonce", "updated_at"])
    write_photo_event(order, PhotoLinkChanged(link=LinkChange.REVOKED), actor, source)


@transaction.atomic
def answer_photos(
    *, token: str, seen: Collection[UUID], liked: bool, comment: str = "", answers_seen: int | None = None
) -> PhotoApproval:
    """Store the answer of the customer whose link has this token. A repeated answer changes nothing.

    `seen` contains the ids of the photos that the page showed. The answer is refused if the order has different photos
    now. `answers_seen` is the number of answers when the page was opened. The answer is refused if the customer has
    answered on a different page since then. A customer who rejects the bouquet must write a comment. The comment
    becomes the order's problem, unless staff have reported a problem, and a later approval clears this problem. Raise
    `LinkExpiredError` if the link does not work, and `NotAllowedError`, with a message for the customer, if the answer
    is refused.
    """
    found = find_approval(token)
    if found is None:
        raise LinkExpiredError
    order = lock_order(found.order_id)
    approval = find_approval(token)  # the link may have been revoked while this request waited for the lock
    if approval is None:
        raise LinkExpiredError
    live = set(OrderPhoto.objects.filter(order=order, withdrawn_at=None).values_list("pk", flat=True))
    if not live:
        raise NotAllowedError(gettext("We are taking a new photo. Please come back a little later."))
    if live != set(seen):
        raise NotAllowedError(gettext("The photo has just been replaced. Please have a look at the new one."))
    comment = "" if liked else storable_text(comment).replace("\r\n", "\n").strip()
    if not liked and not comment:
        raise NotAllowedError(gettext("Please write what should be different."))
    if len(comment) > LONGEST_COMMENT:
        raise NotAllowedError(
            gettext("Please make it shorter: at most %(count)s characters.") % {"count": LONGEST_COMMENT}
        )
    answer = PhotoAnswer.LIKED if liked else PhotoAnswer.REDO
    if (approval.answer, approval.comment) == (answer, comment):
        return approval
    if answers_seen is not None and answers_seen != approval.answers:
        raise NotAllowedError(
            gettext("You have already answered in another window. If you have changed your mind, answer again.")
        )
    if approval.answers >= MOST_ANSWERS:
        raise NotAllowedError(gettext("The answer has been changed too often. Please call us."))
    changes = _settle_problem(order, comment)
    approval.answer, approval.comment, approval.answered_at = answer, comment, timezone.now()
    approval.answers += 1
    approval.save(update_fields=["answer", "comment", "answered_at", "answers", "updated_at"])
    write_photo_event(order, PhotoAnswered(answer=answer, comment=comment), None, Source.CUSTOMER, changes)
    return approval


def _settle_problem(order: Order, comment: str) -> list[dict[str, str]]:
    """Set the order's problem to the customer's comment, or clear the problem if there is no comment.

    A problem reported by staff is kept. Return the changes for the timeline.
    """
    prefix = gettext("The customer asks for another bouquet:")
    wanted = f"{prefix} {comment}" if comment else ""
    if order.problem == wanted or (order.problem and not order.problem.startswith(prefix)):
        return []
    old, order.problem = order.problem, wanted
    return [{"field": "problem", "old": old, "new": wanted}]
