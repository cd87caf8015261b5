"""The URLs of the plain receiver. They are those of the CRM, so that the same requests can be sent to both."""

from django.http import HttpResponse
from django.urls import path

from bench.peers.plain_django.views import OrderWebhook

urlpatterns = [
    path("", lambda request: HttpResponse("ok")),
    path("webhooks/bitrix/order", OrderWebhook.as_view()),
]
