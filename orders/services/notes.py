"""The service for notes that staff add to an order. Notes are never edited or deleted."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import OrderNote
from orders.services.locking import lock_order
from orders.services.validation import refuse_excess
from orders.values.text import storable_text

LONGEST_NOTE = 5000  # characters


@transaction.atomic
def add_note(*, order_id: UUID, text: str, actor: User | None) -> OrderNote:
    """Add a note to an order. A note has an author and a time of its own, so no timeline entry is written.

    Raise `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if the text is empty or too long.
    """
    text = storable_text(text.replace("\r\n", "\n")).strip()
    if not text:
        raise NotAllowedError(gettext("Write the note first."))
    refuse_excess(text, LONGEST_NOTE)
    order = lock_order(order_id)
    order.save(update_fields=["updated_at"])  # open lists reload rows whose `updated_at` has changed
    return OrderNote.objects.create(order=order, author=actor, text=text)
