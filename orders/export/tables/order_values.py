"""The cells of orders, computed for a whole page.

Most orders have no unknown values and are in KZT, so their cells are the values themselves. An order that differs is
made from its values, so that the functions for pages return its texts.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from django.db.models import TextChoices
from django.utils import timezone

from orders.export.cells import Cell
from orders.export.pages import Page
from orders.export.reader import Reader
from orders.models import Order, PaymentMethod, PaySystem, Status
from orders.presentation.payment import amount_text, due_text, state_text, unknown_method, unknown_text
from orders.presentation.phones import masked_phones, phone_words
from orders.presentation.when import slot_text, status_text, unknown_date
from orders.rules.payment import KZT, PaymentState, payment_of
from orders.values.phones import is_number

Cells = Callable[[Page, Reader], Sequence[Cell]]
UNKNOWN, CURRENCY, DAY = "unknown_values", "currency", "delivery_date"
MONEY_FIELDS = (CURRENCY, UNKNOWN, DAY)
"""The fields that every cell with a sum needs besides the sum."""
PAYMENT_FIELDS = (*MONEY_FIELDS, "payment_status", "payment_method", "total_amount", "paid_amount")


def plain(field: str) -> Cells:
    """Return a function that returns the values of a field."""
    return lambda page, _reader: page[field]


def typed(field: str) -> Cells:
    """Return a function that returns texts that people have entered."""
    return lambda page, reader: typed_texts(page[field], reader)


def typed_texts(texts: Sequence[str | None], reader: Reader) -> Sequence[str]:
    """Return texts that people have entered, with phones masked if the reader may not see phones."""
    if reader.sees_phones:
        return [text or "" for text in texts]
    return [reader.text(text) if text else "" for text in texts]


def phones(field: str, others: str = "") -> Cells:
    """Return a function that returns phones, each with the other phones after it. A phone alone is in E.164."""

    def cells(page: Page, reader: Reader) -> Sequence[Cell]:
        more = page[others] if others else [""] * len(page)
        show = _phone if reader.sees_phones else masked_phones
        return [
            show(phone or "", rest or "") if phone or rest else ""
            for phone, rest in zip(page[field], more, strict=True)
        ]

    return cells


def moments(field: str) -> Cells:
    """Return a function that returns local times without a zone."""
    return lambda page, _reader: local_times(page[field])


def local_times(values: Sequence[datetime | None]) -> Sequence[Cell]:
    """Return times as spreadsheets show them: local, and without a zone."""
    zone = timezone.get_default_timezone()
    return [None if value is None else value.astimezone(zone).replace(tzinfo=None) for value in values]


def labels(choices: type[TextChoices], field: str) -> Cells:
    """Return a function that returns the labels of a field with choices."""

    def cells(page: Page, _reader: Reader) -> Sequence[Cell]:
        known = {value: str(label) for value, label in choices.choices}
        return [known.get(value, value) for value in page[field]]

    return cells


def amounts(field: str, day: str = DAY) -> Cells:
    """Return a function that returns numbers for amounts that are known and in KZT, and otherwise texts.

    Amounts that the reader may not see are empty. `day` is the field with the delivery date.
    """

    def cells(page: Page, reader: Reader) -> Sequence[Cell]:
        rows = zip(page[field], page[CURRENCY], page[UNKNOWN], strict=True)
        found = [
            amount if currency == KZT and not (unknown and (field in unknown or CURRENCY in unknown))
            else amount_text(Order(**{field: amount, CURRENCY: currency, UNKNOWN: unknown}), field)
            for amount, currency, unknown in rows
        ]  # fmt: skip
        return shown_sums(found, page[day], reader)

    return cells


def shown_sums(cells: Sequence[Cell], days: Sequence[date | None], reader: Reader) -> Sequence[Cell]:
    """Return the cells without the sums of orders whose sums the reader may not see."""
    if reader.sees_all_prices:
        return cells
    return [cell if reader.sees_prices(day) else None for cell, day in zip(cells, days, strict=True)]


def dates(page: Page, reader: Reader) -> Sequence[Cell]:
    """Return the delivery dates, or the texts that could not be read."""
    return [
        day if DAY not in unknown else reader.text(unknown_date(Order(unknown_values=unknown)))
        for day, unknown in zip(page[DAY], page[UNKNOWN], strict=True)
    ]


def slots(page: Page, reader: Reader) -> Sequence[Cell]:
    """Return the delivery slots, or the texts that could not be read."""
    names = reader.names.slots
    return [
        reader.text(slot_text(Order(unknown_values=unknown)) if "delivery_slot" in unknown else names[slot])
        for slot, unknown in zip(page["delivery_slot_id"], page[UNKNOWN], strict=True)
    ]


def statuses(page: Page, reader: Reader) -> Sequence[Cell]:
    """Return the names of the statuses, each with the status of the site that could not be read."""
    names = reader.names.statuses
    return [
        reader.text(status_text(Order(unknown_values=unknown, status=Status(code=code, name=names[code]))))
        if "status" in unknown
        else names[code]
        for code, unknown in zip(page["status_id"], page[UNKNOWN], strict=True)
    ]


def payments(page: Page) -> Sequence[PaymentState]:
    """Return the payments of the orders of a page. Call it with `Page.once`."""
    columns = [page[name] for name in PAYMENT_FIELDS]
    return [payment_of(cast(Order, _Paid(*values))) for values in zip(*columns, strict=True)]


def dues(page: Page, reader: Reader) -> Sequence[Cell]:
    """Return the sums that are due: numbers if they are known and in KZT, and otherwise texts."""
    return shown_sums([_due(payment) for payment in page.once(payments)], page[DAY], reader)


def methods(page: Page, reader: Reader) -> Sequence[Cell]:
    """Return the payment methods, or what is known about the unknown ones."""
    # Many orders have the same text, and an order made for the text takes longer than all other cells of the row.
    texts: dict[tuple[PaymentMethod | None, int | None, str | None], str] = {}
    found = []
    for payment, key, unknown in zip(page.once(payments), page["pay_system_id"], page[UNKNOWN], strict=True):
        known = (payment.method, key, unknown.get("payment_method"))
        if known not in texts:
            texts[known] = _method_text(*known, reader)
        found.append(texts[known])
    return found


def payment_states(page: Page, _reader: Reader) -> Sequence[Cell]:
    """Return whether the orders are paid."""
    texts = {payment.standing: payment for payment in page.once(payments)}
    words = {standing: state_text(payment) for standing, payment in texts.items()}
    return [words[payment.standing] for payment in page.once(payments)]


def _method_text(method: PaymentMethod | None, pay_system: int | None, typed: str | None, reader: Reader) -> str:
    if method is not None:
        return str(method.label)
    order = Order(
        unknown_values={} if typed is None else {"payment_method": typed},
        pay_system=None
        if pay_system is None
        else PaySystem(bitrix_id=pay_system, name=reader.names.pay_systems[pay_system]),
    )
    return unknown_text(unknown_method(order))


class _Paid:
    """The values of an order that its payment depends on. A model takes ten times as long to create."""

    __slots__ = (*PAYMENT_FIELDS,)

    def __init__(self, *values: Any) -> None:
        for name, value in zip(PAYMENT_FIELDS, values, strict=True):
            setattr(self, name, value)

    def is_unknown(self, name: str) -> bool:
        """Return whether a value is unknown, as `Order.is_unknown`."""
        return name in self.unknown_values  # type: ignore[attr-defined]


def _phone(phone: str, others: str) -> str:
    return phone if not others and is_number(phone) else phone_words(phone, others)


def _due(payment: PaymentState) -> Cell:
    if not payment.is_due:
        return Decimal(0)
    return payment.due if payment.currency == KZT and payment.due is not None else due_text(payment)
