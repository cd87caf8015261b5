"""The columns of an exported table, with the kind of their values. This module makes no queries."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto

from django.contrib.auth.models import AnonymousUser
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.users import User, display_name
from orders.models import Order, OrderItem, Source
from orders.presentation.composition import composition, goods_text
from orders.presentation.details import item_details, order_details
from orders.presentation.payment import amount_text, due_text, state_text, unknown_method, unknown_text
from orders.presentation.phones import masked_phones, phone_words
from orders.presentation.when import slot_text, status_text, unknown_date
from orders.rules.payment import KZT, payment_of
from orders.rules.visibility import may_see_phones, may_see_prices, shown_text
from orders.values.phones import is_number

Cell = str | int | Decimal | date | datetime | None
"""None is an empty cell. A datetime is naive and in local time, as in spreadsheets."""


class Reader:
    """The user who reads the table. The permissions are checked once, and not for each cell."""

    def __init__(self, user: User | AnonymousUser) -> None:
        self.sees_phones = may_see_phones(user)
        self._user = user
        self._sees_prices: dict[date | None, bool] = {}

    def text(self, typed: str) -> str:
        """Return a text that people have entered, with phones masked if the reader may not see phones."""
        return typed if self.sees_phones else shown_text(self._user, typed)

    def sees_prices(self, day: date | None) -> bool:
        """Return whether the reader may see the sums of orders delivered on this day."""
        if day not in self._sees_prices:
            self._sees_prices[day] = may_see_prices(self._user, day)
        return self._sees_prices[day]


class Kind(Enum):
    """The kind of the values in a column. Each file format writes a kind in its own way."""

    TEXT = auto()
    PHONE = auto()
    DATE = auto()
    MOMENT = auto()
    MONEY = auto()
    KEY = auto()
    """A number that is an identifier: it has no thousands separator."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, with its header and the function that returns the value of an order for a reader."""

    header: str | Promise
    kind: Kind
    value: Callable[[Order, Reader], Cell]
    width: int
    """The width of the column in characters."""


def _text(value: Callable[[Order], str]) -> Callable[[Order, Reader], Cell]:
    return lambda order, _reader: value(order)


def _typed(value: Callable[[Order], str]) -> Callable[[Order, Reader], Cell]:
    return lambda order, reader: reader.text(value(order))


def _phone(value: Callable[[Order], tuple[str, str]]) -> Callable[[Order, Reader], Cell]:
    """Return a function that returns a phone, and the other phones after it. A phone alone is in E.164."""

    def shown(order: Order, reader: Reader) -> Cell:
        phone, others = value(order)
        if not reader.sees_phones:
            return masked_phones(phone, others)
        return phone if not others and (not phone or is_number(phone)) else phone_words(phone, others)

    return shown


def _money(value: Callable[[Order], Cell]) -> Callable[[Order, Reader], Cell]:
    return lambda order, reader: value(order) if reader.sees_prices(order.delivery_date) else None


def _amount(name: str) -> Callable[[Order], Cell]:
    """Return a function that returns a number only for an amount that is known and in KZT, and otherwise a text."""

    def value(order: Order) -> Cell:
        is_number = order.currency == KZT and not (order.is_unknown(name) or order.is_unknown("currency"))
        amount: Decimal = getattr(order, name)
        return amount if is_number else amount_text(order, name)

    return value


def _date(order: Order, reader: Reader) -> Cell:
    return reader.text(unknown_date(order)) or order.delivery_date


def _composition(order: Order) -> str:
    items: list[OrderItem] = order.exported_items  # type: ignore[attr-defined]  # set by a Prefetch in export/rows.py
    return "; ".join(map(goods_text, composition(items)))


def _details(order: Order, reader: Reader) -> str:
    """Return the details of the order, and of each item that has any, with one detail on each line."""
    prices = reader.sees_prices(order.delivery_date)
    found = order_details(order, phones=reader.sees_phones, prices=prices)
    lines = [f"{detail.label}: {detail.value}" for detail in found if not detail.is_hidden]
    items: list[OrderItem] = order.exported_items  # type: ignore[attr-defined]  # set by a Prefetch in export/rows.py
    for item in items:
        details = item_details(item, phones=reader.sees_phones, prices=prices)
        lines += [f"{item.name}: {detail.label}: {detail.value}" for detail in details if not detail.is_hidden]
    return "\n".join(lines)


def _person(user: User | None) -> str:
    return display_name(user)


def _moment(value: datetime | None) -> Cell:
    return None if value is None else timezone.localtime(value).replace(tzinfo=None)


