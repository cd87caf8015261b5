"""The home page: the blocks of the user's layout, rendered one after another."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext

from orders.admin.home.attention import attention_block, exchange_block
from orders.admin.home.cards import Visit
from orders.admin.home.layout import Block, home_rights, layout_of
from orders.admin.home.money import money_block
from orders.admin.home.sales import sales_block
from orders.admin.home.work import (
    TODO,
    deliveries_block,
    districts_block,
    links_block,
    making_block,
    next_block,
    todo_block,
)
from orders.selectors.dashboard import chart_of_days, figures_of_today

Context = Mapping[str, Any]


def home_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the template context after adding the blocks that this user may see.

    A user without blocks sees the list of the apps.
    """
    visit = Visit(request.user)
    blocks = layout_of(home_rights(request.user))
    found = [(block, _build(block, visit, blocks)) for block in blocks]
    context["title"] = gettext("Start page")
    context["blocks"] = [
        {"name": block.value, "template": f"orders/home/{TEMPLATES.get(block, block.value)}.html", **one}
        for block, one in found
        if one is not None
    ]
    context["has_chart"] = Block.CHART in blocks
    return context


def _build(block: Block, visit: Visit, blocks: tuple[Block, ...]) -> Context | None:
    if block == Block.ATTENTION:
        return attention_block(visit, TODO if Block.TODO in blocks else frozenset())
    return BUILDERS[block](visit)


def _today(visit: Visit) -> Context:
    day = format_date(visit.today, "l, j E").lower()
    return {"title": gettext("Today, %(day)s") % {"day": day}, "cards": figures_of_today(visit.user, visit.today)}


def _chart(visit: Visit) -> Context:
    found = chart_of_days(visit.user, visit.today)
    chart = {name: json.dumps(value, ensure_ascii=False) for name, value in found["chart"].items()}
    return {**found, "title": gettext("The last 30 days, by delivery date"), "chart": chart}


BUILDERS: Mapping[Block, Callable[[Visit], Context | None]] = {
    Block.LINKS: links_block,
    Block.SALES: sales_block,
    Block.TODO: todo_block,
    Block.MAKING: making_block,
    Block.NEXT: next_block,
    Block.DELIVERIES: deliveries_block,
    Block.DISTRICTS: districts_block,
    Block.MONEY: money_block,
    Block.TODAY: _today,
    Block.CHART: _chart,
    Block.EXCHANGE: exchange_block,
}
TEMPLATES = dict.fromkeys((Block.SALES, Block.TODO, Block.MAKING, Block.DELIVERIES, Block.MONEY, Block.TODAY), "cards")
"""The blocks that are rendered as cards. Each other block has a template with its name."""
