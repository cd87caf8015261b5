"""The order list: which orders it shows, in which order, what stands above it, and how an open page is kept fresh."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Func, IntegerField, Max, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_GET

from cvety_crm.admin_base import PeekChangeList
from orders.models import EventKind, Order, OrderEvent, OrderItem, OrderNote, Status
from orders.presets import (
    BY_KEY,
    DAY_PARAMETER,
    DEFAULT,
    PARAMETER,
    PRESETS,
    Moment,
    Preset,
    counts,
    preset_orders,
    sorted_for_work,
)

KEYS_PARAMETER = "keys"
DAYS = ("today", "tomorrow")
"""Presets that are a day themselves; any other may be narrowed to a day of the address."""
MOST_KEYS = 100
"""Rows of an open page that are asked about at once."""
REGULAR_AT_MOST = 100
"""Orders of a customer that are counted; a customer whom the site uses for all strangers has a hundred thousand."""
FEW_NEW = 100
OVERLAP = timedelta(seconds=30)
"""A transaction may commit some seconds after the moment that it wrote down."""


class OrderChangeList(PeekChangeList):
    """A page of orders: of a preset, a day, a search, or the rows that an open page asks about."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.statuses = {status.code: status for status in Status.objects.all()}
        codes: dict[str, list[str]] = {}
        for status in self.statuses.values():
            codes.setdefault(status.stage, []).append(status.code)
        self.moment = Moment(timezone.now(), request.user, codes)
        self.keys = _keys(request.GET.get(KEYS_PARAMETER))
        self.day = _day(request.GET.get(DAY_PARAMETER), self.moment.today)
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> Any:
        """Return the filters' parameters, without those that are the list's own."""
        found = super().get_filters_params(params)
        for name in (PARAMETER, DAY_PARAMETER, KEYS_PARAMETER):
            found.pop(name, None)
        return found

    @property
    def preset(self) -> Preset | None:
        """Return the preset whose orders are shown; None for a day of the picker.

        A search looks at all orders, and so do filters, unless the address names a preset or a day.
        """
        if self.query or self.keys is not None:
            return BY_KEY["all"]
        wanted = BY_KEY.get(str(self.params.get(PARAMETER, "")))
        if wanted is not None:
            return wanted
        if self.day is not None:
            return None
        return BY_KEY["all" if self.get_filters_params() else DEFAULT]

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Order]:
        """Return the orders that answer the question, with all that a row says."""
        if request.method == "POST":
            # An action on selected rows: one that was moved on meanwhile no longer belongs to the list it is shown in.
            return self.root_queryset
        found = super().get_queryset(request, exclude_parameters)
        preset = self.preset
        if self.keys is not None:
            found = found.filter(pk__in=self.keys)
        elif preset is None:
            found = found.filter(delivery_date=self.day)
        else:
            found = preset_orders(preset, self.moment, found)
            if self.day is not None and preset.key not in DAYS:
                found = found.filter(delivery_date=self.day)
        if (preset is None or not preset.newest_first) and not self.get_ordering_field_columns():
            found = sorted_for_work(found, self.moment)
        return with_row_details(found)

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, and tell each row what it cannot know by itself."""
        super().get_results(request)
        may_move = self.model_admin.has_change_status_permission(request)
        for order in self.result_list:
            order.seen_by = request.user
            codes = order.status.next_codes if may_move and not order.is_deleted_on_site else []
            order.next_step = next((self.statuses[code] for code in codes if code in self.statuses), None)

    def day_picker(self) -> list[dict[str, Any]]:
        """Return yesterday, the day in the middle and the day after it, each with its address."""
        today = self.moment.today
        shown = self.day or (today if self.preset is None or self.preset.key != "tomorrow" else today + timedelta(1))
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
        """Return the presets with their counts."""
        current = self.preset.key if self.preset is not None else ""
        return [
            {
                "key": preset.key,
                "label": preset.label,
                "url": f"?{PARAMETER}={preset.key}",
                "count": found.get(preset.key),
                "is_current": preset.key == current and not self.query,
                "is_trouble": preset.is_trouble and bool(found.get(preset.key)),
            }
            for preset in PRESETS
        ]


class OrderList:
    """For the order's ModelAdmin to mix in."""

    list_before_template = "orders/list_head.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[OrderChangeList]:
        """Return our list."""
        return OrderChangeList

    def get_urls(self) -> list[URLPattern]:
        """Add the question that an open list asks every few seconds."""
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("pulse/", wrap(require_GET(self.pulse)), name="orders_order_pulse"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list; what stands above it is worked out from the list itself."""
        response = super().changelist_view(request, extra_context)  # type: ignore[misc]
        changelist = (getattr(response, "context_data", None) or {}).get("cl")
        if isinstance(changelist, OrderChangeList):
            found = counts(changelist.moment)
            response.context_data["list_head"] = {
                "chips": changelist.chips(found),
                "days": changelist.day_picker(),
                "day": changelist.day or changelist.moment.today,
                "new": found["new"],
                "stamp": (changelist.moment.now - OVERLAP).isoformat(),
                "changed": _last_change(),
                "pulse_url": reverse("admin:orders_order_pulse"),
                "is_search": bool(changelist.query),
                "empty": _nothing_here(changelist),
            }
        return response

    def pulse(self, request: HttpRequest) -> HttpResponse:
        """Answer an open list: whether any order has changed, how many came, and how many of them belong to it.

        Its address carries the list's own query, `since` (when the page was made) and `changed` (what it has seen).
        """
        if not self.has_view_or_change_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        since = _moment(request.GET.get("since"))
        changed = _last_change()
        answer: dict[str, Any] = {"changed": changed, "is_changed": changed != request.GET.get("seen", "")}
        if answer["is_changed"]:
            try:
                answer |= self._news(request, since)
            except IncorrectLookupParameters:
                return HttpResponseBadRequest()
        return JsonResponse(answer)

    def _news(self, request: HttpRequest, since: datetime) -> dict[str, Any]:
        created = OrderEvent.objects.filter(kind=EventKind.CREATED, happened_at__gt=since)
        known = _keys(request.GET.get("known")) or set()
        keys = set(created.order_by("-happened_at").values_list("order_id", flat=True)[:FEW_NEW]) - known
        moment = Moment.of(request.user)
        found = counts(moment)
        here: set[UUID] = set()
        if keys:
            query = request.GET.copy()
            for name in ("since", "seen", "known", KEYS_PARAMETER, PAGE_VAR):
                query.pop(name, None)
            request.GET = query  # type: ignore[assignment]
            changelist = self.get_changelist_instance(request)  # type: ignore[attr-defined]
            here = set(changelist.queryset.order_by().filter(pk__in=keys).values_list("pk", flat=True))
        count = len(keys)
        return {
            "new": sorted(map(str, keys)),
            "here": sorted(map(str, here)),
            "words": ngettext("%(count)s new order", "%(count)s new orders", count) % {"count": count},
            "counts": found,
        }


def with_row_details(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Return the orders with their items, notes and photos, and how many orders their customer has. Queries: 1 + 3."""
    customers_orders = Order.objects.filter(customer=OuterRef("customer")).order_by().values("pk")[:REGULAR_AT_MOST]
    return (
        orders.select_related("customer", "status", "city", "delivery_slot", "courier", "responsible", "photo_approval")
        .prefetch_related(
            Prefetch("items", OrderItem.objects.only("order_id", "quantity", "product_snapshot", "position")),
            Prefetch("notes", OrderNote.objects.select_related("author")),
            "photos",
        )
        .annotate(
            customer_orders=Func(ArraySubquery(customers_orders), function="cardinality", output_field=IntegerField())
        )
    )


def _last_change() -> str:
    """Return when any order was last changed; the newest entry of an index."""
    last = Order.objects.aggregate(last=Max("updated_at"))["last"]
    return last.isoformat() if last else ""


def _keys(text: str | None) -> set[UUID] | None:
    if text is None:
        return None
    found = set()
    for part in text.split(",")[:MOST_KEYS]:
        try:
            found.add(UUID(part))
        except ValueError:
            continue
    return found


def _day(text: str | None, today: date) -> date | None:
    """Return the day of the address; today's name is enough, and what is no date counts as none."""
    try:
        return parse_date(text) if text else None
    except ValueError:
        return None


def _moment(text: str | None) -> datetime:
    try:
        found = parse_datetime(text) if text else None
    except ValueError:
        found = None
    return found if found is not None and timezone.is_aware(found) else timezone.now()


def _day_name(day: date, today: date) -> str:
    names: Iterable[tuple[int, str]] = ((-1, gettext("yesterday")), (0, gettext("today")), (1, gettext("tomorrow")))
    for offset, name in names:
        if day == today + timedelta(offset):
            return capfirst(name)
    return date_format(day, "D, j E")


def _nothing_here(changelist: OrderChangeList) -> dict[str, str]:
    """Return what an empty list says, and where to go on from there."""
    if changelist.query:
        return {"title": gettext("Nothing was found"), "text": gettext(
            "All orders were searched: number, names, address, any spelling of a phone or its last four digits."
        )}  # fmt: skip
    preset = changelist.preset
    if preset is None or preset.key in DAYS:
        return {
            "title": gettext("No deliveries on this day"),
            "text": gettext("Look at the next day, or at all orders."),
        }
    if preset.is_trouble:
        return {"title": gettext("All is well here"), "text": gettext("No order needs a hand.")}
    return {"title": gettext("There are no such orders"), "text": gettext("Choose another list above.")}


__all__ = ["SEARCH_VAR", "OrderChangeList", "OrderList", "with_row_details"]
