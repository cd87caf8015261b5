"""The views of the system's health: an admin page, and JSON for monitoring programs."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cvety_crm.ops.health import KEEP_SECONDS, Level, Report, latest
from cvety_crm.users import User

MARKS = {Level.GREEN: "✔", Level.YELLOW: "▲", Level.RED: "✖"}
"""Signs that can be distinguished without colours."""


def headline(level: Level) -> str:
    """Return the headline of the report in the active language."""
    return {
        Level.GREEN: gettext("SYSTEM STATUS: ALL SYSTEMS WORK"),
        Level.YELLOW: gettext("SYSTEM STATUS: THERE ARE REMARKS"),
        Level.RED: gettext("SYSTEM STATUS: THERE ARE PROBLEMS"),
    }[level]


def may_see_status(user: User | AnonymousUser) -> bool:
    """Return whether the user may open the page. Users who work with orders may see whether orders are received."""
    return bool(user.is_superuser) or user.has_perm("orders.view_order")


@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Return only whether the CRM works. This view is public."""
    is_well = latest(settings.HEALTH_BASIC_PROBES).level != Level.RED
    return JsonResponse({"status": "ok" if is_well else "failing"}, status=200 if is_well else 503)


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Return the findings of all probes to staff, and to programs that send `HEALTH_TOKEN`."""
    if not _shows_token(request):
        try:
            user = request.user
            if not user.is_authenticated:
                return JsonResponse(
                    {"status": "unauthorized"}, status=401, headers={"WWW-Authenticate": 'Bearer realm="health"'}
                )
            if not user.is_staff:
                return JsonResponse({"status": "forbidden"}, status=403)
        except DatabaseError:  # the session cannot be read
            return JsonResponse({"status": "failing"}, status=503)
    report = latest(settings.HEALTH_PROBES)
    return JsonResponse(
        {
            "status": {Level.GREEN: "ok", Level.YELLOW: "remarks", Level.RED: "failing"}[report.level],
            "checked_at": report.checked_at.isoformat(),
            "probes": _probes(settings.HEALTH_PROBES, report),
        },
        status=503 if report.level == Level.RED else 200,
        json_dumps_params={"ensure_ascii": False},
    )


@require_safe
def status_page(request: HttpRequest) -> HttpResponse:
    """Show the findings of all probes to staff."""
    if not may_see_status(request.user):
        raise PermissionDenied
    report = latest(settings.HEALTH_PROBES)
    words = {Level.GREEN: gettext("well"), Level.YELLOW: gettext("a remark"), Level.RED: gettext("a problem")}
    context = {
        **admin.site.each_context(request),
        "title": gettext("Is everything well?"),
        "headline": headline(report.level),
        "level": report.level.name.lower(),
        "mark": MARKS[report.level],
        "checked_at": report.checked_at,
        "keep_seconds": KEEP_SECONDS,
        "rows": [
            {"finding": one, "level": one.level.name.lower(), "mark": MARKS[one.level], "word": words[one.level]}
            for one in report.findings
        ],
    }
    return TemplateResponse(request, "cvety_crm/admin/status.html", context)


def _shows_token(request: HttpRequest) -> bool:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    is_shown = scheme.lower() == "bearer" and bool(settings.HEALTH_TOKEN)
    return is_shown and constant_time_compare(credentials.strip(), settings.HEALTH_TOKEN)


def _probes(paths: list[str], report: Report) -> list[dict[str, Any]]:
    return [
        {
            "name": path.replace(".probes.", "."),
            "level": one.level.name.lower(),
            "title": one.title,
            "figure": one.figure,
            "hint": one.hint,
        }
        for path, one in zip(paths, report.findings, strict=True)
    ]
