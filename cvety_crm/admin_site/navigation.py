"""The sidebar, and the label in the page header.

Apps are named by strings, because this module must not import them. Counts include only current or failed rows, for
which there is an index, and are cached for some seconds.
"""

from collections.abc import Callable, Mapping
from functools import cache as cache_forever
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from cvety_crm.models import SILENCE, Heartbeat
from cvety_crm.ops.status import may_see_status
from cvety_crm.users import User

CACHE_SECONDS = 10

# An item: its title, its icon, its model, and the dotted path of its badge's count.
_Item = tuple[str, str, str, str]

NEUTRAL_COUNTS = {"orders.selectors.counts.new_orders"}
"""Counts of rows that need no correction, such as new orders."""


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar, with the items that this user may see."""
    work, system = _work(), _system(request)
    reports = [*_plans(), *_sent_reports()]
    groups = [
        ("", False, work),
        (gettext("Reports"), True, reports),
        (gettext("Reference data"), True, _reference()),
        (gettext("Exchange with the site"), False, _exchange()),
        ("Telegram", False, _telegram()),
        (gettext("System"), True, system),
    ]
    found = []
    for title, is_collapsible, items in groups:
        allowed = [_item(request, *item) for item in items if may_view(request.user, item[2])]
        if items is work and may_view(request.user, "orders.order"):
            allowed.insert(1, _board(request))
            if may_assign(request.user):
                allowed.insert(2, _dispatch(request))
        if items is work:
            allowed += _money(request)
        if items is reports:
            allowed = [*_reports(request), *allowed]
        if items is system:
            allowed = [*_status(request), *allowed, *_sign_in_rules(request)]
        if allowed:
            found.append({"title": title, "separator": bool(title), "collapsible": is_collapsible, "items": allowed})
    return found


def environment(request: HttpRequest) -> list[str] | None:
    """Return the label in the header and its colour: no worker is running, or this is not production.

    Return None if neither is the case.
    """
    if is_worker_silent():
        return [gettext("The exchange has stopped: no worker is running"), "danger"]
    return [gettext("development"), "info"] if settings.DEBUG else None


def is_worker_silent() -> bool:
    """Return whether no worker has written a heartbeat for `SILENCE`."""
    last = cached("heartbeat", lambda: Heartbeat.last(Heartbeat.WORKER))
    return last is None or timezone.now() - last > SILENCE


def count(path: str) -> int:
    """Return the count of the function at a dotted path, cached for `CACHE_SECONDS`."""
    counter: Callable[[], int] = import_string(path)
    return int(cached(path, counter))


def may_view(user: User | AnonymousUser, model: str) -> bool:
    """Return whether the user may view the pages of a model (`app.model`)."""
    app, name = model.split(".")
    return user.has_perm(f"{app}.view_{name}") or user.has_perm(f"{app}.change_{name}")


def may_assign(user: User | AnonymousUser) -> bool:
    """Return whether the user may open the dispatcher's page, if the user may view orders."""
    return user.has_perm("orders.assign_order") or user.has_perm("orders.change_order")


def cached(key: str, make: Callable[[], Any], seconds: float = CACHE_SECONDS) -> Any:
    """Return the cached value of this key, or call `make` and cache its value for some seconds."""
    # The value is wrapped in a dictionary so that None is also cached.
    wrapped: Mapping[str, Any] | None = cache.get(f"navigation:{key}")
    if wrapped is None:
        wrapped = {"value": make()}
        cache.set(f"navigation:{key}", wrapped, seconds)
    return wrapped["value"]


def page_url(name: str, *arguments: str) -> str:
    """Return `reverse(name, args=arguments)`. It searches the URL patterns once, and not for each page."""
    return _page_url(get_script_prefix(), name, arguments)


@cache_forever
def _page_url(_prefix: str, name: str, arguments: tuple[str, ...]) -> str:
    return reverse(name, args=arguments)


def _item(request: HttpRequest, title: str, icon: str, model: str, badge: str) -> dict[str, Any]:
    url = page_url(f"admin:{model.replace('.', '_')}_changelist")
    item: dict[str, Any] = {"title": title, "icon": icon, "link": url, "active": request.path.startswith(url)}
    return item | _badge(badge)


def _badge(path: str) -> dict[str, Any]:
    if not path or not (number := count(path)):
        return {}
    # The badge is a number: Unfold treats a string as a dotted path.
    if path in NEUTRAL_COUNTS:
        return {"badge": number, "badge_variant": "info", "badge_style": "soft"}
    return {"badge": number, "badge_variant": "danger", "badge_style": "solid"}


def _board(request: HttpRequest) -> dict[str, Any]:
    url = page_url("day_board")
    item = {"title": gettext("Day board"), "icon": "dashboard", "link": url, "active": request.path == url}
    return item | _badge("orders.selectors.counts.late")


def _dispatch(request: HttpRequest) -> dict[str, Any]:
    url = page_url("dispatch")
    return {"title": gettext("Dispatch"), "icon": "route", "link": url, "active": request.path == url}


def _money(request: HttpRequest) -> list[dict[str, Any]]:
    pages = (
        ("couriers_cash", gettext("Couriers' cash"), "payments", ["orders.add_couriersettlement"]),
        ("till", gettext("Day's till"), "point_of_sale", ["orders.view_tillday", "orders.close_till"]),
    )
    return [
        {"title": title, "icon": icon, "link": page_url(name), "active": request.path == page_url(name)}
        for name, title, icon, permissions in pages
        if any(map(request.user.has_perm, permissions))
    ]


