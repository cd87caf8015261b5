"""The page of the day board, for a tablet on the wall. The page refreshes itself every ten seconds."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cvety_crm.users import AnyUser
from orders.admin.badges import stage_class
from orders.admin.days import day_or_none
from orders.admin.dispatch.page import page_url
from orders.admin.permissions import may_assign
from orders.admin.step_links import step_url
from orders.models import Order, Status
from orders.rules.next_step import step_of
from orders.rules.visibility import may_see_orders
from orders.selectors import counts
from orders.selectors.board import Board, Column, HourRow, day_board
from orders.selectors.presets import DAY_PARAMETER, preset_url

REFRESH_SECONDS = 10
MOST_RISKS = 12


@never_cache
@require_safe
def board_page(request: HttpRequest) -> HttpResponse:
    """Show the board of today, or of the day in `?date=`. Raise `PermissionDenied` if the user may not see orders.

    The response to a request of htmx contains only the part of the page that changes.
    """
    if not may_see_orders(request.user):
        raise PermissionDenied
    today = timezone.localdate()
    day = day_or_none(request.GET.get(DAY_PARAMETER, "")) or today
    context = _shown(day_board(Order.objects.all(), day), today, request.user)
    if request.headers.get("HX-Request"):
        return TemplateResponse(request, "orders/board_live.html", context)
    page = {
        **admin.site.each_context(request),
        "title": gettext("Day board"),
        "is_fullwidth": "1",
        "refresh_seconds": REFRESH_SECONDS,
        "dispatch_url": page_url(day) if may_assign(request) else "",
    }
    return TemplateResponse(request, "orders/board.html", {**page, **context})


def _shown(board: Board, today: date, user: AnyUser) -> dict[str, Any]:
    risks = board.risks[:MOST_RISKS]
    statuses = {status.code: status for status in Status.objects.all()} if risks else {}
    tomorrow = today + timedelta(days=1)
    address = reverse("day_board")
    return {
        "board": board,
        "columns": [
            {"column": cell.column, "count": cell.count, "url": _list_url(cell.column, board.day)}
            for cell in board.totals
        ],
        "rows": [_row(row, board.day) for row in board.hours],
        "has_too_much_work": any(row.is_over for row in board.hours),
        "risks": [{"risk": risk, "step": _step(risk.order, statuses, user)} for risk in risks],
        "more_risks": max(len(board.risks) - MOST_RISKS, 0),
        "day_url": _day_url(board.day),
        "days": [
            {"label": gettext("Today"), "url": address, "is_current": board.day == today},
            {
                "label": gettext("Tomorrow"),
                "url": f"{address}?{urlencode({DAY_PARAMETER: tomorrow.isoformat()})}",
                "is_current": board.day == tomorrow,
            },
        ],
        "is_today": board.day == today,
        "unclosed": counts.unclosed() if board.day == today else 0,
        "unclosed_url": preset_url("unclosed"),
    }


def _step(order: Order, statuses: Mapping[str, Status], user: AnyUser) -> dict[str, Any] | None:
    """Return the button of the order's next step for the user, or None if the user has no step."""
    step = step_of(order, statuses, user)
    if step is None:
        return None
    return {
        "label": step.label,
        "kind": step.kind,
        "css": stage_class(step.stage),
        "dialog": step_url(step, order),
        "url": f"{reverse('admin:orders_order_next_step', args=[order.pk])}?seen={order.status_id}",
    }


def _row(row: HourRow, day: date) -> dict[str, Any]:
    return {
        "row": row,
        "cells": [
            {"column": cell.column, "count": cell.count, "url": _list_url(cell.column, day)} for cell in row.cells
        ],
    }


def _list_url(column: Column, day: date) -> str:
    return preset_url(column.preset, **{DAY_PARAMETER: day.isoformat()}) if column.preset else _day_url(day)


def _day_url(day: date) -> str:
    return f"{reverse('admin:orders_order_changelist')}?{urlencode({DAY_PARAMETER: day.isoformat()})}"
