"""URLs of the webhooks, with and without a trailing slash, because Bitrix turns a redirected POST into a GET."""

from django.urls import path, re_path

from bitrix_bridge.inbound.views import OrderWebhookView, ProductWebhookView

urlpatterns = [
    path("order", OrderWebhookView.as_view(), name="webhook-order"),
    path("product", ProductWebhookView.as_view(), name="webhook-product"),
    re_path(r"^order/$", OrderWebhookView.as_view(), name="webhook-order-slash"),
    re_path(r"^product/$", ProductWebhookView.as_view(), name="webhook-product-slash"),
]
