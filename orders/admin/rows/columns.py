"""The columns of the order list. Each has its values (orders/admin/rows/cells.py) and its macro."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cvety_crm.users import User
from orders.admin.rows import cells
from orders.admin.rows.cell_macros import cell_macro
from orders.admin.rows.chosen_view import chosen_view, list_query
from orders.admin.rows.row_context import OrderRow
from orders.selectors.saved_views import COLUMNS_PARAMETER

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise  # the stubs are not installed in production


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the order list."""

    key: str
    """The name of the column in templates, in CSS and in the choice of a user."""
    label: "StrOrPromise"
    values: Callable[[OrderRow], Mapping[str, Any]]
    """Returns the values that the macro of a cell shows, by the names of its parameters."""
    sorts_by: str = ""
    """The field of `Order` by which the list can be sorted. Empty if it can't be sorted by this column."""

    def as_display(self) -> Callable[[OrderRow], SafeString]:
        """Return the column as a function for `ModelAdmin.list_display` of Django, which sorts the list by it."""

        def display(order: OrderRow) -> SafeString:
            return SafeString(cell_macro(self.key)(**self.values(order)))

        display.__name__ = self.key
        return admin.display(description=self.label, ordering=self.sorts_by or None)(display)


COLUMNS = (
    Column("number", _("Number"), cells.number, sorts_by="order_number"),
    Column("when", _("When"), cells.when, sorts_by="delivery_date"),
    Column("status", _("Status"), cells.status),
    Column("composition", _("Composition"), cells.composition_of),
    Column("recipient", _("Recipient"), cells.recipient),
    Column("address", _("Address"), cells.address),
    Column("customer", _("Customer"), cells.customer),
    Column("amount", _("Payment"), cells.amount, sorts_by="total_amount"),
    Column("florist", _("Florist"), cells.florist),
    Column("courier", _("Courier"), cells.courier),
    Column("notes", _("Notes"), cells.notes),
)
"""The columns of the list, from left to right. The place of a column in this tuple is its number in the URL (`o`)."""
BY_KEY: Mapping[str, Column] = {column.key: column for column in COLUMNS}
FIRST = COLUMNS[0]
"""The column that every list has. It contains the box that selects the order."""
DEFAULT = tuple(column for column in COLUMNS if column.key != "customer")
"""The columns of a user who has chosen none and may see all prices."""


def shown_columns(request: HttpRequest) -> tuple[Column, ...]:
    """Return the columns of the list that this request is for, from left to right.

    Columns in the list's URL come first, then those of the view in this URL, then those that the user has chosen. A
    request of htmx for changed rows has the list's URL in a header.
    """
    query = list_query(request)
    if keys := query.get(COLUMNS_PARAMETER, ""):
        return columns_of(keys.split(",")) or default_columns(request.user)
    view = chosen_view(request, query)
    return (columns_of(view.columns) if view is not None else ()) or own_columns(request.user)


def own_columns(user: User | AnonymousUser) -> tuple[Column, ...]:
    """Return the columns of a list without a view: those that the user has chosen, or the default columns."""
    return columns_of(getattr(user, "list_columns", ())) or default_columns(user)


def default_columns(user: User | AnonymousUser) -> tuple[Column, ...]:
    """Return the columns for the user's permissions.

    Payment is for users who see all prices, and for those who tell couriers what to collect.
    """
    is_paid_shown = user.has_perm("orders.view_all_prices") or user.has_perm("orders.assign_order")
    return tuple(column for column in DEFAULT if is_paid_shown or column.key != "amount")


def columns_of(keys: Iterable[str]) -> tuple[Column, ...]:
    """Return the column of the number, then the columns with these keys. Leave out unknown and repeated keys.

    Return an empty tuple if no key is known.
    """
    known = [BY_KEY[key] for key in dict.fromkeys(keys) if key in BY_KEY and key != FIRST.key]
    return (FIRST, *known) if known else ()


def keys_of(columns: Iterable[Column]) -> list[str]:
    """Return the keys of the columns without the column of the number, which every list has."""
    return [column.key for column in columns if column is not FIRST]
