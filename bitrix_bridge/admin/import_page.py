"""The template context of the page of an import run, with metrics, grouped reasons and the orders of the run."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from bitrix_bridge.history import report
from bitrix_bridge.models import ImportRow, ImportRun
from cvety_crm.admin_site.base import PeekPaginator, admin_link, badge
from cvety_crm.formatting import full_moment
from orders.models import Order

State, Outcome = ImportRun.State, ImportRow.Outcome
SHOWN = 50
OUTCOMES = {
    Outcome.CREATED: ("delivered", "✓"),
    Outcome.UPDATED: ("delivered", "✓"),
    Outcome.UNCHANGED: ("cancelled", "="),
    Outcome.SKIPPED: ("cancelled", "×"),
}
_FAILED = ("failed", "!")


class OrderRow(NamedTuple):
    """One order of the run."""

    bitrix_order_id: int
    badge: SafeString
    reasons: list[str]
    link: str


class ReasonRow(NamedTuple):
    """One reason with a link for each example."""

    line: report.Line
    orders: str
    examples: list[str]
    has_more: bool


class Chip(NamedTuple):
    """A link that filters the orders of the run."""

    query: str
    label: str
    is_current: bool


def context(request: HttpRequest, run: ImportRun) -> dict[str, Any]:
    """Return the context for the blocks of the page. The number of queries does not depend on the number of orders."""
    is_running = run.state == State.RUNNING
    outcome = request.GET.get("outcome", "")
    outcome = outcome if outcome in Outcome.values else ""
    sought = request.GET.get("id", "").strip()
    page = PeekPaginator(_rows(run, outcome, sought), SHOWN).page(request.GET.get("page", 1))
    return {
        "title": gettext("Import of %(when)s") % {"when": run},
        "result": report.result_line(run),
        "metrics": [(capfirst(words), number) for words, number in report.counts(run)],
        "is_cut": run.state in (State.FAILED, State.STOPPED),
        # The reasons of an active run are not complete yet.
        "reasons": [] if is_running else list(_reasons(request, run.reasons)),
        "chips": list(_chips(run, outcome, is_chosen=not sought)),
        "outcome": outcome,
        "sought": sought,
        "orders": [_order_row(request, row) for row in page.object_list],
        "page": page,
        "others": urlencode([(name, value) for name, value in (("outcome", outcome), ("id", sought)) if value]),
        "is_pruned": not page.object_list and not is_running and run.processed > run.failed,
        "keep_days": settings.KEEP_EVENTS_DAYS,
    }


def outcome_badge(row: ImportRow) -> SafeString:
    """Return the outcome of an order as a badge."""
    css, sign = OUTCOMES.get(row.outcome, _FAILED)  # type: ignore[call-overload]
    return badge(css, sign, row.get_outcome_display())


def order_link(request: HttpRequest, row: ImportRow) -> str:
    """Return a link to the order, or only the order's number if the user may not see the order."""
    return admin_link(row.order, f"№\N{NO-BREAK SPACE}{row.order.order_number}" if row.order else "", request=request)


def site_id(text: str) -> int:
    """Return the id that the user has entered. If the string is not an id, return 0, which no order has as its id."""
    return int(text) if text.isdecimal() and len(text) <= 18 else 0


def facts(run: ImportRun) -> Iterator[tuple[str, str]]:
    """Yield labels and values: the address of the site's database copy, and the selected orders."""
    if run.source:
        yield gettext("Copy"), run.source
    yield gettext("Selected orders"), ", ".join(selection_texts(run.options))


def selection_texts(options: dict[str, Any]) -> Iterator[str]:
    """Yield messages that describe which orders a run imports."""
    chosen = [str(key) for key in options.get("order_ids", ())]
    if chosen:
        yield gettext("only the order %(ids)s of the site") % {"ids": ", ".join(chosen)}
    if first := options.get("first_id"):
        yield gettext("from the order %(id)d of the site on") % {"id": first}
    if since := _moment(options.get("since")):
        yield gettext("placed since %(moment)s") % {"moment": since}
    if until := _moment(options.get("until")):
        yield gettext("placed before %(moment)s") % {"moment": until}
    if count := options.get("count"):
        yield ngettext("at most %(number)d order", "at most %(number)d orders", count) % {"number": count}
    if not {"order_ids", "first_id", "since", "until", "count"} & options.keys():
        yield gettext("all orders")
    if size := options.get("batch_size"):
        yield gettext("%(number)d in one transaction") % {"number": size}


def _moment(text: str | None) -> str:
    moment = parse_datetime(text) if text else None
    return full_moment(moment) if moment else ""


def _reasons(request: HttpRequest, reasons: list[dict[str, Any]]) -> Iterator[ReasonRow]:
    lines = list(report.lines(reasons))
    here = _links(request, {key for line in lines for key in line.examples})
    for line in lines:
        examples = [here.get(key) or _search_link(key) for key in line.examples]
        yield ReasonRow(line, report.number_of_orders(line.orders), examples, line.orders > len(line.examples))


def _links(request: HttpRequest, ids: Iterable[int]) -> dict[int, str]:
    wanted = list(ids)
    orders = Order.objects.filter(bitrix_order_id__in=wanted).only("pk", "bitrix_order_id") if wanted else ()
    return {
        order.bitrix_order_id: admin_link(order, str(order.bitrix_order_id), request=request)
        for order in orders
        if order.bitrix_order_id is not None
    }


def _search_link(key: int) -> SafeString:
    return format_html('<a class="crm-link" href="?id={0}#orders">{0}</a>', key)


def _chips(run: ImportRun, outcome: str, *, is_chosen: bool) -> Iterator[Chip]:
    yield Chip("", gettext("All"), is_chosen and not outcome)
    for one in (Outcome.FAILED, Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.SKIPPED):
        if number := getattr(run, one.value):
            yield Chip(f"outcome={one.value}", f"{capfirst(str(one.label))}: {number}", is_chosen and outcome == one)


def _rows(run: ImportRun, outcome: str, sought: str) -> QuerySet[ImportRow]:
    rows = ImportRow.objects.filter(run=run).select_related("order").order_by("bitrix_order_id")
    rows = rows.only("bitrix_order_id", "outcome", "reasons", "order__order_number")
    if sought:
        return rows.filter(bitrix_order_id=site_id(sought))
    if outcome:
        return rows.filter(outcome=outcome)
    rank = Case(When(outcome=Outcome.FAILED, then=Value(0)), default=Value(1), output_field=IntegerField())
    return rows.order_by(rank, "bitrix_order_id")


def _order_row(request: HttpRequest, row: ImportRow) -> OrderRow:
    return OrderRow(row.bitrix_order_id, outcome_badge(row), report.texts(row.reasons), order_link(request, row))
