"""The table of customers."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.export.cells import Cell, Kind
from orders.export.pages import Page
from orders.export.reader import Reader
from orders.export.table import Column, ExportTable
from orders.export.tables import order_values as values
from orders.export.tables.columns import flag, moment, phone, plain, text
from orders.export.tables.listed import finder
from orders.export.tables.rights import may_export
from orders.models import Customer
from orders.rules.visibility import may_see_orders


def _of_orders(cells: values.Cells, *, is_sum: bool = False) -> values.Cells:
    """Return a function that returns cells about the customers' orders, for readers who may see those."""

    def shown(page: Page, reader: Reader) -> Sequence[Cell]:
        may_see = may_see_orders(reader.user) and (reader.sees_all_prices or not is_sum)
        return cells(page, reader) if may_see else [None] * len(page)

    return shown


CUSTOMERS = ExportTable(
    "customers",
    _("Customers"),
    (
        text("name", pgettext_lazy("person", "Name"), "name", 25),
        phone("phone", _("Phone"), "phone", "other_phones"),
        text("email", _("E-mail"), "email", 25),
        Column("orders", _("Orders"), Kind.NUMBER, 10, ("orders_count",),
               _of_orders(values.plain("orders_count")), is_summed=True),
        Column("sum", _("Sum of the orders, ₸"), Kind.MONEY, 14, ("orders_total",),
               _of_orders(values.plain("orders_total"), is_sum=True), is_summed=True, hides="prices"),
        Column("last_order", _("Last order"), Kind.MOMENT, 16, ("last_order_at",),
               _of_orders(values.moments("last_order_at"))),
        text("note", _("Note"), "note", 40),
        moment("created", pgettext_lazy("customer", "Created"), "created_at"),
        flag("attention", _("Needs a look"), "needs_attention", _("yes")),
        plain("site_id", _("Id on the site"), "bitrix_user_id", 12, Kind.KEY),
    ),
    may_export("customer"),
    finder("customer", Customer),
    file_name="klienty",
    page="admin:orders_customer_changelist",
)  # fmt: skip
"""The customers of their list."""
