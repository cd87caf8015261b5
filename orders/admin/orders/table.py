"""The headers of the order list, and the text that says which of the found orders the page shows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR
from django.utils.translation import gettext

from cvety_crm.admin_site.base import PeekChangeList
from orders.admin.rows.columns import COLUMNS, Column

COUNTED = 1000
"""The largest number of found orders that is counted, so that the cost does not depend on the size of the table."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a column, with the URL that sorts the list by it."""

    column: Column
    url: str
    sort: str
    """How the list is sorted by this column: ascending, descending, or an empty string if it is not."""


def headers(changelist: PeekChangeList, columns: Iterable[Column]) -> list[Header]:
    """Return the headers of the shown columns. Only columns by which this user may sort have a URL."""
    sorted_by: Mapping[int, str] = changelist.get_ordering_field_columns()
    return [_header(changelist, column, sorted_by) for column in columns]


def _header(changelist: PeekChangeList, column: Column, sorted_by: Mapping[int, str]) -> Header:
    place = _place(changelist, column)
    if not column.sorts_by or changelist.list_display[place] not in changelist.sortable_by:
        return Header(column, "", "")
    direction = sorted_by.get(place)
    sort = {"asc": "ascending", "desc": "descending"}.get(direction or "", "")
    wanted = f"-{place}" if direction == "asc" else str(place)
    return Header(column, changelist.get_query_string({ORDER_VAR: wanted}, [PAGE_VAR]), sort)


def _place(changelist: PeekChangeList, column: Column) -> int:
    """Return the number of the column in the URL. Django's own column with the boxes may be before it."""
    return len(changelist.list_display) - len(COLUMNS) + COLUMNS.index(column)


def range_text(changelist: PeekChangeList, total: Callable[[], int]) -> str:
    """Return a text such as `1–50 of 342`. `total` counts the orders, and is called only if the list has more pages."""
    shown = len(changelist.result_list)
    if not shown:
        return ""
    first = (changelist.page_num - 1) * changelist.list_per_page + 1
    of = total_text(changelist, total)
    return gettext("%(first)s–%(last)s of %(total)s") % {"first": first, "last": first + shown - 1, "total": of}


def total_text(changelist: PeekChangeList, total: Callable[[], int]) -> str:
    """Return the number of found orders, or `1000+`. `total` is called only if the list has more pages."""
    last = (changelist.page_num - 1) * changelist.list_per_page + len(changelist.result_list)
    found = total() if changelist.has_next_page else last
    return f"{COUNTED}+" if found > COUNTED else str(found)
