"""The customers whom staff may call: not seen for a while, with a birthday soon, or with an order a year ago.

A list takes one query for its rows. `orders.admin.reports.calls` shows a page of it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import DateField, Exists, ExpressionWrapper, F, IntegerField, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, ExtractDay, ExtractMonth, Left, Mod
from django.utils import timezone

from orders.models import CallReason, Customer, CustomerCall, Order, Stage
from orders.selectors.money import bounds

DAYS_BEFORE = 3
"""How many days after its date an order of last year is still listed."""
SAME_OCCASION = timedelta(days=14)
"""An order this year counts as the one for the date of last year, if it is at most so many days away."""
POSTCARD_LENGTH = 200
_YEAR = timedelta(days=365)
_ALL_DATES = 1300
"""A number that is larger than each month and day together (`1231`)."""

DEFAULT_DAYS: Mapping[CallReason, int] = {CallReason.AWAY: 60, CallReason.BIRTHDAY: 7, CallReason.LAST_YEAR: 7}
MOST_DAYS: Mapping[CallReason, int] = {CallReason.AWAY: 3650, CallReason.BIRTHDAY: 60, CallReason.LAST_YEAR: 60}


@dataclass(frozen=True, slots=True)
class CallList:
    """A list of customers to call, as the parameters of its page name it."""

    reason: CallReason
    days: int
    is_open: bool
    """Whether it contains only customers that were not called."""

    @classmethod
    def of(cls, query: Mapping[str, Any], reason: CallReason | None = None) -> "CallList":
        """Return the list that the parameters name. `reason` replaces theirs."""
        typed, days = str(query.get("by", "")), str(query.get("days", ""))
        reason = reason or (CallReason(typed) if typed in CallReason.values else CallReason.AWAY)
        wanted = int(days) if days.isascii() and days.isdecimal() and len(days) < 6 else DEFAULT_DAYS[reason]
        return cls(reason, min(wanted, MOST_DAYS[reason]), query.get("open") == "yes")

    def rows(self, *, by_total: bool, called_for: timedelta) -> Any:
        """Return the customers, or for last year the orders. A call counts for `called_for`."""
        if self.reason == CallReason.LAST_YEAR:
            found: Any = orders_of_last_year(self.days)
        elif self.reason == CallReason.BIRTHDAY:
            found = birthdays(self.days)
        else:
            found = customers_away(self.days, by_total=by_total)
        if not self.is_open:
            return found
        return not_called(found, "customer" if self.reason == CallReason.LAST_YEAR else "pk", called_for)

    def with_orders(self, rows: Iterable[Any]) -> list[tuple[Customer, Order | None]]:
        """Return the customers of these rows, each with the last order or with the one of last year."""
        if self.reason == CallReason.LAST_YEAR:
            return [(order.customer, order) for order in rows]
        customers = list(rows)
        orders = last_orders(customers)
        return [(customer, orders.get(customer.pk)) for customer in customers]

    def pairs(self, keys: Sequence[UUID]) -> list[tuple[Customer, Order | None]]:
        """Return the rows with these keys as `with_orders` does, in this sequence."""
        rows: Any = with_postcard(Order.objects.all())
        if self.reason != CallReason.LAST_YEAR:
            rows = Customer.objects.defer("search", "preferences", "bitrix_state")
        found = rows.in_bulk(keys)
        return self.with_orders(found[key] for key in keys if key in found)


def customers_away(days: int, today: date | None = None, *, by_total: bool = True) -> QuerySet[Customer]:
    """Return the customers whose last order is older than so many days, those with the largest total first.

    Without `by_total`, those with the most orders are the first, for a user who may not see sums.
    """
    start, _next_day = bounds((today or timezone.localdate()) - timedelta(days=days))
    found = Customer.objects.people().filter(last_order_at__lt=start, orders_count__gt=0)
    ordering = ("-orders_total", "-id") if by_total else ("-orders_count", "-id")
    return found.defer("search", "preferences", "bitrix_state").order_by(*ordering)


def birthdays(days: int, today: date | None = None) -> QuerySet[Customer]:
    """Return the customers with a birthday today or within so many days, the next one first."""
    today = today or timezone.localdate()
    wanted = [today + timedelta(days=number) for number in range(days + 1)]
    keys = {_key(day) for day in wanted}
    if any((day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3 for day in wanted):
        keys.add(229)
    month_and_day = ExtractMonth("birthday") * 100 + ExtractDay("birthday")
    found = Customer.objects.people().filter(birthday__isnull=False).alias(yearday=month_and_day)
    wait = Mod(F("yearday") + Value(_ALL_DATES - _key(today)), Value(_ALL_DATES), output_field=IntegerField())
    return (
        found.filter(yearday__in=keys)
        .defer("search", "preferences", "bitrix_state")
        .order_by(wait.asc(), "-orders_total", "-id")
    )


def orders_of_last_year(days: int, today: date | None = None) -> QuerySet[Order]:
    """Return last year's orders of about these days whose customer has no order for the same date this year.

    The days are those from `DAYS_BEFORE` ago until in so many days. Cancelled orders are left out.
    """
    today = today or timezone.localdate()
    first, last = (_year_before(today + timedelta(days=number)) for number in (-DAYS_BEFORE, days))
    again = Order.objects.filter(
        _KEPT,
        customer=OuterRef("customer"),
        delivery_date__gte=_shifted(_YEAR - SAME_OCCASION),
        delivery_date__lte=_shifted(_YEAR + SAME_OCCASION),
    )
    found = Order.objects.filter(_KEPT, delivery_date__range=(first, last), customer__isnull=False)
    return with_postcard(found.filter(~Exists(again))).order_by("delivery_date", "id")


def last_orders(customers: Iterable[Customer]) -> dict[UUID, Order]:
    """Return the last order of each customer that is not cancelled, by the customer's primary key, with one query."""
    found = Order.objects.filter(_KEPT, customer__in=[customer.pk for customer in customers])
    latest = with_postcard(found).order_by("customer_id", "-created_at", "-id").distinct("customer_id")
    return {order.customer_id: order for order in latest if order.customer_id is not None}


