"""The tables of the customers to call, one for each list of their page."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.text import format_lazy
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cvety_crm.users import AnyUser
from orders.export import pages
from orders.export.cells import Cell, Kind
from orders.export.pages import Page, keys_of
from orders.export.reader import Reader
from orders.export.table import Block, Column, Content, ExportTable
from orders.export.tables import order_values as values
from orders.export.tables.columns import moment, phone, plain, text
from orders.export.tables.listed import block_of
from orders.export.tables.rights import may_export, may_export_reports
from orders.models import CallReason, Customer, CustomerCall, Order
from orders.selectors import calls
from orders.services import CALLED_FOR

_may_export_customers = may_export("customer")


def call_table_key(reason: CallReason) -> str:
    """Return the key of the table of a list."""
    return f"calls_{reason.value}"


def tables_of_calls() -> Iterator[ExportTable]:
    """Yield the tables of all lists."""
    for reason in CallReason:
        yield ExportTable(
            call_table_key(reason),
            format_lazy("{page}: {list}", page=_("Customers to call"), list=reason.label),
            _COLUMNS,
            _may_export_calls,
            _finder(reason),
            file_name="obzvon",
            page="calls",
        )


def _may_export_calls(user: AnyUser) -> bool:
    return may_export_reports(user) and _may_export_customers(user)


def _finder(reason: CallReason) -> Callable[[Reader, QueryDict], Content]:
    def find(reader: Reader, query: QueryDict) -> Content:
        wanted = calls.CallList.of(query, reason)
        keys = keys_of(wanted.rows(by_total=reader.sees_all_prices, called_for=CALLED_FOR))

        def blocks(columns: Sequence[Column]) -> Iterator[Block]:
            for start in range(0, len(keys), pages.PAGE):
                page = _page(wanted, keys[start : start + pages.PAGE])
                if len(page):
                    yield block_of(columns, page, reader)

        facts = [(gettext("List"), str(reason.label)), (gettext("Days"), str(wanted.days))]
        if wanted.is_open:
            facts.append((gettext("Whom to show"), gettext("Not called yet")))
        return Content(len(keys), blocks, tuple(facts))

    return find


def _page(wanted: calls.CallList, keys: Sequence[UUID]) -> Page:
    """Return the values of these rows of the list, with four queries at most."""
    pairs = wanted.pairs(keys)
    called = calls.calls_to([customer.pk for customer, _order in pairs], CALLED_FOR)
    return Page(
        [customer.pk for customer, _order in pairs],
        {
            name: [value(customer, order, called.get(customer.pk)) for customer, order in pairs]
            for name, value in _VALUES.items()
        },
    )


_VALUES: dict[str, Callable[[Customer, Order | None, CustomerCall | None], Any]] = {
    "name": lambda customer, _order, _call: customer.name,
    "phone": lambda customer, _order, _call: customer.phone,
    "other_phones": lambda customer, _order, _call: customer.other_phones,
    "birthday": lambda customer, _order, _call: "" if customer.birthday is None else f"{customer.birthday:%d.%m}",
    "orders_count": lambda customer, _order, _call: customer.orders_count,
    "orders_total": lambda customer, _order, _call: customer.orders_total,
    "last_order_at": lambda customer, _order, _call: customer.last_order_at,
    "number": lambda _customer, order, _call: "" if order is None else order.order_number,
    "day": lambda _customer, order, _call: None if order is None else order.delivery_date,
    "recipient": lambda _customer, order, _call: (
        "" if order is None or order.is_unknown("recipient_name") else order.recipient_name
    ),
    "called_at": lambda _customer, _order, call: None if call is None else call.created_at,
    "note": lambda _customer, _order, call: "" if call is None else call.note,
}


def _totals(page: Page, reader: Reader) -> Sequence[Cell]:
    return page["orders_total"] if reader.sees_all_prices else [None] * len(page)


_COLUMNS = (
    text("name", pgettext_lazy("person", "Name"), "name", 25),
    phone("phone", _("Phone"), "phone", "other_phones"),
    plain("birthday", _("Birthday"), "birthday", 12),
    plain("orders", _("Orders"), "orders_count", 10, Kind.NUMBER),
    Column("sum", _("Sum of the orders, ₸"), Kind.MONEY, 14, ("orders_total",), _totals, hides="prices"),
    moment("last_order", _("Last order"), "last_order_at"),
    plain("number", _("Number"), "number", 11),
    Column("day", _("Delivery date"), Kind.DATE, 12, ("day",), values.plain("day")),
    text("recipient", _("Recipient"), "recipient", 20),
    moment("called", _("Called"), "called_at"),
    text("note", _("Note"), "note", 40),
)
