"""The table of orders."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.export.cells import Kind
from orders.export.pages import Page
from orders.export.reader import Reader
from orders.export.table import Column, ExportTable
from orders.export.tables import order_items
from orders.export.tables import order_values as values
from orders.export.tables.listed import finder
from orders.export.tables.rights import may_export_orders
from orders.models import Order, Source

_UNKNOWN = values.UNKNOWN


def _text(key: str, header: object, field: str, width: int) -> Column:
    return Column(key, header, Kind.TEXT, width, (field,), values.typed(field), hides="phones")  # type: ignore[arg-type]


def _phone(key: str, header: object, field: str, others: str = "") -> Column:
    fields = (field, others) if others else (field,)
    return Column(key, header, Kind.PHONE, 16, fields, values.phones(field, others), hides="phones")  # type: ignore[arg-type]


def _money(key: str, header: object, field: str) -> Column:
    fields = (field, *values.MONEY_FIELDS)
    return Column(key, header, Kind.MONEY, 12, fields, values.amounts(field), is_summed=True, hides="prices")  # type: ignore[arg-type]


def _moment(key: str, header: object, field: str) -> Column:
    return Column(key, header, Kind.MOMENT, 16, (field,), values.moments(field))  # type: ignore[arg-type]


def _name(key: str, header: object, field: str, names: str, width: int) -> Column:
    def cells(page: Page, reader: Reader) -> list[str]:
        known = getattr(reader.names, names)
        return [known[value] for value in page[field]]

    return Column(key, header, Kind.TEXT, width, (field,), cells)  # type: ignore[arg-type]


ORDERS = ExportTable(
    "orders",
    _("Orders"),
    (
        Column("number", _("Number"), Kind.TEXT, 11, ("order_number",), values.plain("order_number")),
        Column("day", _("Delivery date"), Kind.DATE, 12, ("delivery_date", _UNKNOWN), values.dates),
        Column("slot", _("Interval"), Kind.TEXT, 13, ("delivery_slot_id", _UNKNOWN), values.slots),
        Column("status", _("Status"), Kind.TEXT, 15, ("status_id", _UNKNOWN), values.statuses),
        Column("composition", _("Composition"), Kind.TEXT, 40, (), order_items.compositions),
        _text("recipient", _("Recipient"), "recipient_name", 20),
        _phone("recipient_phone", _("Recipient's phone"), "recipient_phone", "recipient_other_phones"),
        _name("city", _("City"), "city_id", "cities", 12),
        _text("address", _("Address"), "delivery_address", 40),
        _text("customer", _("Customer"), "customer__name", 20),
        _phone("customer_phone", pgettext_lazy("column", "Customer's phone"), "customer__phone",
               "customer__other_phones"),
        _text("contact_name", _("Name given with the order"), "contact_name", 20),
        _phone("contact_phone", _("Phone given with the order"), "contact_phone"),
        _text("contact_email", _("E-mail given with the order"), "contact_email", 20),
        _money("sum", _("Sum, ₸"), "total_amount"),
        _money("paid", _("Paid, ₸"), "paid_amount"),
        Column("due", _("To collect, ₸"), Kind.MONEY, 12, values.PAYMENT_FIELDS, values.dues, is_summed=True,
               hides="prices"),
        _money("delivery_fee", _("Delivery fee, ₸"), "delivery_fee"),
        _money("discount", _("Discount, ₸"), "discount_amount"),
        Column("method", _("Payment method"), Kind.TEXT, 13, (*values.PAYMENT_FIELDS, "pay_system_id"),
               values.methods),
        Column("payment", _("Payment"), Kind.TEXT, 14, values.PAYMENT_FIELDS, values.payment_states),
        _name("shop", _("Shop"), "shop_id", "shops", 14),
        _name("florist", _("Florist"), "responsible_id", "people", 16),
        _moment("taken", _("Bouquet taken"), "taken_at"),
        _moment("ready", _("Bouquet ready"), "ready_at"),
        _name("ready_by", _("Made ready by"), "ready_by_id", "people", 16),
        _name("courier", _("Courier"), "courier_id", "couriers", 16),
        Column("source", _("From where"), Kind.TEXT, 10, ("source",), values.labels(Source, "source")),
        _text("comment", _("Comment"), "comment", 30),
        _text("courier_comment", _("For the courier"), "courier_comment", 30),
        _text("postcard", _("Postcard"), "postcard_text", 30),
        _moment("created", pgettext_lazy("order", "Created"), "created_at"),
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
