"""The URLs of the API of the shop's earlier CRM. Its webhooks still work; the rest of it is gone."""

from django.http import HttpRequest, JsonResponse
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

from bitrix_bridge.inbound.views import OrderWebhookView, ProductWebhookView


@csrf_exempt  # nothing is changed, and a sender has no session
def gone(request: HttpRequest, path: str) -> JsonResponse:
    """Return 410 and where the data is now."""
    message = (
        f"/api/{path} belonged to the earlier CRM. Orders are posted to /webhooks/bitrix/order, see /docs. "
        "Staff work at /crm/."
    )
    return JsonResponse({"status": "error", "error": "gone", "message": message}, status=410)


# Not described at /docs, which a new sender reads.
_order = OrderWebhookView.as_view(default_event="order.update", schema=None)

urlpatterns = [
    re_path(r"^webhooks/bitrix/order/?$", _order, name="earlier-webhook-order"),
    re_path(
        r"^webhooks/bitrix/status/?$",
        OrderWebhookView.as_view(default_event="order.status.change", schema=None),
        name="earlier-webhook-status",
    ),
    re_path(r"^webhooks/bitrix/product/?$", ProductWebhookView.as_view(default_event="product.update", schema=None)),
    re_path(r"^(?P<path>.{0,200})", gone, name="earlier-api"),
]
