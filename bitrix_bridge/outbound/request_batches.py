"""Split the pending fields into requests, and choose how to split a request that the site refused.

Bitrix does not cancel a paid order. For a cancelled order, it accepts no payment and no change of the sum or of the
delivery. If the site refuses one field, unrelated fields must still be sent.
"""

from collections.abc import Mapping
from enum import IntEnum, auto
from typing import Any

from bitrix_bridge.payloads.outgoing import PROPERTIES
from bitrix_bridge.payloads.response import VALUE_CODES
from cvety_crm.outbox import PermanentDeliveryError

STATUS = "status"
"""The field of the status. It is sent together with the status that the order is expected to have on the site, and
together with other fields only if the bridge supports it."""
_ALONE = frozenset({"is_cancelled", "payment_status", "payment_method"})


class Split(IntEnum):
    """A way to split the pending fields into requests."""

    TOGETHER = auto()
    APART = auto()
    """Each field that the site may refuse for a reason of its own is sent alone."""
    ONE_BY_ONE = auto()
    """Each property is also sent alone, because the site can't store one of the properties."""


def request_batches(values: Mapping[str, Any], split: Split, *, with_status: bool = False) -> list[tuple[str, ...]]:
    """Return the field names as one tuple for each request, in a sequence that Bitrix accepts.

    `values` are the pending fields in their comparable form. If `with_status` is True and the fields are sent together,
    the status is in the same request, so that the site saves the order once.
    """
    fields = sorted(name for name in values if name != STATUS)
    if split is Split.TOGETHER:
        if fields and STATUS in values and with_status:
            return [(*fields, STATUS)]
        batches = [tuple(fields)] if fields else []
    else:
        plain = [name for name in fields if name not in _ALONE]
        sequence: list[tuple[str, ...]] = [("payment_method",), *_plain_batches(plain, split)]
        # Bitrix does not change a paid or cancelled order, so these flags are set last and removed first.
        sequence.insert(len(sequence) if values.get("payment_status") == "paid" else 0, ("payment_status",))
        sequence.insert(len(sequence) if values.get("is_cancelled") else 0, ("is_cancelled",))
        batches = [batch for batch in sequence if batch and batch[0] in values]
    return [*batches, (STATUS,)] if STATUS in values else batches


def _plain_batches(names: list[str], split: Split) -> list[tuple[str, ...]]:
    if split is not Split.ONE_BY_ONE:
        return [tuple(names)]
    rest = tuple(name for name in names if name not in PROPERTIES)
    return [rest, *((name,) for name in names if name in PROPERTIES)]


def further_split(values: Mapping[str, Any], split: Split, refusal: PermanentDeliveryError) -> Split | None:
    """Return how to split values that were refused together, or None if they can't be split further."""
    together = [tuple(sorted(values))]
    if split < Split.APART and request_batches(values, Split.APART) != together:
        return Split.APART
    is_of_value = refusal.code in VALUE_CODES
    if is_of_value and split < Split.ONE_BY_ONE and request_batches(values, Split.ONE_BY_ONE) != together:
        return Split.ONE_BY_ONE
    return None


def combine_refusals(refusals: Mapping[str, PermanentDeliveryError]) -> PermanentDeliveryError:
    """Return one error with the messages of all these errors, and with the code and the response of the first error."""
    first = next(iter(refusals.values()))
    messages = dict.fromkeys(refusal.message for refusal in refusals.values())
    if len(messages) == 1:
        return first
    return PermanentDeliveryError(" ".join(messages), code=first.code, answer=first.answer)
