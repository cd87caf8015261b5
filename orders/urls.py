"""The URLs of the pages for staff that belong to no model."""

from django.contrib import admin
from django.urls import path, re_path
from django.views.generic import RedirectView

from orders.admin.board import board_page
from orders.admin.dispatch import views as dispatch
from orders.admin.earlier_pages import order, page
from orders.admin.exports.new import new_export_page
from orders.admin.money.couriers_cash import couriers_cash_page
from orders.admin.money.till import till_page
from orders.admin.reports import calls
from orders.admin.reports.holidays import holidays_page
from orders.admin.reports.page import report_page
from orders.admin.thumbnails import item_thumbnail, product_thumbnail

_UUID = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"

urlpatterns = [
    path("board/", admin.site.admin_view(board_page), name="day_board"),
    path("dispatch/", admin.site.admin_view(dispatch.dispatch_page), name="dispatch"),
    path("dispatch/act/", admin.site.admin_view(dispatch.act), name="dispatch_act"),
    path("dispatch/undo/<uuid:batch>/", admin.site.admin_view(dispatch.undo), name="dispatch_undo"),
    path("dispatch/brief/<uuid:key>/", admin.site.admin_view(dispatch.brief), name="dispatch_brief"),
    re_path(
        rf"^dispatch/(?P<key>{_UUID})/(?P<name>yandex|2gis)/$",
        admin.site.admin_view(dispatch.open_map),
        name="dispatch_map",
    ),
    path("cash/", admin.site.admin_view(couriers_cash_page), name="couriers_cash"),
    path("till/", admin.site.admin_view(till_page), name="till"),
    path(
        "exports/",
        admin.site.admin_view(RedirectView.as_view(pattern_name="admin:orders_exportrun_changelist")),
        name="exports",
    ),
    path("exports/new/", admin.site.admin_view(new_export_page), name="new_export"),
    path("reports/holidays/", admin.site.admin_view(holidays_page), name="report_of_holidays"),
    path("reports/calls/", admin.site.admin_view(calls.calls_page), name="calls"),
    path("reports/calls/<uuid:key>/messages/", admin.site.admin_view(calls.reminders_page), name="calls_reminders"),
    path("reports/calls/<uuid:key>/record/", admin.site.admin_view(calls.record_call), name="calls_record"),
    path("reports/calls/<uuid:key>/undo/", admin.site.admin_view(calls.undo_call), name="calls_undo"),
    path("reports/<slug:name>/", admin.site.admin_view(report_page), name="report"),
    path(
        "products/<uuid:key>/thumbnail/",
        admin.site.admin_view(product_thumbnail, cacheable=True),
        name="product_thumbnail",
    ),
    path("items/<uuid:key>/thumbnail/", admin.site.admin_view(item_thumbnail, cacheable=True), name="item_thumbnail"),
    re_path(rf"^orders/(?P<key>{_UUID}|[0-9]{{1,18}})/?$", admin.site.admin_view(order), name="earlier_order"),
    re_path("^(?P<name>products|inventory|warehouse|sync)/?$", admin.site.admin_view(page), name="earlier_page"),
]
