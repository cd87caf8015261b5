"""The report of customers: new and returning, and who orders most."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.reports.aggregates import SOLD_SUMS
from orders.reports.definitions.report import Report
from orders.reports.definitions.sales import AMOUNT, AVERAGE, ORDERS
from orders.reports.dimensions import CUSTOMER, NEW_OR_RETURNING
from orders.reports.populations import SOLD
from orders.reports.reading import Grouping
from orders.reports.tables import Column, Kind

_COLUMNS = (
    ORDERS,
    AMOUNT,
    AVERAGE,
    Column("uncounted", _("Without a sum"), Kind.COUNT, lambda sums: sums["uncounted"]),
)

CUSTOMERS = Report(
    "customers",
    pgettext_lazy("report", "Customers"),
    "group",
    (
        Grouping(NEW_OR_RETURNING, (SOLD_SUMS,), _COLUMNS, SOLD, line="amount"),
        Grouping(CUSTOMER, (SOLD_SUMS,), _COLUMNS, SOLD, line="amount", most_rows=200),
    ),
    ("orders", "amount", "average"),
    (
        _("Cancelled orders, and orders deleted on the site, are left out. So are orders without a date."),
        _("An order is of a returning customer if the customer has an earlier order that is not cancelled."),
        _("By customer: the 200 customers with the most orders of the period. The total contains all."),
        _("Sums that are unknown or not in ₸ are not added up. Averages are those of known sums in ₸."),
    ),
)
