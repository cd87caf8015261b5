"""Services for the cash that couriers hand in, and for the day's till."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import Courier, CourierSettlement, Payment, PaymentMethod, TillCount, TillDay
from orders.presentation.formatting import money
from orders.selectors.money import Collected, collected_by, expected_in_till, is_closed
from orders.services.locking import lock_names
from orders.services.payments import AMOUNT_BELOW, LONGEST_REASON, add_payment
from orders.services.validation import refuse_excess
from orders.values.text import storable_text


@transaction.atomic
def settle_courier(
    *,
    courier: Courier,
    day: date,
    handed_in: Decimal,
    seen: Decimal,
    actor: User | None,
    not_paid: Collection[UUID] = (),
    note: str = "",
) -> CourierSettlement:
    """Record the cash that a courier hands in for the deliveries of a day.

    The cash of delivered orders is recorded as their payment, except of those in `not_paid`, whose customers have not
    paid. `seen` is the sum of all of them that the actor's page showed. Raise `NotAllowedError` if another sum is
    expected now, if nothing is expected, or if a difference or a till that is closed has no note.
    """
    lock_names([f"settlement {courier.pk}"])
    found = collected_by(courier.pk, day)
    orders = [order for order in found.orders if order.pk not in not_paid]
    expected = Collected(orders, found.payments).expected
    if found.expected != seen:
        raise NotAllowedError(
            gettext("The sum has changed: the courier has to hand in %(sum)s. Look again.")
            % {"sum": money(found.expected)}
        )
    if not orders and not found.payments:
        raise NotAllowedError(gettext("The courier has no cash of this day."))
    note = _note(note)
    if not 0 <= handed_in < AMOUNT_BELOW:
        raise NotAllowedError(gettext("Enter the sum that was handed in."), field="handed_in")
    if handed_in != expected and not note:
        raise NotAllowedError(gettext("Say why the sums differ."), field="note")
    if not note and is_closed(timezone.now()):
        raise NotAllowedError(gettext("Today's till is closed: say why the money is handed in now."), field="note")
    payments = [*found.payments]
    payments += [
        add_payment(
            order_id=order.pk,
            amount=Collected([order], []).expected,
            method=PaymentMethod.CASH,
            courier=courier,
            reason=note,
            actor=actor,
        )
        for order in orders
    ]
    Payment.objects.filter(pk__in=[payment.pk for payment in payments]).update(settled_at=timezone.now())
    return CourierSettlement.objects.create(
        courier=courier, day=day, expected=expected, handed_in=handed_in, note=note, settled_by=actor
    )


@transaction.atomic
def close_till(
    *, day: date, counted: Mapping[str, Decimal], seen: Mapping[str, Decimal], actor: User | None, note: str = ""
) -> TillDay:
    """Close the till of a day with the counted sum of each payment method. `seen` are the expected sums of the page.

    Raise `NotAllowedError` if the till is closed already, if the day is in the future, if other sums are expected now,
    if a method is not counted, or if a difference has no note.
    """
    lock_names([f"till {day}"])
    if TillDay.objects.filter(day=day).exists():
        raise NotAllowedError(gettext("The till of this day is closed already."))
    if day > timezone.localdate():
        raise NotAllowedError(gettext("This day has not begun yet."))
    expected = expected_in_till(day)
    if dict(expected) != dict(seen):
        raise NotAllowedError(gettext("The sums of this day have changed. Look again."))
    if missing := [method for method in expected if method not in counted]:
        labels = dict(PaymentMethod.choices)
        names = ", ".join(str(labels.get(method, gettext("unknown"))) for method in missing)
        raise NotAllowedError(gettext("Count this too: %(names)s.") % {"names": names})
    note = _note(note)
    if not note and any(counted[method] != expected.get(method, Decimal(0)) for method in counted):
        raise NotAllowedError(gettext("Say why the sums differ."), field="note")
    till = TillDay.objects.create(day=day, note=note, closed_by=actor, closed_at=timezone.now())
    TillCount.objects.bulk_create(
        TillCount(till=till, method=method, expected=expected.get(method, Decimal(0)), counted=sum_)
        for method, sum_ in counted.items()
    )
    return till


def _note(text: str) -> str:
    note = " ".join(storable_text(text).split())
    refuse_excess(note, LONGEST_REASON, field="note")
    return note
