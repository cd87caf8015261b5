"""The table of orders."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.export.cells import Kind
from orders.export.table import Column, ExportTable
from orders.export.tables import order_items
from orders.export.tables import order_values as values
from orders.export.tables.columns import moment, name, phone, text
from orders.export.tables.listed import finder
from orders.export.tables.rights import may_export_orders
from orders.models import Order, Source

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise  # the stubs are not installed in production

_UNKNOWN = values.UNKNOWN


def _money(key: str, header: "StrOrPromise", field: str) -> Column:
    fields = (field, *values.MONEY_FIELDS)
    return Column(key, header, Kind.MONEY, 12, fields, values.amounts(field), is_summed=True, hides="prices")


ORDERS = ExportTable(
    "orders",
    _("Orders"),
    (
        Column("number", _("Number"), Kind.TEXT, 11, ("order_number",), values.plain("order_number")),
        Column("day", _("Delivery date"), Kind.DATE, 12, ("delivery_date", _UNKNOWN), values.dates),
        Column("slot", _("Interval"), Kind.TEXT, 13, ("delivery_slot_id", _UNKNOWN), values.slots),
        Column("status", _("Status"), Kind.TEXT, 15, ("status_id", _UNKNOWN), values.statuses),
        Column("composition", _("Composition"), Kind.TEXT, 40, (), order_items.compositions),
        text("recipient", _("Recipient"), "recipient_name", 20),
        phone("recipient_phone", _("Recipient's phone"), "recipient_phone", "recipient_other_phones"),
        name("city", _("City"), "city_id", "cities", 12),
        text("address", _("Address"), "delivery_address", 40),
        text("customer", _("Customer"), "customer__name", 20),
        phone("customer_phone", pgettext_lazy("column", "Customer's phone"), "customer__phone",
               "customer__other_phones"),
        text("contact_name", _("Name given with the order"), "contact_name", 20),
        phone("contact_phone", _("Phone given with the order"), "contact_phone"),
        text("contact_email", _("E-mail given with the order"), "contact_email", 20),
        _money("sum", _("Sum, ₸"), "total_amount"),
        _money("paid", _("Paid, ₸"), "paid_amount"),
        Column("due", _("To collect, ₸"), Kind.MONEY, 12, values.PAYMENT_FIELDS, values.dues, is_summed=True,
               hides="prices"),
        _money("delivery_fee", _("Delivery fee, ₸"), "delivery_fee"),
        _money("discount", _("Discount, ₸"), "discount_amount"),
        Column("method", _("Payment method"), Kind.TEXT, 13, (*values.PAYMENT_FIELDS, "pay_system_id"),
               values.methods),
        Column("payment", _("Payment"), Kind.TEXT, 14, values.PAYMENT_FIELDS, values.payment_states),
        name("shop", _("Shop"), "shop_id", "shops", 14),
        name("florist", _("Florist"), "responsible_id", "people", 16),
        moment("taken", _("Bouquet taken"), "taken_at"),
        moment("ready", _("Bouquet ready"), "ready_at"),
        name("ready_by", _("Made ready by"), "ready_by_id", "people", 16),
        name("courier", _("Courier"), "courier_id", "couriers", 16),
        Column("source", _("From where"), Kind.TEXT, 10, ("source",), values.labels(Source, "source")),
        text("comment", _("Comment"), "comment", 30),
        text("courier_comment", _("For the courier"), "courier_comment", 30),
        text("postcard", _("Postcard"), "postcard_text", 30),
        moment("created", pgettext_lazy("order", "Created"), "created_at"),
        Column("site_id", _("Id on the site"), Kind.KEY, 12, ("bitrix_order_id",), values.plain("bitrix_order_id")),
        Column("details", _("More from the site"), Kind.TEXT, 50, order_items.DETAIL_FIELDS, order_items.details,
               is_default=False, hides="prices"),
    ),
    may_export_orders,
    finder("order", Order),
    file_name="zakazy",
    page="admin:orders_order_changelist",
)  # fmt: skip
"""The orders of the order list."""
