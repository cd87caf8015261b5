"""The table of items: those of the orders that the order list finds."""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.export.cells import Cell, Kind
from orders.export.pages import PAGE, Page, keys_of
from orders.export.reader import Reader
from orders.export.table import Block, Column, Content, ExportTable
from orders.export.tables import order_values as values
from orders.export.tables.columns import name, plain
from orders.export.tables.listed import block_of, listed
from orders.export.tables.rights import may_export_orders
from orders.models import Order, OrderItem
from orders.presentation.details import as_line, plain_item_details
from orders.presentation.item_values import price_text, quantity_text, total_text
from orders.rules.payment import KZT

_DAY = "order__delivery_date"
_CURRENCY, _OF_ORDER = "order__currency", "order__unknown_values"
_SUM_FIELDS = (_DAY, _CURRENCY, _OF_ORDER, "unknown_values")
_FOUND = listed("order")


def _find(reader: Reader, query: QueryDict) -> Content:
    found = _FOUND(reader.user, query)
    keys = keys_of(found.rows)
    count = OrderItem.objects.filter(order__in=found.rows.order_by().values("pk")).count()

    def blocks(columns: Sequence[Column]) -> Iterator[Block]:
        fields = list(dict.fromkeys(name for column in columns for name in column.fields))
        for start in range(0, len(keys), PAGE):
            if page := _page(keys[start : start + PAGE], fields):
                yield block_of(columns, page, reader)

    return Content(count, blocks, found.facts)


def _page(orders: Sequence[UUID], fields: Sequence[str]) -> Page | None:
    """Return the items of some orders, sorted as the orders are, or None if there are none."""
    places = {key: place for place, key in enumerate(orders)}
    rows = (
        OrderItem.objects.filter(order__in=orders)
        .order_by("position", "created_at")
        .values_list("pk", "order_id", *fields)
    )
    found = sorted(rows, key=lambda row: places[row[1]])
    if not found:
        return None
    keys, _orders, *columns = zip(*found, strict=True)
    return Page(keys, dict(zip(fields, columns, strict=True)))


def _products(page: Page, reader: Reader) -> Sequence[Cell]:
    return values.typed_texts([_item(snapshot).name for snapshot in page["product_snapshot"]], reader)


def _details(page: Page, _reader: Reader) -> Sequence[Cell]:
    return [as_line(plain_item_details(_item(snapshot))) for snapshot in page["product_snapshot"]]


def _item(snapshot: dict[str, object]) -> OrderItem:
    return OrderItem(product_snapshot=snapshot)


def _quantities(page: Page, reader: Reader) -> Sequence[Cell]:
    return [
        quantity if "quantity" not in unknown else reader.text(quantity_text(OrderItem(unknown_values=unknown)))
        for quantity, unknown in zip(page["quantity"], page["unknown_values"], strict=True)
    ]


def _sums(
    field: str, text: Callable[[OrderItem, Order], str], is_unknown: Callable[[dict[str, str]], bool]
) -> values.Cells:
    """Return a function that returns sums: numbers if they are known and in KZT, and otherwise texts."""

    def cells(page: Page, reader: Reader) -> Sequence[Cell]:
        rows = zip(page[field], page[_CURRENCY], page["unknown_values"], page[_OF_ORDER], strict=True)
        found = [
            value
            if currency == KZT and "currency" not in of_order and not is_unknown(unknown)
            else text(
                OrderItem(**{field: value}, unknown_values=unknown), Order(currency=currency, unknown_values=of_order)
            )
            for value, currency, unknown, of_order in rows
        ]
        return values.shown_sums(found, page[_DAY], reader)

    return cells


def _dates(page: Page, reader: Reader) -> Sequence[Cell]:
    renamed = Page(page.keys, {values.DAY: page[_DAY], values.UNKNOWN: page[_OF_ORDER]})
    return values.dates(renamed, reader)


def _statuses(page: Page, reader: Reader) -> Sequence[Cell]:
    renamed = Page(page.keys, {"status_id": page["order__status_id"], values.UNKNOWN: page[_OF_ORDER]})
    return values.statuses(renamed, reader)


ITEMS = ExportTable(
    "order_items",
    _("Order items"),
    (
        plain("number", _("Number"), "order__order_number", 11),
        Column("day", _("Delivery date"), Kind.DATE, 12, (_DAY, _OF_ORDER), _dates),
        Column("status", _("Status"), Kind.TEXT, 15, ("order__status_id", _OF_ORDER), _statuses, hides="phones"),
        Column("product", pgettext_lazy("column", "Product"), Kind.TEXT, 40, ("product_snapshot",), _products,
               hides="phones"),
        Column("details", pgettext_lazy("item", "Details"), Kind.TEXT, 30, ("product_snapshot",), _details),
        Column("quantity", pgettext_lazy("column", "Quantity"), Kind.NUMBER, 10, ("quantity", "unknown_values"),
               _quantities, is_summed=True),
        Column("price", _("Price, ₸"), Kind.MONEY, 12, ("price", *_SUM_FIELDS),
               _sums("price", price_text, lambda unknown: "price" in unknown), hides="prices"),
        Column("sum", _("Sum, ₸"), Kind.MONEY, 12, ("total", *_SUM_FIELDS), _sums("total", total_text, bool),
               is_summed=True, hides="prices"),
        name("shop", _("Shop"), "order__shop_id", "shops", 14),
        name("city", _("City"), "order__city_id", "cities", 12),
        plain("product_id", _("Product's id on the site"), "product__bitrix_product_id", 12, Kind.KEY),
        plain("order_id", _("Order's id on the site"), "order__bitrix_order_id", 12, Kind.KEY),
    ),
    may_export_orders,
    _find,
    file_name="pozicii-zakazov",
    page="admin:orders_order_changelist",
)  # fmt: skip
"""The items of the orders of the order list."""
