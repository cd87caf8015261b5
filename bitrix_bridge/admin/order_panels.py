"""The panels with the pushes, the differences and the undecided events of an order, on the order's page."""

from dataclasses import replace

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.models import Difference, Push, WebhookEvent
from bitrix_bridge.models.reconciliation import OPEN
from bitrix_bridge.reconciliation.labels import rows
from orders.admin.panels import Panel
from orders.models import Order
from orders.presentation.losses import losses_text
from orders.presentation.timeline import field_label, look_up, value_text
from orders.rules.visibility import hidden_fields, shown_text
from orders.sync.agreement import Agreement
from orders.sync.freshness import is_in_future

SHOWN = 10


def pushes(order: Order, request: HttpRequest) -> Panel | None:
    """Return a panel with the order's latest pushes, or None if the user may not view pushes."""
    if not request.user.has_perm("bitrix_bridge.view_push"):
        return None
    rows = list(Push.objects.filter(order=order).defer("request").order_by("-created_at")[:SHOWN])
    return Panel(
        title=gettext("On its way to the site"),
        template="bitrix_bridge/order_pushes.html",
        context={"pushes": rows},
        all_url=f"{reverse('admin:bitrix_bridge_push_changelist')}?order__id__exact={order.pk}",
        state=rows[0].get_state_display() if rows else "",
    )


def clocks(order: Order, request: HttpRequest) -> Panel | None:
    """Return a panel with what the site's clocks do not decide: a time in the future, and the events that wait for it.

    Return None if there is nothing undecided or the user may not view events.
    """
    if not any(request.user.has_perm(f"bitrix_bridge.{right}_webhookevent") for right in ("view", "change")):
        return None
    future = order.bitrix_updated_at if is_in_future(order.bitrix_updated_at, timezone.now()) else None
    waiting = WebhookEvent.objects.filter(order=order, state=WebhookEvent.State.WAITING)
    events = list(waiting.defer("payload", "traceback").order_by("-created_at")[:SHOWN])
    if future is None and not events:
        return None
    return Panel(
        title=gettext("Checked with the site"),
        template="bitrix_bridge/order_clocks.html",
        context={"future_time": future, "events": events},
        is_open=True,
    )


def damaged(order: Order, request: HttpRequest) -> Panel | None:
    """Return a panel with the values that the site holds in a different form, because it can't store ours.

    Return None if there are no such values. Values that the user may not see are left out of the texts.
    """
    pairs = Agreement.from_json(order.bitrix_state).damaged
    if not pairs:
        return None
    names = look_up((name, value) for name, pair in pairs.items() for value in (pair.ours, pair.theirs))
    names = replace(names, hidden=hidden_fields(request.user, order.delivery_date))
    rows = [
        {
            "label": field_label(name),
            "ours": shown_text(request.user, value_text(name, pair.ours, names)),
            "theirs": shown_text(request.user, value_text(name, pair.theirs, names)),
            "why": losses_text(pair.losses),
        }
        for name, pair in sorted(pairs.items())
    ]
    return Panel(
        title=gettext("The site can't store this"),
        template="bitrix_bridge/order_damaged.html",
        context={"rows": rows},
        is_open=True,
    )


def differences(order: Order, request: HttpRequest) -> Panel | None:
    """Return a panel with the order's open differences.

    Return None if the order has no open differences or the user may not view differences.
    """
    may_decide = request.user.has_perm("bitrix_bridge.change_reconciliation")
    if not may_decide and not request.user.has_perm("bitrix_bridge.view_reconciliation"):
        return None
    found = Difference.objects.filter(order=order, outcome__in=OPEN).select_related("run", "order")
    shown = rows(found.order_by("-outcome", "field")[:SHOWN], may_decide=may_decide, reader=request.user)
    if not shown:
        return None
    return Panel(
        title=gettext("Differs from the site"),
        template="bitrix_bridge/differences.html",
        context={"rows": shown, "here": request.get_full_path(), "is_of_one_order": True},
        all_url=reverse("admin:bitrix_bridge_reconciliation_change", args=[shown[0].difference.run_id]),
        is_open=True,
    )
