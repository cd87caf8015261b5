"""Services by which staff record payments, refunds and corrections. The paid amount and the payment state follow."""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError
from orders.models import Courier, Order, Payment, PaymentMethod, PaymentStatus, Source
from orders.presentation.formatting import money
from orders.selectors.money import is_closed
from orders.services.locking import lock_order, save_pending
from orders.services.timeline import changes_between, write_event
from orders.services.unknown import answer_unknown
from orders.services.validation import refuse_excess
from orders.sync.fields import CENT, order_values
from orders.timeline_payloads import PaymentRecorded
from orders.values.text import storable_text

FIELDS = ("paid_amount", "payment_status")
AMOUNT_BELOW = Decimal(10) ** 10
LONGEST_REASON = 500  # characters


@transaction.atomic
def add_payment(
    *,
    order_id: UUID,
    amount: Decimal,
    method: str,
    actor: User | None,
    courier: Courier | None = None,
    paid_at: datetime | None = None,
    payment_id: UUID | None = None,
    reason: str = "",
    source: Source = Source.ADMIN,
) -> Payment:
    """Record a sum that a customer has paid, in the order's currency. It was paid now unless `paid_at` is given.

    An order whose payments reach its sum becomes paid, and the site receives that. A `payment_id` makes the call
    repeatable: a payment with this id is returned unchanged. Raise `Order.DoesNotExist` if there is no such order, and
    `NotAllowedError` if the amount is not positive, if the method is unknown, if `paid_at` is in the future, or if the
    till of its day is closed and there is no `reason`.
    """
    order = lock_order(order_id)
    if payment_id is not None and (known := order.payments.filter(pk=payment_id).first()):
        return known
    if amount <= 0:
        raise NotAllowedError(gettext("The sum must be more than zero."), field="amount")
    payment = _new(order, amount, method, actor, source, courier=courier, paid_at=paid_at, payment_id=payment_id)
    payment.reason = _checked(reason)
    if not payment.reason and is_closed(payment.paid_at):
        raise NotAllowedError(gettext("The till of this day is closed: say why the payment is added."), field="reason")
    paid = _paid(order) + payment.amount
    is_covered = not order.is_unknown("total_amount") and 0 < order.total_amount <= paid
    _record(order, payment, paid, PaymentStatus.PAID if is_covered else None, actor, source)
    return payment


@transaction.atomic
def refund(
    *, order_id: UUID, amount: Decimal, method: str, reason: str, actor: User | None, source: Source = Source.ADMIN
) -> Payment:
    """Record a sum that was given back to the customer, as a negative payment with a reason.

    An order of which nothing is paid any more becomes refunded. After the refund of a part it stays as it is. Raise
    `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if the reason is missing, if the method is
    unknown, or if the amount is not positive or more than was paid.
    """
    return _subtract(order_id, amount, method, reason, actor, source, is_refund=True)


@transaction.atomic
def correct_payment(*, payment_id: UUID, reason: str, actor: User | None, source: Source = Source.ADMIN) -> Payment:
    """Correct a payment that was recorded by mistake, with a negative payment and a reason.

    An order whose payments no longer reach its sum is no longer paid. Raise `Payment.DoesNotExist` if there is no such
    payment, and `NotAllowedError` if the reason is missing, or if the payment is negative or corrected already.
    """
    payment = Payment.objects.get(pk=payment_id)
    return _subtract(payment.order_id, payment.amount, payment.method, reason, actor, source, corrects=payment)


def paid_with(order: Order, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes of an edit with the paid amount that follows from another payment state, and the reverse."""
    found, total = dict(changes), changes.get("total_amount", order.total_amount)
    state, paid = changes.get("payment_status"), changes.get("paid_amount")
    if state == PaymentStatus.PAID:
        found["paid_amount"] = max(order.paid_amount if paid is None else paid, total)
    elif state is not None and state != order.payment_status and paid is None:
        found["paid_amount"] = Decimal(0)
    elif state is None and paid is not None and order.payment_status == PaymentStatus.PENDING and 0 < total <= paid:
        found["payment_status"] = PaymentStatus.PAID.value
    return found


def _subtract(
    order_id: UUID,
    amount: Decimal,
    method: str,
    reason: str,
    actor: User | None,
    source: Source,
    *,
    corrects: Payment | None = None,
    is_refund: bool = False,
) -> Payment:
    reason = _checked(reason)
    if not reason:
        raise NotAllowedError(gettext("Say why."), field="reason")
    order = lock_order(order_id)
    if amount <= 0:
        raise NotAllowedError(gettext("The sum must be more than zero."), field="amount")
    payment = _new(order, -amount, method, actor, source, reason=reason)
    if corrects is not None:
        payment.corrects = corrects
        if corrects.settled_at is None:
            payment.courier = corrects.courier  # the courier no longer has the sum to hand in
        if order.payments.filter(corrects=corrects).exists():
            raise NotAllowedError(gettext("This payment has been corrected already."))
    paid = _paid(order)
    if amount > paid:
        raise NotAllowedError(gettext("Only %(paid)s is paid.") % {"paid": money(paid)}, field="amount")
    left, state = paid - amount, None
    if left == 0:
        state = PaymentStatus.REFUNDED if is_refund else PaymentStatus.PENDING
    elif corrects is not None and left < order.total_amount:
        state = PaymentStatus.PENDING
    _record(order, payment, left, state, actor, source)
    return payment


def _new(
    order: Order,
    amount: Decimal,
    method: str,
    actor: User | None,
    source: Source,
    *,
    courier: Courier | None = None,
    paid_at: datetime | None = None,
    payment_id: UUID | None = None,
    reason: str = "",
) -> Payment:
    if method not in PaymentMethod.values:
        raise NotAllowedError(gettext("Choose how it was paid."), field="method")
    amount = amount.quantize(CENT, rounding=ROUND_HALF_UP)
    if abs(amount) >= AMOUNT_BELOW:
        raise NotAllowedError(gettext("The sum is too large."), field="amount")
    if paid_at is not None and paid_at > timezone.now():
        raise NotAllowedError(gettext("A payment can't be in the future."), field="paid_at")
    return Payment(
        **({"pk": payment_id} if payment_id is not None else {}),
        order=order,
        amount=amount,
        method=method,
        courier=courier,
        taken_by=actor,
        paid_at=paid_at or timezone.now(),
        source=source,
        reason=reason,
    )


def _checked(reason: str) -> str:
    """Return the reason as one line. Raise `NotAllowedError` if it is too long."""
    reason = " ".join(storable_text(reason).split())
    refuse_excess(reason, LONGEST_REASON, field="reason")
    return reason


def _paid(order: Order) -> Decimal:
    return sum(order.payments.values_list("amount", flat=True), Decimal(0))


def _record(
    order: Order, payment: Payment, paid: Decimal, state: PaymentStatus | None, actor: User | None, source: Source
) -> None:
    before = order_values(order, FIELDS)
    payment.save(force_insert=True)
    order.paid_amount = paid
    answered = answer_unknown(order, ["paid_amount", *(["payment_status"] if state else [])])
    if state is not None:
        order.payment_status = state
    save_pending(order, [*FIELDS, "unknown_values", "metadata"])
    changes = changes_between(before | dict.fromkeys(answered), order_values(order, FIELDS))
    payload = PaymentRecorded(
        amount=str(payment.amount),
        method=payment.method,
        courier=payment.courier.name if payment.courier else "",
        reason=payment.reason,
    )
    event = write_event(order=order, payload=payload, source=source, actor=actor, changes=changes)
    publish(OrderChange(order, event))
