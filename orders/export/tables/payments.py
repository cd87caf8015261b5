"""The table of payments."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cvety_crm.users import AnyUser
from orders.export.cells import Cell, Kind
from orders.export.pages import Page, keys_of, read_pages
from orders.export.reader import Reader
from orders.export.table import Block, Column, Content, ExportTable
from orders.export.tables import order_values as values
from orders.export.tables.columns import moment, name, plain, text
from orders.export.tables.listed import block_of
from orders.export.tables.rights import may_export
from orders.models import Payment, PaymentMethod, Source
from orders.presentation.formatting import full_day, money
from orders.presentation.payment import unknown_text
from orders.reports.period import EARLIEST, LATEST, Period, Span, period_of
from orders.rules.payment import KZT
from orders.rules.visibility import may_see_orders

_DAY, _CURRENCY, _OF_ORDER = "order__delivery_date", "order__currency", "order__unknown_values"
_may_export_payments = may_export("payment")


def may_export_payments(user: AnyUser) -> bool:
    """Return whether the user may download payments as a file."""
    return may_see_orders(user) and _may_export_payments(user)


def period_in(query: QueryDict) -> Period:
    """Return the days of the parameters `from` and `to`, or of `span` (`Span`), which is this month by default."""
    days = [_day(query.get(name, "")) for name in ("from", "to")]
    if any(days):
        first, last = days[0] or days[1], days[1] or days[0]
        assert first is not None
        assert last is not None
        return Period(min(first, last), max(first, last))
    typed = str(query.get("span", ""))
    return period_of(Span(typed) if typed in Span.values else Span.MONTH, timezone.localdate())


def _find(reader: Reader, query: QueryDict) -> Content:
    period = period_in(query)
    start, end = period.moments
    keys = keys_of(Payment.objects.filter(paid_at__gte=start, paid_at__lt=end).order_by("paid_at", "id"))

    def blocks(columns: Sequence[Column]) -> Iterator[Block]:
        fields = [field for column in columns for field in column.fields]
        for page in read_pages(Payment.objects.all(), keys, fields):
            yield block_of(columns, page, reader)

    days = [period.first, period.last] if period.days > 1 else [period.first]
    return Content(len(keys), blocks, ((gettext("Period"), " – ".join(map(full_day, days))),))


def _day(text: str) -> date | None:
    try:
        found = parse_date(text)
    except ValueError:
        return None
    return found if found is not None and EARLIEST <= found <= LATEST - timedelta(days=1) else None


def _amounts(page: Page, reader: Reader) -> Sequence[Cell]:
    found = [
        amount if currency == KZT and "currency" not in unknown else _amount_text(amount, currency, unknown)
        for amount, currency, unknown in zip(page["amount"], page[_CURRENCY], page[_OF_ORDER], strict=True)
    ]
    return values.shown_sums(found, page[_DAY], reader)


def _amount_text(amount: object, currency: str, unknown: dict[str, str]) -> str:
    if "currency" in unknown:
        return f"{money(amount, '?')} ({unknown_text(unknown['currency'])})"  # type: ignore[arg-type]
    return money(amount, currency)  # type: ignore[arg-type]


def _methods(page: Page, _reader: Reader) -> Sequence[Cell]:
    labels = {**{value: str(label) for value, label in PaymentMethod.choices}, "": gettext("method unknown")}
    return [labels.get(value, value) for value in page["method"]]


PAYMENTS = ExportTable(
    "payments",
    _("Payments"),
    (
        moment("paid", pgettext_lazy("payment", "When"), "paid_at"),
        plain("number", _("Order"), "order__order_number", 11),
        plain("day", _("Delivery date"), _DAY, 12, Kind.DATE),
        Column("amount", _("Amount, ₸"), Kind.MONEY, 12, ("amount", _CURRENCY, _OF_ORDER, _DAY), _amounts,
               is_summed=True, hides="prices"),
        Column("method", _("Payment method"), Kind.TEXT, 16, ("method",), _methods),
        name("taken_by", pgettext_lazy("payment", "Taken by"), "taken_by_id", "people", 16),
        name("courier", _("Courier"), "courier_id", "couriers", 16),
        moment("settled", _("Handed in"), "settled_at"),
        Column("source", _("From where"), Kind.TEXT, 10, ("source",), values.labels(Source, "source")),
        text("reason", pgettext_lazy("payment", "Reason"), "reason", 30),
        plain("site_id", _("Id on the site"), "bitrix_payment_id", 12, Kind.KEY),
        plain("order_id", _("Order's id on the site"), "order__bitrix_order_id", 12, Kind.KEY),
    ),
    may_export_payments,
    _find,
    file_name="platezhi",
    page="till",
    has_period=True,
)  # fmt: skip
"""The payments of a period."""
