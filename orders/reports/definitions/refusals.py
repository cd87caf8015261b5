"""The report of refusals and returns."""

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from orders.reports.aggregates import all_items, all_orders, counted, item_sum, orders_where, refunds, sum_of, uncounted
from orders.reports.definitions.report import Report
from orders.reports.dimensions import (
    DAY,
    MANAGER,
    MONTH,
    PRODUCT,
    REFUND_METHOD,
    REFUND_REASON,
    REFUSAL_REASON,
    SHOP,
    SOURCE,
)
from orders.reports.populations import REFUNDED, REFUSED, is_refused
from orders.reports.reading import Aggregate, Grouping, Part
from orders.reports.tables import Column, Kind, ratio

_ALL = Part(
    all_orders,
    "",
    {
        "all": orders_where(),
        "orders": orders_where(is_refused),
        "amount": sum_of("total_amount", is_refused),
        "counted": counted(is_refused),
        "uncounted": uncounted(is_refused),
        "paid": sum_of("paid_amount", is_refused),
    },
)
_ITEMS = Part(
    all_items,
    "order__",
    {
        "all": orders_where(distinct=True),
        "orders": orders_where(is_refused, distinct=True),
        "amount": item_sum(is_refused),
    },
)
_REFUSALS = Column("orders", _("Refusals"), Kind.COUNT, lambda sums: sums["orders"], more_is_better=False)
_SHARE = Column(
    "share", _("Share of all orders"), Kind.SHARE, lambda sums: ratio(sums["orders"], sums["all"]), more_is_better=False
)
_LOST = Column("amount", _("Sum of the refused"), Kind.MONEY, lambda sums: sums["amount"], more_is_better=False)
_REFUNDS = Column("refunds", _("Refunds"), Kind.MONEY, lambda sums: sums["refunds"], more_is_better=False)
_COLUMNS = (
    _REFUSALS,
    _SHARE,
    _LOST,
    _REFUNDS,
    Column("paid", _("Paid and not given back"), Kind.MONEY, lambda sums: sums["paid"]),
    Column("uncounted", _("Without a sum"), Kind.COUNT, lambda sums: sums["uncounted"]),
)
_PARTS = (_ALL, refunds(is_refused))
_ITEM_COLUMNS = (_REFUSALS, _SHARE, _LOST)

_RETURNS = refunds(
    orders=orders_where(distinct=True),
    payments=Aggregate(int, lambda _prefix: Count("pk")),
    cancelled=orders_where(is_refused, distinct=True),
)
_RETURN_COLUMNS = (
    Column("orders", _("Orders"), Kind.COUNT, lambda sums: sums["orders"], more_is_better=False),
    Column("cancelled", _("of them refused"), Kind.COUNT, lambda sums: sums["cancelled"]),
    Column("payments", _("Refunds, number"), Kind.COUNT, lambda sums: sums["payments"]),
    _REFUNDS,
)

REFUSALS = Report(
    "refusals",
    _("Refusals and returns"),
    "assignment_return",
    (
        Grouping(REFUSAL_REASON, _PARTS, _COLUMNS, REFUSED, line="amount"),
        Grouping(PRODUCT, (_ITEMS,), _ITEM_COLUMNS, REFUSED, line="amount"),
        *(
            Grouping(dimension, _PARTS, _COLUMNS, REFUSED, line="amount")
            for dimension in (MANAGER, DAY, MONTH, SHOP, SOURCE)
        ),
        *(
            Grouping(dimension, (_RETURNS,), _RETURN_COLUMNS, REFUNDED, line="refunds")
            for dimension in (REFUND_REASON, REFUND_METHOD)
        ),
    ),
    ("orders", "share", "amount", "refunds"),
    (
        _("A refusal is an order that is cancelled, or deleted on the site. Orders without a date are left out."),
        _("The reason is the one of the site. An order cancelled in the CRM has no reason there."),
        _("The share is that among all orders of the row, refused or not."),
        _("Refunds are negative payments of the orders of the table, whenever they were made, in ₸."),
        _("“Refunds by …” contain all orders with a refund, refused or not."),
        _("Sums that are unknown or not in ₸ are not added up."),
    ),
)
