"""Show one order: its rows in the site's database copy, what an import would store, and the reasons. Nothing is stored.

Secrets and phones are masked, because everyone who works at the terminal can read its output.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.history import importing, report
from bitrix_bridge.history.reading import Selection, read_orders
from bitrix_bridge.history.source import Row, Source
from bitrix_bridge.history.source_order import SourceOrder
from bitrix_bridge.models import ImportRow
from cvety_crm.formatting import full_moment
from cvety_crm.masking import mask
from orders.models import Customer, Order, OrderItem
from orders.presentation.formatting import plain
from orders.presentation.payment import unknown_text
from orders.presentation.timeline import Entry, field_label, timeline
from orders.sync.fields import FIELDS
from orders.values.phone_masking import without_phones

_NEVER_A_PHONE = re.compile(r"(?:.+_)?ID|DATE_.+|.+_DATE|TIMESTAMP_X|ACCOUNT_NUMBER|CODE|.*PRICE.*|SUM.*|QUANTITY|SORT")
_HIDDEN = frozenset({"recipient_phone", "contact_phone"})


def shown_order(source: Source, bitrix_order_id: int) -> list[tuple[str, list[str]]]:
    """Return titles, each with the lines below it. Return an empty list if the copy does not have the order.

    The order is imported in a transaction that is rolled back. Raise `AlreadyRunningError` if an import is running, and
    `SourceError` if the copy can't be read.
    """
    found = read_orders(source, [bitrix_order_id])
    if not found.orders:
        return []
    parts = list(_rows(found.orders[0]))
    selection = Selection(order_ids=(bitrix_order_id,))
    with importing.rolled_back():
        run = importing.start(source, selection)
        importing.work(run, source)
        row = ImportRow.objects.select_related("order").get(run=run, bitrix_order_id=bitrix_order_id)
        parts.append((gettext("Outcome of an import"), [row.get_outcome_display()]))
        parts.append((gettext("Reasons"), [_safe(text) for text in report.texts(row.reasons, is_dry=True)]))
        if row.order is not None:
            parts += _stored(row.order)
    return parts


def _rows(order: SourceOrder) -> Iterator[tuple[str, list[str]]]:
    """Yield each table with the rows that belong to the order. The columns of a row that are empty are left out."""
    properties = [row for line in order.lines for row in order.line_properties.get(line.get("ID") or "", [])]
    tables: Sequence[tuple[str, Sequence[Row]]] = (
        ("b_sale_order_archive" if order.is_archived else "b_sale_order", [order.row]),
        ("b_sale_basket", order.lines),
        ("b_sale_basket_props", properties),
        ("b_sale_order_props_value", order.values),
        ("b_sale_order_payment", order.payments),
        ("b_sale_order_delivery", order.shipments),
        ("b_sale_order_change", order.changes),
        ("b_user", [order.user] if order.user else []),
        ("b_user_phone_auth", [Row([("PHONE_NUMBER", order.phone)])] if order.phone else []),
    )
    for table, rows in tables:
        if rows:
            yield table, [_row(row) for row in rows]


def _row(row: Row) -> str:
    return " · ".join(f"{name}={_column(name, value)}" for name, value in row.items() if value)


def _stored(order: Order) -> Iterator[tuple[str, list[str]]]:
    values = [
        (field_label(name), getattr(order, field.attribute.removesuffix("_id"), None)) for name, field in FIELDS.items()
    ]
    values.append((field_label("created_at"), full_moment(timezone.localtime(order.created_at))))
    yield gettext("What would be stored"), [f"{label}: {_value(value)}" for label, value in values if value]
    items = order.items.order_by("position")
    yield gettext("Items"), [_item(item) for item in items]
    if order.customer is not None:
        yield gettext("Customer"), list(_customer(order.customer))
    if order.metadata:
        yield gettext("Other fields"), list(_metadata(order.metadata))
    entries = timeline(order.events.select_related("actor").order_by("happened_at"), hidden=_HIDDEN)
    yield gettext("Timeline"), [_entry(entry) for entry in entries]


def _item(item: OrderItem) -> str:
    quantity, price = (
        _safe(unknown_text(item.unknown_values[name])) if item.is_unknown(name) else f"{plain(getattr(item, name)):f}"
        for name in ("quantity", "price")
    )
    return f"{_safe(item.name)} · {quantity} × {price}"


def _customer(customer: Customer) -> Iterable[str]:
    return (_safe(value) for value in (customer.name, customer.phone, customer.email) if value)


def _metadata(metadata: Mapping[str, object]) -> Iterator[str]:
    for part, values in metadata.items():
        if isinstance(values, Mapping):
            filled = ((name, _as_text(value)) for name, value in values.items() if value)
            yield from (f"{part}.{name}: {_column(name, text)}" for name, text in filled)
        elif isinstance(values, list):
            yield from (f"{part}: {_safe(_as_text(value))}" for value in values)
        else:
            yield f"{part}: {_safe(_as_text(values))}"


def _entry(entry: Entry) -> str:
    moment = f"{timezone.localtime(entry.happened_at):%d.%m.%Y %H:%M}"
    changes = [f"{change.label}: {change.old} → {change.new}" for change in entry.changes]
    # `timeline` has masked the phones.
    texts = (moment, entry.title, entry.who, *changes, *entry.notes)
    return mask(_printable(" · ".join(text for text in texts if text)))


def _value(value: object) -> str:
    if value is True:
        return gettext("yes")
    return _safe(value) if isinstance(value, str) else _printable(str(value))


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _column(name: str, value: str) -> str:
    return mask(_printable(value)) if _NEVER_A_PHONE.fullmatch(name) else _safe(value)


def _safe(text: str) -> str:
    return without_phones(mask(_printable(text)))


def _printable(text: str) -> str:
    """Return the text on one line. A control character could change how the terminal shows the rest."""
    return "".join(char if char.isprintable() else " " for char in text)
