"""The orders of the order list with their items and payments, for accountants."""

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from cvety_crm.users import AnyUser
from orders.export.accounting.files import FoundOrders
from orders.export.pages import keys_of
from orders.export.reader import Reader
from orders.export.table import ExportTable
from orders.export.tables.listed import listed
from orders.export.tables.rights import may_export_orders


def may_export_accounting(user: AnyUser) -> bool:
    """Return whether the user may export orders for accountants: a document without its sum would be misleading."""
    return may_export_orders(user) and user.has_perm("orders.view_all_prices")


def _find(reader: Reader, query: QueryDict) -> FoundOrders:
    found = listed("order")(reader.user, query)
    keys = keys_of(found.rows)
    return FoundOrders(len(keys), lambda _columns: iter(()), found.facts, keys=keys)


ACCOUNTING = ExportTable(
    "accounting",
    _("Orders, items and payments for 1C"),
    (),
    may_export_accounting,
    _find,
    file_name="1c",
    formats=("accounting", "commerceml"),
    hides=("phones", "prices"),
    page="admin:orders_order_changelist",
)
"""The orders of the order list, in formats that have columns of their own."""