def calls_to(customers: Collection[UUID], since: timedelta) -> dict[UUID, CustomerCall]:
    """Return the last call to each customer within this time, with one query."""
    found = CustomerCall.objects.filter(
        customer__in=customers, undone_at=None, created_at__gt=timezone.now() - since
    ).select_related("caller")
    return {call.customer_id: call for call in found.order_by("created_at")}


def calls_of(customer: Customer) -> QuerySet[CustomerCall]:
    """Return the calls to a customer and to those merged into this customer, the newest first."""
    people = Customer.objects.filter(Q(pk=customer.pk) | Q(merged_into=customer)).values("pk")
    calls = CustomerCall.objects.filter(customer__in=people, undone_at=None)
    return calls.select_related("caller").order_by("-created_at", "-id")


def not_called(customers: QuerySet[Customer] | QuerySet[Order], column: str, since: timedelta) -> Any:
    """Return the rows whose customer was not called within this time. `column` is the path to the customer."""
    recent = CustomerCall.objects.filter(
        customer=OuterRef(column), undone_at=None, created_at__gt=timezone.now() - since
    )
    return customers.filter(~Exists(recent))


def with_postcard(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Return the orders with the beginning of the postcard as `card`, without their other long columns."""
    return (
        orders.select_related("customer", "status")
        .only(
            "order_number", "delivery_date", "recipient_name", "unknown_values", "created_at", "status__name",
            "status__code", "status__stage", "customer__name", "customer__phone", "customer__other_phones",
            "customer__orders_count", "customer__orders_total", "customer__last_order_at", "customer__birthday",
        )
        .annotate(card=Left("postcard_text", POSTCARD_LENGTH))
    )  # fmt: skip


_KEPT = Q(is_cancelled=False, is_deleted_on_site=False) & ~Q(status__stage=Stage.CANCELLED)


def _shifted(length: timedelta) -> Any:
    return Cast(ExpressionWrapper(OuterRef("delivery_date") + Value(length), output_field=DateField()), DateField())


def _key(day: date) -> int:
    return 100 * day.month + day.day


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
