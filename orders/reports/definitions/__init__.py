"""The reports. A new report is a module here, with its name, tables, headline and notes."""

from django.utils.translation import gettext_lazy as _

from orders.reports.definitions.customers import CUSTOMERS
from orders.reports.definitions.delivery import DELIVERY
from orders.reports.definitions.people import PEOPLE
from orders.reports.definitions.refusals import REFUSALS
from orders.reports.definitions.report import Report
from orders.reports.definitions.sales import SALES

HOLIDAYS = "holidays"
"""The key of the report of holidays, which compares years and has no period."""
CALLS = "calls"
"""The key of the page of customers to call."""
REPORTS: dict[str, Report] = {report.key: report for report in (SALES, REFUSALS, DELIVERY, PEOPLE, CUSTOMERS)}

PAGES = [
    *((report.key, report.title, report.icon) for report in REPORTS.values()),
    (HOLIDAYS, _("Holidays"), "celebration"),
    (CALLS, _("Customers to call"), "call"),
]
"""The keys, the titles and the icons of the pages of all reports."""

__all__ = ["CALLS", "HOLIDAYS", "PAGES", "REPORTS", "Report"]
