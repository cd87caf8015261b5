"""The payload of timeline entries about payments."""

from dataclasses import dataclass
from typing import ClassVar

from orders.models import EventKind
from orders.timeline_payloads.base import Payload
from orders.timeline_payloads.stored import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRecorded(Payload):
    """A member of staff has recorded a payment, a refund or a correction. The changes contain the paid amount."""

    kind: ClassVar[EventKind] = EventKind.PAYMENT
    amount: Text
    """The amount with two decimals. It is negative if money was given back, or a wrong payment is corrected."""
    method: Text = ""
    courier: Text = ""
    """The name at that time of the courier who has collected the sum."""
    reason: Text = ""
