"""The report of sales."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.reports.aggregates import SOLD_ITEMS, SOLD_ORDERS, refunds
from orders.reports.definitions.report import Report
from orders.reports.dimensions import (
    CITY,
    DAY,
    HOUR,
    MANAGER,
    METHOD,
    MONTH,
    PRODUCT,
    SHOP,
    SOURCE,
    WEEK,
    WEEKDAY,
)
from orders.reports.populations import SOLD, is_sold
from orders.reports.reading import Grouping
from orders.reports.tables import Column, Kind, ratio

ORDERS = Column("orders", _("Orders"), Kind.COUNT, lambda sums: sums["orders"], more_is_better=True)
AMOUNT = Column("amount", _("Sum"), Kind.MONEY, lambda sums: sums["amount"], more_is_better=True)
AVERAGE = Column(
    "average",
    _("Average bill"),
    Kind.MONEY,
    lambda sums: ratio(sums["amount"], sums["counted"]),
    more_is_better=True,
)
_COLUMNS = (
    ORDERS,
    AMOUNT,
    AVERAGE,
    Column(
        "goods_average",
        _("Average without delivery"),
        Kind.MONEY,
        lambda sums: ratio(sums["goods"], sums["goods_counted"]),
    ),
    Column("delivery", _("Delivery fees"), Kind.MONEY, lambda sums: sums["delivery"]),
    Column("discount", pgettext_lazy("column", "Discounts"), Kind.MONEY, lambda sums: sums["discount"]),
    Column("refunds", _("Refunds"), Kind.MONEY, lambda sums: sums["refunds"], more_is_better=False),
    Column("uncounted", _("Without a sum"), Kind.COUNT, lambda sums: sums["uncounted"]),
)
_PRODUCT_COLUMNS = (
    ORDERS,
    Column("quantity", _("Pieces"), Kind.COUNT, lambda sums: sums["quantity"]),
    AMOUNT,
    Column("uncounted", _("Without a sum"), Kind.COUNT, lambda sums: sums["uncounted"]),
)
_PARTS = (SOLD_ORDERS, refunds(is_sold))

SALES = Report(
    "sales",
    pgettext_lazy("report", "Sales"),
    "bar_chart",
    (
        *(
            Grouping(dimension, _PARTS, _COLUMNS, SOLD, line="amount")
            for dimension in (DAY, WEEK, MONTH, WEEKDAY, HOUR)
        ),
        Grouping(PRODUCT, (SOLD_ITEMS,), _PRODUCT_COLUMNS, SOLD, line="amount"),
        *(
            Grouping(dimension, _PARTS, _COLUMNS, SOLD, line="amount")
            for dimension in (SHOP, CITY, MANAGER, SOURCE, METHOD)
        ),
    ),
    ("orders", "amount", "average", "refunds"),
    (
        _("Cancelled orders, and orders deleted on the site, are left out. So are orders without a date."),
        _("The sum is the whole sum of the orders, with delivery and after discounts, paid or not."),
        _("Sums that are unknown or not in ₸ are not added up. Averages are those of known sums in ₸."),
        _("A refund is a negative payment of an order of the table, whenever it was made. It is not subtracted."),
        _("By product: pieces and the sum of the items, without delivery. An order with two products is in two rows."),
        _("There is no table by category: the CRM does not know the sections of the site's catalogue."),
        _("By hour: the hour at which the delivery slot begins, or at which the order came, in Almaty."),
    ),
)
