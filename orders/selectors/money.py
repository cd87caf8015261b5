"""The payments of a day, what couriers still have, and the state of the day's till. All sums are in KZT."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from orders.models import Order, Payment, PaymentMethod, Stage, TillDay
from orders.rules.payment import KZT, due_is_counted, dues_of, is_due


@dataclass(frozen=True, slots=True)
class Collected:
    """The cash of a courier's deliveries of one day."""

    orders: list[Order]
    """Delivered orders whose cash is not recorded yet."""
    payments: list[Payment]
    """Recorded cash that the courier has not handed in."""

    @property
    def expected(self) -> Decimal:
        """Return the sum that the courier should hand in."""
        dues = dues_of(self.orders).sums.get(KZT, Decimal(0))
        return dues + sum((payment.amount for payment in self.payments), Decimal(0))


def bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first moment of a day in Almaty, and that of the next day."""
    start = timezone.make_aware(datetime.combine(day, time.min))
    return start, timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def collected_by(courier_id: UUID, day: date) -> Collected:
    """Return the cash of the courier's deliveries of this day. Only known sums in KZT can be handed in."""
    found = _collected(day, Q(courier=courier_id))
    return found.get(courier_id, Collected([], []))


def collected_by_all(day: date) -> Mapping[UUID, Collected]:
    """Return the cash of the deliveries of this day, by the ids of the couriers who have some. It takes two queries."""
    return _collected(day, Q(courier__isnull=False))


def _collected(day: date, of_courier: Q) -> Mapping[UUID, Collected]:
    delivered = Order.objects.filter(
        of_courier,
        is_due() & due_is_counted(),
        delivery_date=day,
        payment_method=PaymentMethod.CASH,
        status__stage=Stage.DONE,
        is_cancelled=False,
    )
    start, end = bounds(day)
    held = Payment.objects.filter(
        of_courier, settled_at=None, method=PaymentMethod.CASH, paid_at__gte=start, paid_at__lt=end
    )
    found: dict[UUID, Collected] = {}
    for order in delivered.select_related("delivery_slot").order_by("delivery_slot__starts_at", "order_number"):
        assert order.courier_id is not None
        found.setdefault(order.courier_id, Collected([], [])).orders.append(order)
    for payment in held.select_related("order").order_by("paid_at"):
        assert payment.courier_id is not None
        found.setdefault(payment.courier_id, Collected([], [])).payments.append(payment)
    return found


def in_till(day: date) -> QuerySet[Payment]:
    """Return the payments whose money came into the till on this day. A courier's cash comes when it is handed in."""
    start, end = bounds(day)
    came = Payment.objects.annotate(came_at=Coalesce("settled_at", "paid_at"))
    is_with_courier = Q(courier__isnull=False, method=PaymentMethod.CASH, settled_at=None)
    return came.filter(came_at__gte=start, came_at__lt=end, order__currency=KZT).exclude(is_with_courier)


def expected_in_till(day: date) -> Mapping[str, Decimal]:
    """Return the sum of the payments of a day by payment method."""
    found = in_till(day).order_by().values(name=F("method")).annotate(sum=Sum("amount"))
    return {row["name"]: row["sum"] for row in found}


def is_closed(moment: datetime) -> bool:
    """Return whether the till of the day of this moment is closed."""
    return TillDay.objects.filter(day=timezone.localdate(moment)).exists()


def after_closing(till: TillDay) -> QuerySet[Payment]:
    """Return the payments of the day that were recorded, or handed in by a courier, after its till was closed."""
    is_later = Q(created_at__gt=till.closed_at) | Q(settled_at__gt=till.closed_at)
    return in_till(till.day).filter(is_later).select_related("order", "taken_by")
