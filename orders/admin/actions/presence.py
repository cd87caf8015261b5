"""An open page of an order says that it is open, and hears who else is there and what has changed since."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from django.views.decorators.http import require_POST

from orders.models import Order, OrderEvent
from orders.services import presence


class PresenceActions:
    """The address, for the order's ModelAdmin to mix in."""

    def get_urls(self) -> list[URLPattern]:
        """Add it."""
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("<uuid:key>/here/", wrap(require_POST(self.here)), name="orders_order_here"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def here(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Answer a beat of the page with what stands at its top; with `left` the page says good-bye."""
        if not self.has_view_or_change_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        if "left" in request.POST:
            presence.leave(key, request.user)  # type: ignore[arg-type]
            return HttpResponse(status=204)
        now = presence.beat(key, request.user, since=_moment(request.POST.get("since", "")))  # type: ignore[arg-type]
        if now is None:
            raise Http404
        return render(request, "orders/presence.html", {"now": now, "user": request.user})


def presence_context(order: Order, events: list[OrderEvent]) -> dict[str, Any]:
    """Return what the page needs for its beats. `events` are the order's, the newest first."""
    return {
        "url": reverse("admin:orders_order_here", args=[order.pk]),
        # By the database's own times: a change counts as seen exactly when the page shows it.
        "since": events[0].happened_at.isoformat() if events else order.created_at.isoformat(),
    }


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment is not None and is_aware(moment) else None
