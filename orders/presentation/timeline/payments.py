"""The renderer of timeline entries about payments."""

from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext

from orders.models import PaymentMethod
from orders.presentation.formatting import money
from orders.presentation.timeline import notes
from orders.presentation.timeline.names import Names
from orders.presentation.timeline.registry import renders
from orders.timeline_payloads import PaymentRecorded


def _title(payload: PaymentRecorded) -> str:
    if not payload.amount.startswith("-"):
        return gettext("Payment received")
    return gettext("Money given back")


@renders(PaymentRecorded, icon="payments", title=_title)
def payment_recorded(payload: PaymentRecorded, names: Names) -> Iterator[str]:
    """Yield the amount, unless the reader may not see sums, the payment method, the courier and the reason."""
    method = str(dict(PaymentMethod.choices).get(payload.method, payload.method))
    amount = "" if "paid_amount" in names.hidden or not payload.amount else money(abs(Decimal(payload.amount)))
    if said := " · ".join(filter(None, (amount, method))):
        yield said
    if payload.courier:
        yield from notes.courier(payload.courier)
    if payload.reason:
        yield names.masked(payload.reason)
