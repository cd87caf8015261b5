"""The paid amount of an order after the site has reported its own.

The site knows only the money that it has taken itself, and marks the whole order as paid if the CRM says so. The CRM
also knows what staff and couriers have taken. So a change of the site's sum is added to ours.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from orders.sync.agreement import Agreement
from orders.sync.fields import as_sent, comparable

PAID, STATUS = "paid_amount", "payment_status"
NOTHING = "0.00"


def paid_after(
    agreement: Agreement, *, ours: Mapping[str, Any], theirs: Mapping[str, Any], is_recorded: Callable[[], bool]
) -> Any:
    """Return our paid amount, in comparable form, after the site has reported `theirs`. Call it before the merge.

    `ours` contains our paid amount and the state of our payment. `is_recorded` returns whether staff have recorded
    single payments. If both sides agreed on the amount, the site's new amount applies. If staff have taken money since
    then, only the difference of the site's amounts is added. The amount with which the site answers to "paid" or "not
    paid" from the CRM is none that a customer has paid on the site. If staff have only marked the order as paid, the
    site decides how much that is, because its sum may have changed since then.
    """
    mine, agreed = ours[PAID], agreement.value(PAID)
    state, our_state = theirs.get(STATUS), as_sent(STATUS, ours[STATUS])
    if PAID not in theirs:
        is_unpaid_now = state not in (None, "paid", our_state) and agreement.value(STATUS) == "paid"
        return NOTHING if is_unpaid_now else mine
    if mine == agreed or mine == theirs[PAID]:
        return theirs[PAID]
    if state == our_state == "paid" and not is_recorded():
        return theirs[PAID]
    if state is not None and state == our_state != agreement.value(STATUS):
        return mine
    return comparable(max(Decimal(mine) + Decimal(theirs[PAID]) - Decimal(agreed), Decimal(0)))
