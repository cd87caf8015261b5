"""The URLs of the CRM.

The shop's previous system already used `/`, `/crm/`, `/webhooks/bitrix/…` and `/docs`: do not change these URLs.
"""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from cvety_crm.admin_site.sign_in_rules import rules_page
from cvety_crm.drafts import session_check
from cvety_crm.ops.metrics import metrics
from cvety_crm.ops.status import health, ready, status_page
from cvety_crm.pages import home

handler500 = "cvety_crm.pages.on_error"

urlpatterns = [
    path("", home, name="home"),
    re_path(r"^health/?$", health, name="health"),
    re_path(r"^health/ready/?$", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
    path("crm/status/", admin.site.admin_view(status_page), name="system_status"),
    path("crm/sign-in-rules/", admin.site.admin_view(rules_page), name="sign_in_rules"),
    path("crm/", include("cvety_crm.sign_in.urls")),
    path("crm/session/", session_check, name="session_check"),
    path("crm/", include("bitrix_bridge.admin.urls")),
    path("crm/", include("orders.urls")),
    path("crm/", admin.site.urls),
    path("p/", include("orders.public.urls")),
    path("webhooks/bitrix/", include("bitrix_bridge.urls")),
    path("webhooks/", include("notifications.urls")),
    path("api/", include("bitrix_bridge.earlier_urls")),
    re_path(r"^docs/?$", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("docs/schema", SpectacularAPIView.as_view(), name="schema"),
]
