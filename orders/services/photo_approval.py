"""The customer's link to the photos of his bouquet, and his answer."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from orders.exceptions import NotAllowedError
from orders.models import Order, OrderPhoto, PhotoAnswer, PhotoApproval, Source
from orders.photos.links import find_approval, new_nonce
from orders.services.locking import lock_order
from orders.services.photos import write_photo_event
from orders.timeline_payloads import LinkChange, PhotoAnswered, PhotoLinkChanged
from orders.values.text import storable_text

MOST_ANSWERS = 10
"""How often a customer may change his mind by one link: each answer is a message to the shop."""
LONGEST_COMMENT = 500  # characters


class LinkExpiredError(Exception):
    """The link opens nothing: it is made up, revoked, or too old."""


@transaction.atomic
def make_photo_link(*, order_id: UUID, actor: User | None, source: Source = Source.ADMIN) -> PhotoApproval:
    """Make a new link for the customer and ask him anew; the one before it stops working.

    Raises `Order.DoesNotExist`, and `NotAllowedError` as long as there is nothing to show.
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
    """End the customer's link, if he has one; what he has answered stays. Raises `Order.DoesNotExist`."""
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
    """Take the customer's answer, by the token of his link; the latest one counts, the same again changes nothing.

    `seen` are the keys of the photos that he was shown: an answer to others does not count. `answers_seen` is how many
    answers there were by then: a window that was left open does not take back what was said in another. Whoever asks to
    make the bouquet anew must say what is wrong: that becomes the order's problem, unless it has another one, and is
    none any more once he likes the bouquet. Raises `LinkExpiredError`, and `NotAllowedError` with words for the
    customer.
    """
    found = find_approval(token)
    if found is None:
        raise LinkExpiredError
    order = lock_order(found.order_id)
    approval = find_approval(token)  # again: it may have been revoked while the lock was waited for
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
        words = gettext("You have answered in another window meanwhile. If you have changed your mind, answer again.")
        raise NotAllowedError(words)
    if approval.answers >= MOST_ANSWERS:
        raise NotAllowedError(gettext("The answer has been changed too often. Please call us."))
    changes = _settle_problem(order, comment)
    approval.answer, approval.comment, approval.answered_at = answer, comment, timezone.now()
    approval.answers += 1
    approval.save(update_fields=["answer", "comment", "answered_at", "answers", "updated_at"])
    write_photo_event(order, PhotoAnswered(answer=answer, comment=comment), None, Source.CUSTOMER, changes)
    return approval


def _settle_problem(order: Order, comment: str) -> list[dict[str, str]]:
    """Make what the customer wants the order's problem, or take that away; one that staff have noted stays."""
    prefix = gettext("The customer asks to make it anew:")
    wanted = f"{prefix} {comment}" if comment else ""
    if order.problem == wanted or (order.problem and not order.problem.startswith(prefix)):
        return []
    old, order.problem = order.problem, wanted
    return [{"field": "problem", "old": old, "new": wanted}]
