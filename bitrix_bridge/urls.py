"""The URLs of the webhooks. Both forms, with and without a trailing slash, work without a redirect.

Bitrix repeats a redirected POST request as a GET request.
"""

from django.urls import path, re_path

from bitrix_bridge.inbound.views import OrderWebhookView, ProductWebhookView

urlpatterns = [
    path("order", OrderWebhookView.as_view(), name="webhook-order"),
    path("product", ProductWebhookView.as_view(), name="webhook-product"),
    # Not described a second time at /docs. The site's earlier senders also post events about shops and florists.
    re_path(r"^(?:shop|florist)/?$", OrderWebhookView.as_view(schema=None), name="webhook-other"),
    re_path(r"^order/$", OrderWebhookView.as_view(schema=None), name="webhook-order-slash"),
    re_path(r"^product/$", ProductWebhookView.as_view(schema=None), name="webhook-product-slash"),
]
