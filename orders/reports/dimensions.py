"""By what the orders of a report are grouped. The order list can be filtered by one row of each dimension."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import (
    Case,
    CharField,
    DateField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import (
    Coalesce,
    ExtractHour,
    ExtractIsoWeekDay,
    Left,
    NullIf,
    Trim,
    TruncDate,
    TruncMonth,
    TruncWeek,
)
from django.db.models.lookups import LessThan
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cvety_crm.users import User, display_name
from orders.models import (
    City,
    Courier,
    Customer,
    DeliverySlot,
    EventKind,
    Order,
    OrderEvent,
    OrderItem,
    Payment,
    PaymentMethod,
    Product,
    Shop,
    Source,
)
from orders.presentation.formatting import WEEKDAYS, full_day
from orders.reports.period import Period, add_months
from orders.reports.scope import Basis
from orders.rules.lateness import DueAt

REASON_LENGTH = 100
ROW_PARAMETER = "row"
UNKNOWN = _("unknown")
LARGEST_KEY = 2**63 - 1
"""The largest number of a column."""
LAST_HOUR, LAST_DAY = timedelta(hours=1), timedelta(days=1)
LEADS = (
    (LAST_HOUR, _("in the last hour")),
    (timedelta(hours=3), _("1 to 3 hours before")),
    (LAST_DAY, _("3 to 24 hours before")),
    (timedelta(days=3), _("1 to 3 days before")),
    (timedelta(days=7), _("3 to 7 days before")),
)
"""The steps of the time from an order until its delivery is due, with the end of each step."""
LONGEST_LEAD = _("a week before, or earlier")
Expression = Callable[[Basis, str], Any]
Names = Callable[[Iterable[Any]], Mapping[Any, str]]
OnOrders = Callable[[QuerySet[Order], Any], QuerySet[Order]]
_ROW = "row_of_report"


@dataclass(frozen=True, slots=True)
class Dimension:
    """A value that the orders of a row have in common.

    `expression` is the value for a path to the order. `names` returns the names of the rows. `parse` reads the value
    from an URL. Rows are sorted by value if `is_sequence`, and else by the number of
    orders.
    """

    key: str
    label: str | Promise
    expression: Expression
    names: Names
    parse: Callable[[str], Any]
    unknown: str | Promise = UNKNOWN
    empty: Any = None
    """The value of an empty text in an URL."""
    is_sequence: bool = False
    parameters: Callable[[Any], Mapping[str, str]] | None = None
    """The list's own filter for a row, if the list has one."""
    days: Callable[[Any], Period] | None = None
    """The days of a row, if it is a part of the period."""
    has_every_day: bool = False
    """Whether a row is a day, so that days without orders are rows too."""
    on_orders: OnOrders | None = None
    """How orders are filtered, if the value is not one of the order itself."""

    def orders_of(self, orders: QuerySet[Order], basis: Basis, value: Any) -> QuerySet[Order]:
        """Return the orders of one row."""
        if self.on_orders is not None:
            return self.on_orders(orders, value)
        found = orders.alias(**{_ROW: self.expression(basis, "")})
        return found.filter(**({f"{_ROW}__isnull": True} if value is None else {_ROW: value}))

    def value_of(self, text: str) -> Any:
        """Return the value in an URL. Raise `ValueError` if it is not one."""
        return self.parse(text) if text else self.empty

    def name(self, value: Any) -> str:
        """Return the name of one row."""
        return self.names([value]).get(value) or str(self.unknown)


def _zone() -> Any:
    return timezone.get_default_timezone()


def _of_date(truncate: Any) -> Expression:
    def expression(basis: Basis, prefix: str) -> Any:
        if basis == Basis.DELIVERY:
            return truncate(f"{prefix}delivery_date", output_field=DateField())
        return truncate(f"{prefix}created_at", output_field=DateField(), tzinfo=_zone())

    return expression


def _day(basis: Basis, prefix: str) -> Any:
    if basis == Basis.DELIVERY:
        return F(f"{prefix}delivery_date")
    return TruncDate(f"{prefix}created_at", tzinfo=_zone())


