"""The panel with Telegram messages on the page of an order."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from notifications.models import TelegramMessage
from orders.admin.panels import Panel
from orders.models import Order

SHOWN = 10


def messages(order: Order, request: HttpRequest) -> Panel | None:
    """Return the panel with the latest messages about the order, or None if the user may not view messages."""
    if not request.user.has_perm("notifications.view_telegrammessage"):
        return None
    rows = list(TelegramMessage.objects.filter(order=order).order_by("-created_at")[:SHOWN])
    return Panel(
        title=gettext("Messages in Telegram"),
        template="notifications/order_messages.html",
        context={"messages": rows},
        all_url=f"{reverse('admin:notifications_telegrammessage_changelist')}?order__id__exact={order.pk}",
        state=rows[0].get_state_display() if rows else "",
    )
