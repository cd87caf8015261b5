"""The order list: its orders, their sort order, and the page around the rows."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext

from cvety_crm.admin_site.base import PeekChangeList, lookups_of
from cvety_crm.admin_site.features import Feature
from orders.admin.actions.bulk import select_all_url
from orders.admin.days import day_or_none
from orders.admin.list_query import is_without_page
from orders.admin.orders.filters import is_filter_dialog
from orders.admin.orders.live_updates import OVERLAP, ListState, created_since
from orders.admin.orders.table import COUNTED, headers, range_text, total_text
from orders.admin.orders.view_bar import missing_values, view_bar
from orders.admin.rows.columns import shown_columns
from orders.admin.rows.rendering import rows_html
from orders.admin.rows.row_context import set_row_context, with_row_details
from orders.models import Order, Status
from orders.selectors.counts import of_list
from orders.selectors.presets import (
    BY_KEY,
    DAY_PARAMETER,
    DEFAULT,
    PARAMETER,
    PRESETS,
    Moment,
    Preset,
    preset_orders,
    sorted_for_work,
)
from orders.selectors.saved_views import COLUMNS_PARAMETER, VIEW_PARAMETER

_MANY_FOUND = "_crm_many_found"
DAYS = ("today", "tomorrow")
"""The keys of the presets that select one day. All other presets can be limited to the day in the URL."""


def note_many_found(request: HttpRequest) -> None:
    """Remember that the search in this request finds more of all orders than the list counts."""
    setattr(request, _MANY_FOUND, True)


class OrderChangeList(PeekChangeList):
    """A page of the order list, with the orders of a preset, of a day or of a search."""

    queryset: QuerySet[Order]
    list_filter: Any

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.statuses = {status.code: status for status in Status.objects.all()}
        codes: dict[str, list[str]] = {}
        for status in self.statuses.values():
            codes.setdefault(status.stage, []).append(status.code)
        self.moment = Moment(timezone.now(), request.user, codes)
        self.day = day_or_none(request.GET.get(DAY_PARAMETER))
        super().__init__(request, *args, **kwargs)
        self.finds_many = getattr(request, _MANY_FOUND, False)

    def get_filters_params(self, params: Any = None) -> Any:
        """Return the parameters of the filters, without those for the preset, the day, the view and the columns."""
        found = super().get_filters_params(params)
        for name in (PARAMETER, DAY_PARAMETER, VIEW_PARAMETER, COLUMNS_PARAMETER):
            found.pop(name, None)
        return found

    def get_filters(self, request: HttpRequest) -> Any:
        """Return the filters as Django does, but only the dialog of the filters gets those that are not in the URL.

        Each filter reads its choices from the database.
        """
        offered = self.list_filter
        if not is_filter_dialog(request):
            self.list_filter = [
                item for item in offered if any(name in self.filter_params for name in lookups_of(self.opts, item))
            ]
        try:
            return super().get_filters(request)
        finally:
            self.list_filter = offered

    @property
    def preset(self) -> Preset | None:
        """Return the preset whose orders are shown, or None if a day from the day picker is shown.

        A search and filters include all orders, unless the URL contains a preset or a day.
        """
        wanted = BY_KEY.get(str(self.params.get(PARAMETER, "")))
        if wanted is not None:
            return wanted
        if self.day is not None:
            return None
        return BY_KEY["all" if self.query or self.get_filters_params() else DEFAULT]

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Order]:
        """Return the orders of the preset, the day or the search."""
        if request.method == "POST":
            # This is an action on selected rows. If the status of a selected order has changed since the page was
            # loaded, the list's own query may no longer find the order.
            return self.root_queryset
        found = super().get_queryset(request, exclude_parameters)
        preset = self.preset
        if preset is None:
            found = found.filter(delivery_date=self.day)
        else:
            found = preset_orders(preset, self.moment, found)
            if self.day is not None and preset.key not in DAYS:
                found = found.filter(delivery_date=self.day)
        if (preset is None or not preset.newest_first) and not self.get_ordering_field_columns():
            found = sorted_for_work(found, self.moment)
        return found

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, and set the attributes on each row that the columns need."""
        if is_without_page(request):
            return
        shown = {column.key for column in shown_columns(request)}
        found: QuerySet[Order] = self.queryset
        self.queryset = with_row_details(found, shown)
        super().get_results(request)
        self.queryset = found
        set_row_context(self.result_list, request, self.statuses, shown)

    def total(self, found: Mapping[str, int]) -> int:
        """Return the number of orders of the list, but at most one more than `COUNTED`.

        `found` are the counts by the keys of the presets. A list that is exactly a preset needs no other query, and
        neither does a search in all orders that has found more than are counted.
        """
        preset, is_limited = self.preset, bool(self.day or self.get_filters_params())
        if self.finds_many and preset is not None and preset.key == "all" and not is_limited:
            return COUNTED + 1
        if preset is not None and preset.key in found and not (self.query or is_limited):
            return found[preset.key]
        # The list's own order lets PostgreSQL stop after these rows of an index.
        return self.queryset.values("pk")[: COUNTED + 1].count()

    @property
    def shown_day(self) -> date:
        """Return the day in the middle of the day picker."""
        if self.day is None and self.preset is not None and self.preset.key == "tomorrow":
            return self.moment.today + timedelta(1)
        return self.day or self.moment.today

    def day_picker(self) -> list[dict[str, Any]]:
        """Return the day before the shown day, the shown day and the day after, each with its URL."""
        today, shown = self.moment.today, self.shown_day
        return [
            {
                "label": _day_name(day, today),
                "url": "?" + (f"{PARAMETER}={DEFAULT}" if day == today else f"{DAY_PARAMETER}={day.isoformat()}"),
                "is_current": day == shown and (self.preset is None or self.preset.key in DAYS),
                "sign": sign,
            }
            for day, sign in ((shown - timedelta(1), "prev"), (shown, ""), (shown + timedelta(1), "next"))
        ]

    def chips(self, found: Mapping[str, int]) -> list[dict[str, Any]]:
        """Return the buttons of the presets. `found` are the counts by the keys of the presets."""
        current = self.preset.key if self.preset is not None else ""
        return [
            {
                "key": preset.key,
                "label": preset.label,
                "url": f"?{PARAMETER}={preset.key}",
                "count": found.get(preset.key),
                "is_current": preset.key == current,
                "has_problems": preset.is_problem and bool(found.get(preset.key)),
            }
            for preset in PRESETS
        ]