def _weekday(basis: Basis, prefix: str) -> Any:
    if basis == Basis.DELIVERY:
        return ExtractIsoWeekDay(f"{prefix}delivery_date")
    return ExtractIsoWeekDay(f"{prefix}created_at", tzinfo=_zone())


def _hour(basis: Basis, prefix: str) -> Any:
    if basis == Basis.DELIVERY:
        return ExtractHour(f"{prefix}delivery_slot__starts_at")
    return ExtractHour(f"{prefix}created_at", tzinfo=_zone())


def lead(_basis: Basis = Basis.DELIVERY, _prefix: str = "") -> Any:
    """Return the time from an order's creation until the end of its delivery slot."""
    return ExpressionWrapper(DueAt() - F("created_at"), output_field=DurationField())


def _lead_step(basis: Basis, prefix: str) -> Any:
    steps = (
        When(LessThan(lead(basis, prefix), Value(limit)), then=Value(number))
        for number, (limit, _name) in enumerate(LEADS)
    )
    is_undated = When(**{f"{prefix}delivery_date": None}, then=Value(None))
    return Case(is_undated, *steps, default=Value(len(LEADS)), output_field=IntegerField())


def _lead_name(step: int) -> str:
    return str(LEADS[step][1] if 0 <= step < len(LEADS) else LONGEST_LEAD)


def _is_returning(_basis: Basis, prefix: str) -> Any:
    earlier = Order.objects.filter(
        customer=OuterRef(f"{prefix}customer"),
        created_at__lt=OuterRef(f"{prefix}created_at"),
        is_cancelled=False,
        is_deleted_on_site=False,
    )
    nameless = When(**{f"{prefix}customer": None}, then=Value(None))
    return Case(nameless, When(Exists(earlier), then=Value(1)), default=Value(0), output_field=IntegerField())


def _column(name: str) -> Expression:
    return lambda _basis, prefix: F(f"{prefix}{name}")


def _named(model: Any, key: str) -> Names:
    def names(values: Iterable[Any]) -> Mapping[Any, str]:
        wanted = [value for value in values if value is not None]
        found = model.objects.filter(**{f"{key}__in": wanted})
        return {getattr(row, key): str(row) for row in found}

    return names


def _people(values: Iterable[Any]) -> Mapping[Any, str]:
    found = User.objects.filter(pk__in=[value for value in values if value is not None])
    return {user.pk: display_name(user) for user in found}


def _words(words: Callable[[Any], str]) -> Names:
    return lambda values: {value: words(value) for value in values if value is not None}


def _choices(choices: Any) -> Names:
    labels = dict(choices.choices)
    return _words(lambda value: str(labels.get(value, value)))


def _week_name(first: date) -> str:
    return f"{full_day(first)} – {full_day(first + timedelta(days=6))}"


def _of_items(orders: QuerySet[Order], product: Any) -> QuerySet[Order]:
    condition = {"product__isnull": True} if product is None else {"product": product}
    return orders.filter(Exists(OrderItem.objects.filter(order=OuterRef("pk"), **condition)))


def _refund_reason(_basis: Basis, _prefix: str) -> Any:
    return Left(Trim("reason"), REASON_LENGTH)


def _of_refunds(orders: QuerySet[Order], reason: Any) -> QuerySet[Order]:
    refunds = Payment.objects.filter(order=OuterRef("pk"), amount__lt=0)
    same = refunds.alias(why=_refund_reason(Basis.ORDER, "")).filter(why=reason)
    return orders.filter(Exists(same))


def _of_refund_method(orders: QuerySet[Order], method: Any) -> QuerySet[Order]:
    return orders.filter(Exists(Payment.objects.filter(order=OuterRef("pk"), amount__lt=0, method=method)))


