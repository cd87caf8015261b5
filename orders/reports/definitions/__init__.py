"""The reports. A new report is a module here, with its name, tables, headline and notes."""

from orders.reports.definitions.refusals import REFUSALS
from orders.reports.definitions.report import Report
from orders.reports.definitions.sales import SALES

REPORTS: dict[str, Report] = {report.key: report for report in (SALES, REFUSALS)}

PAGES = [(report.key, report.title, report.icon) for report in REPORTS.values()]
"""The keys, the titles and the icons of the pages of all reports."""

__all__ = ["PAGES", "REPORTS", "Report"]