def _reports(request: HttpRequest) -> list[dict[str, Any]]:
    return [*_report_pages(request), *_exports(request)]


def _exports(request: HttpRequest) -> list[dict[str, Any]]:
    if not any(map(request.user.has_perm, ("orders.export_order", "orders.view_all_exports"))):
        return []
    url = page_url("admin:orders_exportrun_changelist")
    is_current = request.path.startswith((url, page_url("exports")))
    return [{"title": gettext("Exports"), "icon": "download", "link": url, "active": is_current}]


def _report_pages(request: HttpRequest) -> list[dict[str, Any]]:
    if not (request.user.has_perm("orders.view_report") and may_view(request.user, "orders.order")):
        return []
    pages: list[tuple[str, Any, str]] = import_string("orders.reports.definitions.PAGES")
    found = [(str(title), icon, page_url("report", key)) for key, title, icon in pages]
    if may_view(request.user, "bitrix_bridge.webhookevent") and may_view(request.user, "bitrix_bridge.push"):
        found.append((gettext("Exchange"), "sync_alt", page_url("exchange_report")))
    return [{"title": title, "icon": icon, "link": url, "active": request.path == url} for title, icon, url in found]


def _sent_reports() -> list[_Item]:
    return [
        (gettext("Scheduled reports"), "event_repeat", "orders.reportschedule", ""),
        (gettext("Deliveries of reports"), "outbox", "orders.reportdelivery", ""),
    ]


def _status(request: HttpRequest) -> list[dict[str, Any]]:
    if not may_see_status(request.user):
        return []
    return [_page(request, gettext("Is everything well?"), "health_and_safety", "system_status")]


def _sign_in_rules(request: HttpRequest) -> list[dict[str, Any]]:
    if not request.user.has_perm("cvety_crm.change_user"):
        return []
    return [_page(request, gettext("Who needs a second factor"), "security", "sign_in_rules")]


def _page(request: HttpRequest, title: str, icon: str, name: str) -> dict[str, Any]:
    url = page_url(name)
    return {"title": title, "icon": icon, "link": url, "active": request.path == url}


def account_links(request: HttpRequest) -> list[dict[str, str]]:
    """Return the links in the menu of the user (`UNFOLD["ACCOUNT"]`)."""
    links = [{"title": gettext("My sign-in"), "link": page_url("account")}]
    if isinstance(request.user, User) and request.user.has_usable_password():
        links.append({"title": gettext("Change password"), "link": page_url("admin:password_change")})
    return links


def _work() -> list[_Item]:
    return [
        (gettext("Orders"), "local_florist", "orders.order", "orders.selectors.counts.new_orders"),
        (gettext("Customers"), "group", "orders.customer", ""),
        (gettext("Products"), "inventory_2", "orders.product", ""),
        (gettext("Couriers"), "delivery_dining", "orders.courier", ""),
    ]


def _plans() -> list[_Item]:
    return [
        (gettext("Plans of months"), "flag", "orders.monthplan", ""),
        (gettext("Peak days"), "event", "orders.peakday", ""),
    ]


def _reference() -> list[_Item]:
    return [
        (gettext("Statuses"), "flag", "orders.status", "orders.selectors.site_statuses.undecided"),
        (gettext("Cities"), "location_city", "orders.city", ""),
        (gettext("Shops"), "storefront", "orders.shop", ""),
        (gettext("Delivery slots"), "schedule", "orders.deliveryslot", ""),
        (gettext("Message templates"), "chat", "orders.messagetemplate", ""),
        (gettext("Pay systems"), "payments", "orders.paysystem", "orders.selectors.pay_systems.undecided"),
    ]


def _exchange() -> list[_Item]:
    return [
        (
            gettext("Inbox"),
            "move_to_inbox",
            "bitrix_bridge.webhookevent",
            "bitrix_bridge.admin.badges.unprocessed_events",
        ),
        (gettext("To the site"), "outbox", "bitrix_bridge.push", "bitrix_bridge.admin.badges.failed_pushes"),
        (
            gettext("Comparison"),
            "compare_arrows",
            "bitrix_bridge.reconciliation",
            "bitrix_bridge.admin.badges.open_differences",
        ),
        (gettext("Imports"), "upload_file", "bitrix_bridge.importrun", ""),
        (gettext("What happened"), "history", "orders.orderevent", ""),
    ]


def _telegram() -> list[_Item]:
    return [
        (gettext("Messages"), "send", "notifications.telegrammessage", "notifications.badges.failed_messages"),
        (gettext("Chats"), "forum", "notifications.telegramchat", ""),
    ]


def _system(request: HttpRequest) -> list[_Item]:
    people = [
        (gettext("Users"), "person", "cvety_crm.user", ""),
        (gettext("Groups"), "groups", "auth.group", ""),
        (gettext("Log of sign-ins"), "login", "cvety_crm.signinevent", ""),
        (gettext("Who saw phones"), "visibility", "orders.phonelook", ""),
    ]
    if not request.user.is_superuser:
        return people
    return [
        *people,
        (gettext("Worker"), "monitor_heart", "cvety_crm.heartbeat", ""),
        (gettext("Schedules"), "event_repeat", "django_q.schedule", ""),
        (gettext("Queue"), "list", "django_q.ormq", ""),
        (gettext("Failed tasks"), "error", "django_q.failure", ""),
        (gettext("Finished tasks"), "task_alt", "django_q.success", ""),
    ]