def _of_refund_day(orders: QuerySet[Order], day: Any) -> QuerySet[Order]:
    refunds = Payment.objects.filter(order=OuterRef("pk"), amount__lt=0)
    return orders.filter(Exists(refunds.alias(on=TruncDate("paid_at", tzinfo=_zone())).filter(on=day)))


def _cancel_reason(_basis: Basis, prefix: str) -> Any:
    reason = KeyTextTransform("REASON_CANCELED", KeyTransform("fields", f"{prefix}metadata"))
    return Coalesce(Left(Trim(reason), REASON_LENGTH), Value(""), output_field=CharField())


def _problem(_basis: Basis, prefix: str) -> Any:
    """Return the problem of the order, or else the one that staff reported last. It stays on the timeline if solved."""
    reported = OrderEvent.objects.filter(order=OuterRef(f"{prefix}pk"), kind=EventKind.PROBLEM)
    last = Subquery(
        reported.order_by("-happened_at", "-created_at").values(text=KeyTextTransform("problem", "details"))[:1],
        output_field=TextField(),
    )
    own = NullIf(F(f"{prefix}problem"), Value(""))
    text = Coalesce(own, last, Value(""), output_field=TextField())
    return Left(Trim(text), REASON_LENGTH)


def _by_row(name: str) -> Callable[[Any], Mapping[str, str]]:
    return lambda value: {name: str(value)}


DAY = Dimension(
    "day", _("by day"), _day, _words(lambda day: f"{WEEKDAYS[day.weekday()]}, {full_day(day)}"), date.fromisoformat,
    is_sequence=True, days=lambda day: Period(day, day), has_every_day=True,
)  # fmt: skip
WEEK = Dimension(
    "week", _("by week"), _of_date(TruncWeek), _words(_week_name), date.fromisoformat,
    is_sequence=True, days=lambda first: Period(first, first + timedelta(days=6)),
)  # fmt: skip
MONTH = Dimension(
    "month", _("by month"), _of_date(TruncMonth), _words(lambda first: format_date(first, "F Y")), date.fromisoformat,
    is_sequence=True, days=lambda first: Period(first, add_months(first, 1) - timedelta(days=1)),
)  # fmt: skip
WEEKDAY = Dimension(
    "weekday", _("by weekday"), _weekday, _words(lambda number: str(WEEKDAYS[number - 1])), int, is_sequence=True
)
HOUR = Dimension("hour", _("by hour"), _hour, _words(lambda hour: f"{hour:02}:00"), int, _("no time"), is_sequence=True)
SHOP = Dimension(
    "shop", _("by shop"), _column("shop"), _named(Shop, "bitrix_id"), int, _("no shop"),
    parameters=_by_row("shop__bitrix_id__exact"),
)  # fmt: skip
CITY = Dimension(
    "city", _("by city"), _column("city"), _named(City, "bitrix_id"), int, _("no city"),
    parameters=_by_row("city__bitrix_id__exact"),
)  # fmt: skip
MANAGER = Dimension(
    "manager", _("by responsible"), _column("responsible"), _people, int, _("no one"), parameters=_by_row("florist")
)
SOURCE = Dimension(
    "source", _("by source"), _column("source"), _choices(Source), str, empty="", parameters=_by_row("source__exact")
)
METHOD = Dimension("method", _("by payment method"), _column("payment_method"), _choices(PaymentMethod), str, empty="")
PRODUCT = Dimension(
    "product", _("by product"), lambda _basis, _prefix: F("product"), _named(Product, "pk"), UUID,
    _("not in the catalogue"), on_orders=_of_items,
)  # fmt: skip
COURIER = Dimension("courier", _("by courier"), _column("courier"), _named(Courier, "pk"), UUID, _("no courier"))
SLOT = Dimension(
    "slot", _("by interval"), _column("delivery_slot"), _named(DeliverySlot, "bitrix_id"), str, _("no time")
)
DISTRICT = Dimension(
    "district", _("by district"), _column("delivery_district"), _words(str), str,
    pgettext_lazy("district", "not named in the address"), empty="",
)  # fmt: skip
LATE_REASON = Dimension(
    "late_reason", _("lateness by reason"), _problem, _words(str), str, _("no problem reported"), empty=""
)
ACCEPTED_BY = Dimension("accepted_by", _("by who accepted"), _column("accepted_by"), _people, int, _("not recorded"))
FLORIST = Dimension("florist", _("by florist"), _column("ready_by"), _people, int, _("not recorded"))
NEW_OR_RETURNING = Dimension(
    "returning", _("new and returning"), _is_returning,
    _words(lambda value: str(_("returning") if value else pgettext_lazy("customers", "new"))), int,
    _("no customer"), is_sequence=True,
)  # fmt: skip
CUSTOMER = Dimension(
    "customer", _("by customer"), _column("customer"), _named(Customer, "pk"), UUID, _("no customer"),
    parameters=_by_row("customer__id__exact"),
)  # fmt: skip
REFUSAL_REASON = Dimension(
    "reason", _("by reason"), _cancel_reason, _words(str), str, pgettext_lazy("reason", "not given"),
    empty="",
)  # fmt: skip
REFUND_REASON = Dimension(
    "refund", _("refunds by reason"), _refund_reason, _words(str), str, pgettext_lazy("reason", "not given"),
    empty="", on_orders=_of_refunds,
)  # fmt: skip
REFUND_METHOD = Dimension(
    "refunded_by", _("refunds by payment method"), lambda _basis, _prefix: F("method"), _choices(PaymentMethod), str,
    empty="", on_orders=_of_refund_method,
)  # fmt: skip
REFUND_DAY = Dimension(
    "refund_day", _("refunds by day"), lambda _basis, _prefix: TruncDate("paid_at", tzinfo=_zone()),
    _words(full_day), date.fromisoformat, is_sequence=True, on_orders=_of_refund_day,
)  # fmt: skip
LEAD = Dimension(
    "lead", _("by the time before delivery"), _lead_step, _words(_lead_name), int, is_sequence=True
)  # fmt: skip
DIMENSIONS = {
    one.key: one
    for one in (
        DAY, WEEK, MONTH, WEEKDAY, HOUR, SHOP, CITY, MANAGER, SOURCE, METHOD, PRODUCT, COURIER, SLOT, FLORIST,
        DISTRICT, LATE_REASON, ACCEPTED_BY, NEW_OR_RETURNING, CUSTOMER, LEAD, REFUSAL_REASON, REFUND_REASON,
        REFUND_METHOD, REFUND_DAY,
    )
}  # fmt: skip


