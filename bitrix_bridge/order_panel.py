"""What the bridge shows on an order's page: its pushes, and the last events of the site about it."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from bitrix_bridge.models import Push
from orders.models import Order
from orders.panels import Panel

SHOWN = 10


def pushes(order: Order, request: HttpRequest) -> Panel | None:
    """Return the order's latest pushes, for whoever may see pushes."""
    if not request.user.has_perm("bitrix_bridge.view_push"):
        return None
    rows = list(Push.objects.filter(order=order).defer("request").order_by("-created_at")[:SHOWN])
    return Panel(
        title=gettext("On its way to the site"),
        template="bitrix_bridge/order_pushes.html",
        context={"pushes": rows},
        all_url=f"{reverse('admin:bitrix_bridge_push_changelist')}?order__id__exact={order.pk}",
    )
