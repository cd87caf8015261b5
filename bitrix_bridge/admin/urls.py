"""The URLs of the bridge's pages for staff that belong to no model."""

from django.contrib import admin
from django.urls import path

from bitrix_bridge.admin.exchange_report import exchange_page

urlpatterns = [path("reports/exchange/", admin.site.admin_view(exchange_page), name="exchange_report")]
