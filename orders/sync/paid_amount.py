"""The paid amount of an order after the site has reported its own.

The site knows only the money that it has taken itself, and marks the whole order as paid if the CRM says so. The CRM
also knows what staff and couriers have taken. So a change of the site's sum is added to ours.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from orders.sync.fields import as_sent, comparable
from orders.sync.three_way_merge import Agreement

PAID, STATUS = "paid_amount", "payment_status"
NOTHING = "0.00"


def paid_after(agreement: Agreement, *, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Any:
    """Return our paid amount, in comparable form, after the site has reported `theirs`. Call it before the merge.

    `ours` contains our paid amount and the state of our payment. If both sides agreed on the amount, the site's new
    amount applies. If staff have taken money since then, only the difference of the site's amounts is added. The amount
    with which the site answers to "paid" or "not paid" from the CRM is none that a customer has paid on the site.
    """
    mine, agreed = ours[PAID], agreement.value(PAID)
    state = theirs.get(STATUS)
    if PAID not in theirs:
        is_unpaid_now = state not in (None, "paid", as_sent(STATUS, ours[STATUS])) and agreement.value(STATUS) == "paid"
        return NOTHING if is_unpaid_now else mine
    if mine == agreed:
        return theirs[PAID]
    if state is not None and state == as_sent(STATUS, ours[STATUS]) != agreement.value(STATUS):
        return mine
    return comparable(max(Decimal(mine) + Decimal(theirs[PAID]) - Decimal(agreed), Decimal(0)))
