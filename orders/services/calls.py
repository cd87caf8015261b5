"""Services that record which customers were called, so that no customer is called twice."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.formatting import short_moment
from cvety_crm.users import User, display_name
from orders.exceptions import NotAllowedError
from orders.models import CallReason, Customer, CustomerCall
from orders.services.validation import refuse_excess
from orders.values.text import storable_text

LONGEST_CALL_NOTE = 500  # characters
CALLED_FOR = timedelta(days=30)
"""The time for which a customer counts as called."""


@transaction.atomic
def record_call(*, customer_id: UUID, reason: str, actor: User | None, note: str = "") -> CustomerCall:
    """Record that a customer was called. Raise `Customer.DoesNotExist` if there is no such customer.

    Raise `NotAllowedError` if somebody has called within `CALLED_FOR`, if there is no such reason, or if the note is
    too long.
    """
    if reason not in CallReason.values:
        raise NotAllowedError(gettext("Open the page again: the call can't be recorded."))
    note = " ".join(storable_text(note).split())
    refuse_excess(note, LONGEST_CALL_NOTE, field="note")
    # The lock makes a second user wait who records a call to the same customer.
    customer = Customer.objects.select_for_update(no_key=True).only("pk").get(pk=customer_id)
    recent = CustomerCall.objects.filter(
        customer=customer, undone_at=None, created_at__gt=timezone.now() - CALLED_FOR
    ).select_related("caller")
    if (earlier := recent.first()) is not None:
        raise NotAllowedError(
            gettext("Called already: %(name)s, %(when)s.")
            % {"name": display_name(earlier.caller), "when": short_moment(earlier.created_at)}
        )
    return CustomerCall.objects.create(customer=customer, reason=reason, note=note, caller=actor)


def counts_as_called(call: CustomerCall) -> bool:
    """Return whether the customer still counts as called because of this call, so that it can be undone."""
    return call.undone_at is None and call.created_at > timezone.now() - CALLED_FOR


@transaction.atomic
def undo_call(*, call_id: UUID) -> CustomerCall:
    """Record that a call was not made. An undone call is not changed. Raise `CustomerCall.DoesNotExist`."""
    call = CustomerCall.objects.select_for_update(no_key=True, of=("self",)).get(pk=call_id)
    if call.undone_at is None:
        call.undone_at = timezone.now()
        call.save(update_fields=["undone_at", "updated_at"])
    return call
