"""What goes to the site in one request, and in which order what is refused together is tried apart.

Bitrix cancels no paid order, takes no payment for a cancelled one, and changes neither the sum nor the delivery of it:
one refusal must not keep back what has nothing to do with it.
"""

from collections.abc import Mapping
from enum import IntEnum, auto
from typing import Any

from bitrix_bridge.payloads.outgoing import PROPERTIES
from bitrix_bridge.payloads.response import VALUE_CODES
from cvety_crm.outbox import PermanentDeliveryError

STATUS = "status"
"""Goes with the status that the site is expected to have: by itself, or along with the rest where the bridge can."""
_ALONE = frozenset({"is_cancelled", "payment_status", "payment_method"})


class Split(IntEnum):
    """How far a request is taken apart."""

    TOGETHER = auto()
    APART = auto()
    """Those that the site may refuse for reasons of their own go alone."""
    ONE_BY_ONE = auto()
    """And each property goes alone: one of them the site can't hold."""


def request_batches(values: Mapping[str, Any], split: Split, *, with_status: bool = False) -> list[tuple[str, ...]]:
    """Return the names of fields, one tuple a request, in the order in which Bitrix can follow: what gives back comes
    before what takes.

    `values` are what the site has yet to hear of (comparable form). `with_status`: the status goes along with the rest,
    so that the site saves once.
    """
    fields = sorted(name for name in values if name != STATUS)
    if split is Split.TOGETHER:
        if fields and STATUS in values and with_status:
            return [(*fields, STATUS)]
        parts = [tuple(fields)] if fields else []
    else:
        plain = [name for name in fields if name not in _ALONE]
        order: list[tuple[str, ...]] = [("payment_method",), *_plain_parts(plain, split)]
        # What is paid or cancelled can't be changed: made so last, and no longer so first.
        order.insert(len(order) if values.get("payment_status") == "paid" else 0, ("payment_status",))
        order.insert(len(order) if values.get("is_cancelled") else 0, ("is_cancelled",))
        parts = [part for part in order if part and part[0] in values]
    return [*parts, (STATUS,)] if STATUS in values else parts


def _plain_parts(names: list[str], split: Split) -> list[tuple[str, ...]]:
    if split is not Split.ONE_BY_ONE:
        return [tuple(names)]
    rest = tuple(name for name in names if name not in PROPERTIES)
    return [rest, *((name,) for name in names if name in PROPERTIES)]


def further_split(values: Mapping[str, Any], split: Split, refusal: PermanentDeliveryError) -> Split | None:
    """Return how to go on with values that were refused together; None when they are not to be taken further apart."""
    together = [tuple(sorted(values))]
    if split < Split.APART and request_batches(values, Split.APART) != together:
        return Split.APART
    is_of_value = refusal.code in VALUE_CODES
    if is_of_value and split < Split.ONE_BY_ONE and request_batches(values, Split.ONE_BY_ONE) != together:
        return Split.ONE_BY_ONE
    return None


def as_one(refusals: Mapping[str, PermanentDeliveryError]) -> PermanentDeliveryError:
    """Return what to raise for fields that were refused: the first refusal, with the words of all of them."""
    first = next(iter(refusals.values()))
    messages = dict.fromkeys(refusal.message for refusal in refusals.values())
    if len(messages) == 1:
        return first
    return PermanentDeliveryError(" ".join(messages), code=first.code, answer=first.answer)
