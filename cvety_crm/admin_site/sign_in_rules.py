"""The page on which the owner chooses the roles whose users must have a second factor."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from cvety_crm.admin_site.grants import assignable_roles
from cvety_crm.models import SecondFactor
from cvety_crm.sign_in import log, rules
from cvety_crm.sign_in.account_views import signed_out_text
from cvety_crm.users import User, staff_user

SUPERUSERS = "superusers"


def may_change_rules(user: Any) -> bool:
    """Return whether the user may choose the roles: a user who may also change accounts."""
    return bool(user.has_perm("cvety_crm.change_user"))


@require_http_methods(["GET", "HEAD", "POST"])
def rules_page(request: HttpRequest) -> HttpResponse:
    """Show the roles that the user may assign, and store the chosen ones. Superusers also choose for superusers."""
    user = staff_user(request)
    if not may_change_rules(user):
        raise PermissionDenied
    rows = _rows(user)
    if request.method == "POST":
        return _save(request, user, rows)
    context = {**admin.site.each_context(request), "title": gettext("Who needs a second factor"), "rows": rows}
    return TemplateResponse(request, "cvety_crm/sign_in/rules.html", context)


def _rows(user: User) -> list[dict[str, Any]]:
    chosen = rules.roles_with_second_factor()
    active = Count("user", Q(user__is_active=True), distinct=True)
    secured = Count("user", Q(user__is_active=True, user__second_factor__isnull=False), distinct=True)
    found = [
        {"key": str(role.pk), "id": role.pk, "name": role.name, "users": role.users, "secured": role.secured}
        for role in assignable_roles(user).annotate(users=active, secured=secured)
    ]
    if user.is_superuser:
        numbers = User.objects.filter(is_superuser=True, is_active=True).aggregate(
            users=Count("pk"), secured=Count("second_factor")
        )
        found.append({"key": SUPERUSERS, "id": None, "name": gettext("Superusers"), **numbers})
    return [{**row, "is_chosen": row["id"] in chosen} for row in found]


def _save(request: HttpRequest, user: User, rows: list[dict[str, Any]]) -> HttpResponse:
    wanted = set(request.POST.getlist("role"))
    added = [row["id"] for row in rows if row["key"] in wanted and not row["is_chosen"]]
    removed = [row["id"] for row in rows if row["key"] not in wanted and row["is_chosen"]]
    answer = HttpResponseRedirect(reverse("sign_in_rules"))
    concerns_user = any(rules.users_of_role(one).filter(pk=user.pk).exists() for one in added)
    if concerns_user and not SecondFactor.objects.filter(user=user).exists():
        messages.error(request, gettext("Turn on the second factor for yourself first: this role is yours, too."))
        return answer
    if added or removed:
        ended = rules.change_roles(added=added, removed=removed)
        names = rules.labels(rules.roles_with_second_factor(), gettext("Superusers"))
        log.record(log.Kind.RULES_CHANGED, user, request=request, details=", ".join(names))
        messages.success(request, " ".join([gettext("Saved."), *([signed_out_text(ended)] if ended else [])]))
    return answer
