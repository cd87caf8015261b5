"""The exported tables of the report of the exchange with the site."""

from collections.abc import Callable, Iterator

from django.http import QueryDict
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from bitrix_bridge.admin.exchange_tables import TABLES, ExchangeTable, read_exchange
from cvety_crm.admin_site.navigation import may_view
from cvety_crm.users import AnyUser
from orders.export.reader import Reader
from orders.export.table import Content, ExportTable
from orders.export.tables.reports import columns_of, content_of, report_scope, table_key
from orders.export.tables.rights import may_export_reports

REPORT = "exchange"


def exchange_exports() -> Iterator[ExportTable]:
    """Yield the tables of the report."""
    for table in TABLES.values():
        yield ExportTable(
            table_key(REPORT, table.key),
            format_lazy("{report}: {table}", report=_("Exchange with the site"), table=table.label),
            columns_of(table.columns),
            may_export_exchange,
            _finder(table),
            file_name="otchet-obmen",
            page="exchange_report",
        )


def sees_exchange(user: AnyUser) -> bool:
    """Return whether the user may see both directions of the exchange with the site."""
    return all(may_view(user, model) for model in ("bitrix_bridge.webhookevent", "bitrix_bridge.push"))


def may_export_exchange(user: AnyUser) -> bool:
    """Return whether the user may download the tables: the user must see the exchange, and may export reports."""
    return may_export_reports(user) and sees_exchange(user)


def _finder(table: ExchangeTable) -> Callable[[Reader, QueryDict], Content]:
    def find(reader: Reader, query: QueryDict) -> Content:
        scope, facts = report_scope(query)
        # Events and pushes have no other date and no filters, so the period is the only fact.
        return content_of(read_exchange(table, scope.period), reader, facts[:1])

    return find
