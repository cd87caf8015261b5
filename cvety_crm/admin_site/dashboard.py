"""The dashboard (start page): open tasks, today's metrics, and the delay of the exchange with the site.

Like the sidebar, this module does not import the apps. It calls their functions through dotted paths.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from cvety_crm.admin_site.navigation import cached, count, may_assign, may_view
from cvety_crm.ops.health import Finding, Probe
from cvety_crm.ops.status import MARKS, may_see_status
from cvety_crm.users import User

LAG_PROBES = ("bitrix_bridge.probes.lag_in", "bitrix_bridge.probes.lag_out")
LAG_CACHE_SECONDS = 60
METRICS = "orders.selectors.dashboard.start_page"

# A card: its title, its model, the dotted path of its count, and its URL.
_Card = tuple[str, str, str, str]


def start_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the template context after adding everything that this user may see on the dashboard."""
    user = request.user
    cards = [
        {"title": title, "count": count(path), "url": url}
        for title, model, path, url in _cards()
        if may_view(user, model)
    ]
    context["title"] = gettext("Start page")
    context["problems"] = [card for card in cards if card["count"]]
    context["quiet"] = [card for card in cards if not card["count"]]
    context["links"] = _links(user)
    context["lags"] = _lags() if may_see_status(user) else []
    context |= _metrics(user)
    context["shows_anything"] = bool(cards or context["links"] or context["lags"])
    return context


def _metrics(user: User | AnonymousUser) -> Mapping[str, Any]:
    read_metrics: Callable[[Any], Mapping[str, Any]] = import_string(METRICS)
    metrics = dict(read_metrics(user))
    if chart := metrics.get("chart"):
        metrics["chart"] = {name: json.dumps(value, ensure_ascii=False) for name, value in chart.items()}
    return metrics


def _lags() -> list[dict[str, Any]]:
    """Return the findings of the delay probes, cached for at most a minute."""
    findings: list[Finding] = [cached(path, partial(_run_probe, path), LAG_CACHE_SECONDS) for path in LAG_PROBES]
    return [{"finding": one, "level": one.level.name.lower(), "mark": MARKS[one.level]} for one in findings]


def _run_probe(path: str) -> Finding:
    probe: Probe = import_string(path)
    return probe.run()


def _links(user: User | AnonymousUser) -> list[dict[str, Any]]:
    links = []
    if user.has_perm("orders.add_order"):
        links.append({"title": gettext("New order"), "url": reverse("admin:orders_order_add"), "icon": "add"})
    if may_view(user, "orders.order"):
        links += [
            {"title": gettext("Day board"), "url": reverse("day_board"), "icon": "dashboard"},
            *_dispatch_link(user),
            {"title": gettext("Today's orders"), "url": _preset("today"), "icon": "today"},
            {"title": gettext("Tomorrow's orders"), "url": _preset("tomorrow"), "icon": "event"},
        ]
    return links


def _dispatch_link(user: User | AnonymousUser) -> list[dict[str, Any]]:
    may = may_assign(user)
    return [{"title": gettext("Dispatch"), "url": reverse("dispatch"), "icon": "route"}] if may else []


def _preset(key: str) -> str:
    url: str = import_string("orders.selectors.presets.preset_url")(key)
    return url


def _cards() -> list[_Card]:
    order = "orders.order"
    return [
        (gettext("New orders"), order, "orders.selectors.counts.new_orders", _preset("new")),
        (gettext("Without a florist"), order, "orders.selectors.counts.without_florist", _preset("auction")),
        (gettext("Ready, waiting for a courier"), order, "orders.selectors.counts.ready", _preset("ready")),
        (gettext("Late orders"), order, "orders.selectors.counts.late", _preset("late")),
        (gettext("Orders with a problem"), order, "orders.selectors.counts.problems", _preset("problems")),
        (gettext("Not closed before today"), order, "orders.selectors.counts.unclosed", _preset("unclosed")),
        (gettext("Photos without an answer"), order, "orders.selectors.counts.unanswered_photos", _preset("photos")),
        (gettext("Exchange errors"), order, "orders.selectors.counts.exchange_errors", _preset("sync")),
        (
            gettext("Statuses of the site to decide"),
            "orders.status",
            "orders.selectors.site_statuses.undecided",
            reverse("admin:orders_status_site"),
        ),
        (
            gettext("Pay systems without a payment method"),
            "orders.paysystem",
            "orders.selectors.pay_systems.undecided",
            reverse("admin:orders_paysystem_methods"),
        ),
        (
            gettext("Not sent to the site"),
            "bitrix_bridge.push",
            "bitrix_bridge.admin.badges.failed_pushes",
            f"{reverse('admin:bitrix_bridge_push_changelist')}?state__exact=failed",
        ),
        (
            gettext("Events not processed"),
            "bitrix_bridge.webhookevent",
            "bitrix_bridge.admin.badges.unprocessed_events",
            f"{reverse('admin:bitrix_bridge_webhookevent_changelist')}?state__in=waiting,failed",
        ),
        (
            gettext("Differences from the site"),
            "bitrix_bridge.reconciliation",
            "bitrix_bridge.admin.badges.open_differences",
            reverse("admin:bitrix_bridge_reconciliation_changelist"),
        ),
        (
            gettext("Messages not delivered"),
            "notifications.telegrammessage",
            "notifications.badges.failed_messages",
            f"{reverse('admin:notifications_telegrammessage_changelist')}?state__exact=failed",
        ),
    ]