class ListHead(Feature[Order]):
    """The page around the rows: presets with counts, the tools, the headers, and the state for live updates."""

    def list_context(self, request: HttpRequest, changelist: Any) -> dict[str, Any]:
        """Return the context of the page, as `list_head` and `list_table`."""
        assert isinstance(changelist, OrderChangeList)
        state = ListState.now()
        found = of_list(changelist.moment, state.changed)
        made = changelist.moment.now - OVERLAP
        filters = changelist.get_filters_params()
        total = cache(lambda: changelist.total(found))
        is_whole = changelist.page_num == 1 and not changelist.has_next_page
        bar = view_bar(request)
        chips = changelist.chips(found)
        if bar["current"]:
            chips = [{**chip, "is_current": False} for chip in chips]
        head = {
            **bar,
            "missing": missing_values(changelist),
            "chips": chips,
            "days": changelist.day_picker(),
            "day": changelist.shown_day,
            "stamp": made.isoformat(),
            "announced": ",".join(map(str, created_since(made))),
            "state": state,
            "pulse_url": reverse("admin:orders_order_pulse"),
            "filters": len(filters),
            "filters_url": f"{reverse('admin:orders_order_filters')}?{request.GET.urlencode()}",
            "range": range_text(changelist, total),
            "select_all": None
            if is_whole
            else {"url": select_all_url(request), "total": total_text(changelist, total)},
            "empty": _nothing_here(changelist),
            **_search(changelist),
        }
        columns = shown_columns(request)
        table = {
            "headers": headers(changelist, columns),
            "rows": rows_html(changelist.result_list, columns),
            "may_act": bool(self.model_admin.get_actions(request)),
        }
        return {"list_head": head, "list_table": table}


def _search(changelist: OrderChangeList) -> dict[str, Any]:
    """Return the parts of the page that belong to the search. A search keeps the chosen list, day and filters."""
    kept = [(name, value) for name, value in _parameters(changelist) if name not in (SEARCH_VAR, PAGE_VAR)]
    preset = changelist.preset
    is_everywhere = preset is not None and preset.key == "all" and not changelist.get_filters_params()
    note = gettext("Found among all orders.")
    if not is_everywhere:
        name = preset.label if preset is not None else _day_name(changelist.shown_day, changelist.moment.today)
        note = gettext("Found in the list “%(name)s”.") % {"name": name}
    everywhere = f"?{urlencode({SEARCH_VAR: changelist.query})}" if changelist.query and not is_everywhere else ""
    return {
        "is_search": bool(changelist.query),
        "search_note": note,
        "search_keeps": kept,
        "everywhere_url": everywhere,
        "back_url": f"?{urlencode(kept)}",
    }


def _parameters(changelist: OrderChangeList) -> list[tuple[str, str]]:
    return [(name, value) for name, values in changelist.filter_params.items() for value in values]


def _day_name(day: date, today: date) -> str:
    names: Iterable[tuple[int, str]] = ((-1, gettext("yesterday")), (0, gettext("today")), (1, gettext("tomorrow")))
    for offset, name in names:
        if day == today + timedelta(offset):
            return capfirst(name)
    return date_format(day, "D, j E")


def _nothing_here(changelist: OrderChangeList) -> dict[str, str]:
    """Return the title and the text that an empty list shows."""
    if changelist.query:
        return {"title": gettext("Nothing was found"), "text": gettext(
            "All orders were searched: number, names, address, courier, product, any spelling of a phone or its last "
            "four digits."
        )}  # fmt: skip
    preset = changelist.preset
    if preset is None or preset.key in DAYS:
        return {
            "title": gettext("No deliveries on this day"),
            "text": gettext("Look at the next day, or at all orders."),
        }
    if preset.is_problem:
        return {"title": gettext("All is well here"), "text": gettext("No order needs a hand.")}
    return {"title": gettext("There are no such orders"), "text": gettext("Choose another list above.")}