def row_parameter(dimension: Dimension, basis: Basis, value: Any) -> dict[str, str]:
    """Return the parameter of the order list with the orders of one row."""
    if value is not None and value != "" and dimension.parameters is not None:
        return dict(dimension.parameters(value))
    text = "" if value is None else value.isoformat() if isinstance(value, date) else str(value)
    return {ROW_PARAMETER: f"{dimension.key}:{basis.value}:{text}"}


@dataclass(frozen=True, slots=True)
class ChosenRow:
    """A row of a report in an URL."""

    dimension: Dimension
    basis: Basis
    value: Any

    @property
    def label(self) -> str:
        """Return what the orders have in common."""
        return gettext("%(dimension)s: %(row)s") % {
            "dimension": self.dimension.label,
            "row": self.dimension.name(self.value),
        }

    def orders(self, orders: QuerySet[Order]) -> QuerySet[Order]:
        """Return those of the orders that belong to the row."""
        return self.dimension.orders_of(orders, self.basis, self.value)


def chosen_row(text: str) -> ChosenRow | None:
    """Return the row that an URL names, or None if there is no such row."""
    key, basis, value = (*text.split(":", 2), "", "")[:3]
    dimension = DIMENSIONS.get(key)
    if dimension is None or basis not in Basis.values or "\x00" in value:
        return None
    try:
        found = dimension.value_of(value)
    except ValueError:
        return None
    return None if isinstance(found, int) and abs(found) > LARGEST_KEY else ChosenRow(dimension, Basis(basis), found)
