"""The payments of a day, what couriers still have, and the state of the day's till. All sums are in KZT."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from orders.models import Order, Payment, PaymentMethod, Stage, TillDay
from orders.rules.courier_cash import CourierCash, cash_ahead
from orders.rules.payment import KZT, due_is_counted, dues_of, is_due

EARLIER = timedelta(days=90)
"""How far back the cash of delivered orders is looked for. Recorded cash that was not handed in is found at any age."""


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
    day = min(day, date.max - timedelta(days=1))  # Python's calendar has a last day
    start = timezone.make_aware(datetime.combine(day, time.min))
    return start, timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def collected_by(courier_id: UUID, day: date) -> Collected:
    """Return the cash of the courier's deliveries of this day. Only known sums in KZT can be handed in."""
    return _collected(day, day, courier_id).get(courier_id, {}).get(day, Collected([], []))


def collected_by_all(day: date) -> Mapping[UUID, Collected]:
    """Return the cash of the deliveries of this day, by the ids of the couriers who have some. It takes two queries."""
    return {courier: found[day] for courier, found in _collected(day, day).items()}


def collected_until(day: date, courier_id: UUID | None = None) -> Mapping[UUID, Mapping[date, Collected]]:
    """Return the cash of this day and of the `EARLIER` days, by the ids of the couriers who have some, and by day.

    It takes two queries.
    """
    return _collected(max(day, date.min + EARLIER) - EARLIER, day, courier_id)


def courier_cash(found: Mapping[date, Collected], day: date, stops: Iterable[Order]) -> CourierCash:
    """Return the cash that a courier with these stops brings back on a day.

    `found` is the cash of the courier that was not handed in, by day (`collected_until`).
    """
    held = found[day].expected if day in found else Decimal(0)
    earlier = sum((one.expected for on, one in found.items() if on < day), Decimal(0))
    return CourierCash(cash_ahead(stops), held, earlier)


def _collected(first: date, last: date, courier_id: UUID | None = None) -> Mapping[UUID, Mapping[date, Collected]]:
    """Return the cash of these days. If there are several days, recorded cash may be older than the first one."""
    of_courier = Q(courier__isnull=False) if courier_id is None else Q(courier=courier_id)
    delivered = Order.objects.filter(
        of_courier,
        is_due() & due_is_counted(),
        delivery_date__range=(first, last),
        payment_method=PaymentMethod.CASH,
        status__stage=Stage.DONE,
        is_cancelled=False,
    )
    held = Payment.objects.filter(of_courier, settled_at=None, method=PaymentMethod.CASH, paid_at__lt=bounds(last)[1])
    if first == last:
        held = held.filter(paid_at__gte=bounds(first)[0])
    found: dict[UUID, dict[date, Collected]] = {}
    for order in delivered.select_related("delivery_slot").order_by("delivery_slot__starts_at", "order_number"):
        assert order.courier_id is not None
        assert order.delivery_date is not None
        _of(found, order.courier_id, order.delivery_date).orders.append(order)
    for payment in held.select_related("order").order_by("paid_at"):
        assert payment.courier_id is not None
        _of(found, payment.courier_id, timezone.localdate(payment.paid_at)).payments.append(payment)
    return found


def _of(found: dict[UUID, dict[date, Collected]], courier_id: UUID, day: date) -> Collected:
    return found.setdefault(courier_id, {}).setdefault(day, Collected([], []))


def refunded_on(day: date) -> tuple[Decimal, int]:
    """Return the sum in KZT that was given back on a day, and the number of orders with a refund on it."""
    start, end = bounds(day)
    refunds = Payment.objects.filter(amount__lt=0, paid_at__gte=start, paid_at__lt=end)
    found = refunds.aggregate(
        sum=Sum("amount", filter=Q(order__currency=KZT), default=Decimal(0)), orders=Count("order", distinct=True)
    )
    return -found["sum"], found["orders"]


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
