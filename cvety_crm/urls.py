"""Addresses. Those of the shop's earlier system stay: `/`, `/crm/`, `/webhooks/bitrix/…`, `/docs`."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from cvety_crm.pages import home

urlpatterns = [
    path("", home, name="home"),
    path("crm/", admin.site.urls),
    path("webhooks/bitrix/", include("bitrix_bridge.urls")),
    re_path(r"^docs/?$", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("docs/schema", SpectacularAPIView.as_view(), name="schema"),
]
