"""What goes to the site in one request, and in which order what is refused together is tried apart.

Bitrix cancels no paid order, takes no payment for a cancelled one, and changes neither the sum nor the delivery of it:
one refusal must not keep back what has nothing to do with it.
"""

from collections.abc import Mapping
from typing import Any

from cvety_crm.outbox import PermanentRefusal

STATUS = "status"
"""Goes with the status that the site is expected to have: by itself, or along with the rest where the bridge can."""
_ALONE = frozenset({"is_cancelled", "payment_status", "payment_method"})


def request_parts(values: Mapping[str, Any], *, apart: bool, together: bool = False) -> list[tuple[str, ...]]:
    """Return the names of fields, one tuple a request, in the order in which Bitrix can follow.

    `values` are what the site has yet to hear of (comparable form). `apart`: those that the site may refuse for reasons
    of their own go alone, what gives back before what takes. `together`: the status goes along with the rest, so that
    the site saves once.
    """
    fields = sorted(name for name in values if name != STATUS)
    if fields and STATUS in values and together and not apart:
        return [(*fields, STATUS)]
    if apart:
        plain = tuple(name for name in fields if name not in _ALONE)
        order: list[tuple[str, ...]] = [("payment_method",), plain]
        # What is paid or cancelled can't be changed: made so last, and no longer so first.
        order.insert(len(order) if values.get("payment_status") == "paid" else 0, ("payment_status",))
        order.insert(len(order) if values.get("is_cancelled") else 0, ("is_cancelled",))
        parts = [part for part in order if part and part[0] in values]
    else:
        parts = [tuple(fields)] if fields else []
    return [*parts, (STATUS,)] if STATUS in values else parts


def as_one(refusals: Mapping[str, PermanentRefusal]) -> PermanentRefusal:
    """Return what to raise for fields that were refused: the first refusal, with the words of all of them."""
    first = next(iter(refusals.values()))
    messages = dict.fromkeys(refusal.message for refusal in refusals.values())
    if len(messages) == 1:
        return first
    return PermanentRefusal(" ".join(messages), code=first.code, answer=first.answer)
