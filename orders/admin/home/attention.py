"""What is wrong, and the delays of the exchange with the site.

Apps above `orders` are named by dotted paths, because this module must not import them.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from cvety_crm.admin_site.navigation import cached, count, may_view
from cvety_crm.ops.health import Finding, Probe
from cvety_crm.ops.status import MARKS, may_see_status
from orders.admin.home.cards import Visit
from orders.selectors import counts
from orders.selectors.presets import preset_url

LAG_PROBES = ("bitrix_bridge.probes.lag_in", "bitrix_bridge.probes.lag_out")
LAG_CACHE_SECONDS = 60


class _Matter(NamedTuple):
    """Something that may be wrong: its title, the model of its rows, its count and its list."""

    title: str
    model: str
    read: Callable[[], int]
    url: str


def attention_block(visit: Visit, left_out: frozenset[str]) -> dict[str, Any] | None:
    """Return the context of the block, or None if the user may see nothing of it.

    Presets in `left_out` are those that other blocks of the page show.
    """
    cards = [
        {"title": one.title, "count": one.read(), "url": one.url}
        for one in (*_orders(left_out), *_others())
        if may_view(visit.user, one.model)
    ]
    if not cards:
        return None
    return {
        "title": gettext("Needs attention"),
        "problems": [card for card in cards if card["count"]],
        "quiet": [card for card in cards if not card["count"]],
    }


def exchange_block(visit: Visit) -> dict[str, Any] | None:
    """Return the findings of the delay probes, cached for at most a minute, or None if the user may not see them."""
    if not may_see_status(visit.user):
        return None
    findings: list[Finding] = [cached(path, partial(_run_probe, path), LAG_CACHE_SECONDS) for path in LAG_PROBES]
    lags = [{"finding": one, "level": one.level.name.lower(), "mark": MARKS[one.level]} for one in findings]
    return {"title": gettext("Exchange with the site"), "lags": lags}


def _run_probe(path: str) -> Finding:
    probe: Probe = import_string(path)
    return probe.run(None)


def _orders(left_out: frozenset[str]) -> Iterator[_Matter]:
    titles = {
        "new": gettext("New orders"),
        "auction": gettext("Without a florist"),
        "no-courier": gettext("Without a courier"),
        "ready": gettext("Ready, waiting for a courier"),
        "late": gettext("Late orders"),
        "problems": gettext("Orders with a problem"),
        "unclosed": gettext("Not closed before today"),
        "owed": gettext("Delivered, not paid"),
        "photos": gettext("Photos without an answer"),
        "sync": gettext("Exchange errors"),
    }
    for key, title in titles.items():
        if key not in left_out:
            yield _Matter(title, "orders.order", partial(counts.of_preset, key), preset_url(key))


def _others() -> Iterator[_Matter]:
    rows = (
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
    )
    for title, model, path, url in rows:
        yield _Matter(title, model, partial(count, path), url)