def _due(order: Order) -> Cell:
    payment = payment_of(order)
    if not payment.is_due:
        return Decimal(0)
    return payment.due if payment.currency == KZT and payment.due is not None else due_text(payment)


def _label(choices: type[TextChoices]) -> Callable[[str], str]:
    labels = dict(choices.choices)
    return lambda value: str(labels.get(value, value))


_source = _label(Source)


def _method(order: Order) -> str:
    method = payment_of(order).method
    return unknown_text(unknown_method(order)) if method is None else str(method.label)


COLUMNS = (
    Column(_("Number"), Kind.TEXT, _text(lambda order: order.order_number), 11),
    Column(_("Delivery date"), Kind.DATE, _date, 12),
    Column(_("Interval"), Kind.TEXT, _typed(slot_text), 13),
    Column(_("Status"), Kind.TEXT, _typed(status_text), 15),
    Column(_("Composition"), Kind.TEXT, _typed(_composition), 40),
    Column(_("Recipient"), Kind.TEXT, _typed(lambda order: order.recipient_name), 20),
    Column(
        _("Recipient's phone"),
        Kind.PHONE,
        _phone(lambda order: (order.recipient_phone, order.recipient_other_phones)),
        16,
    ),
    Column(_("City"), Kind.TEXT, _text(lambda order: order.city.name if order.city else ""), 12),
    Column(_("Address"), Kind.TEXT, _typed(lambda order: order.delivery_address), 40),
    Column(_("Customer"), Kind.TEXT, _typed(lambda order: order.customer.name if order.customer else ""), 20),
    Column(
        pgettext_lazy("column", "Customer's phone"),
        Kind.PHONE,
        _phone(lambda order: (order.customer.phone, order.customer.other_phones) if order.customer else ("", "")),
        16,
    ),
    Column(_("Name given with the order"), Kind.TEXT, _typed(lambda order: order.contact_name), 20),
    Column(_("Phone given with the order"), Kind.PHONE, _phone(lambda order: (order.contact_phone, "")), 16),
    Column(_("E-mail given with the order"), Kind.TEXT, _typed(lambda order: order.contact_email), 20),
    Column(_("Sum, ₸"), Kind.MONEY, _money(_amount("total_amount")), 12),
    Column(_("Paid, ₸"), Kind.MONEY, _money(_amount("paid_amount")), 12),
    Column(_("To collect, ₸"), Kind.MONEY, _money(_due), 12),
    Column(_("Delivery fee, ₸"), Kind.MONEY, _money(_amount("delivery_fee")), 12),
    Column(_("Discount, ₸"), Kind.MONEY, _money(_amount("discount_amount")), 12),
    Column(_("Payment method"), Kind.TEXT, _text(_method), 13),
    Column(_("Payment"), Kind.TEXT, _text(lambda order: state_text(payment_of(order))), 14),
    Column(_("Shop"), Kind.TEXT, _text(lambda order: order.shop.name if order.shop else ""), 14),
    Column(_("Florist"), Kind.TEXT, _text(lambda order: _person(order.responsible)), 16),
    Column(_("Bouquet taken"), Kind.MOMENT, lambda order, _reader: _moment(order.taken_at), 16),
    Column(_("Bouquet ready"), Kind.MOMENT, lambda order, _reader: _moment(order.ready_at), 16),
    Column(_("Made ready by"), Kind.TEXT, _text(lambda order: _person(order.ready_by)), 16),
    Column(_("Courier"), Kind.TEXT, _text(lambda order: order.courier.name if order.courier else ""), 16),
    Column(_("From where"), Kind.TEXT, _text(lambda order: _source(order.source)), 10),
    Column(_("Comment"), Kind.TEXT, _typed(lambda order: order.comment), 30),
    Column(_("For the courier"), Kind.TEXT, _typed(lambda order: order.courier_comment), 30),
    Column(_("Postcard"), Kind.TEXT, _typed(lambda order: order.postcard_text), 30),
    Column(
        pgettext_lazy("order", "Created"),
        Kind.MOMENT,
        lambda order, _reader: _moment(order.created_at),
        16,
    ),
    Column(_("Id on the site"), Kind.KEY, lambda order, _reader: order.bitrix_order_id, 12),
)
"""The columns of every export."""

DETAILS = Column(_("More from the site"), Kind.TEXT, _details, 50)
"""The column with the details that the site sent. An export has it only if the user chooses it."""


def columns_of(*, details: bool) -> tuple[Column, ...]:
    """Return the columns of an export with or without the details that the site sent."""
    return (*COLUMNS, DETAILS) if details else COLUMNS
