"""The page “Statuses of the site”, on which staff decide which stage each status of the site has."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from cvety_crm.admin_site.features import POST, READ, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.badges import SIGNS, stage_class, status_badge
from orders.models import Stage, Status
from orders.selectors.site_statuses import ComparedStatus, compared_statuses
from orders.services import NotAllowedError, StatusDecision

SEPARATE = "separate"
"""The value of the button that makes a separate status."""


def may_decide(request: HttpRequest) -> bool:
    """Return whether the user may add and change statuses."""
    return request.user.has_perms(["orders.add_status", "orders.change_status"])


def may_read(request: HttpRequest) -> bool:
    """Return whether the user may view statuses."""
    return request.user.has_perm("orders.view_status") or request.user.has_perm("orders.change_status")


class SiteStatuses(Feature[Status]):
    """The page, and the action of its buttons."""

    template = "orders/site_statuses_link.html"

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the page and of its buttons."""
        return [
            self.view("site/", self.page, name="site", methods=READ, permission=may_read),
            self.view("site/profile/", self.load_profile, name="profile", methods=POST, permission=may_decide),
            self.view("site/decide/", self.decide, name="decide", methods=POST, permission=may_decide),
        ]

    def list_context(self, request: HttpRequest, changelist: Any) -> dict[str, Any]:
        """Return the URL of the page for the list of statuses."""
        return {"site_statuses_url": reverse("admin:orders_status_site")}

    def page(self, request: HttpRequest) -> HttpResponse:
        """Show the codes of the site, with their names and orders, beside the statuses of the CRM."""
        rows = [_row(row, may=may_decide(request)) for row in compared_statuses()]
        return self.render(
            request,
            "orders/site_statuses.html",
            gettext("Statuses of the site"),
            {
                "undecided": [row for row in rows if row["row"].is_undecided],
                "decided": [row for row in rows if not row["row"].is_undecided],
                "decide_url": reverse("admin:orders_status_decide"),
                "separate": SEPARATE,
                "profiles": services.PROFILES.items() if may_decide(request) else [],
                "profile_url": reverse("admin:orders_status_profile"),
            },
        )

    def load_profile(self, request: HttpRequest) -> HttpResponse:
        """Load the profile whose button was pressed, and report what it has changed."""
        try:
            outcome = services.load_profile(name=request.POST.get("profile", ""), actor=staff_user(request))
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            text = gettext("Statuses set: %(statuses)d, removed: %(removed)d. Orders moved: %(orders)d.")
            values = {"statuses": outcome.statuses, "removed": outcome.removed, "orders": outcome.orders}
            messages.success(request, text % values)
        return HttpResponseRedirect(reverse("admin:orders_status_site"))

    def decide(self, request: HttpRequest) -> HttpResponse:
        """Set the stage of a status, or make a separate status, as the pressed button says."""
        code, choice = request.POST.get("code", ""), request.POST.get("choice", "")
        actor = staff_user(request)
        try:
            if choice == SEPARATE:
                outcome = services.separate_status(bitrix_code=code, actor=actor)
            else:
                outcome = services.choose_stage(bitrix_code=code, stage=choice, actor=actor)
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            text = separated_message(outcome) if choice == SEPARATE else stage_message(outcome)
            messages.success(request, text)
        return HttpResponseRedirect(reverse("admin:orders_status_site"))


def stage_message(outcome: StatusDecision) -> str:
    """Return the message about a new stage, with the number of orders that have it now."""
    text = ngettext(
        "“%(name)s” has the stage “%(stage)s”. %(count)d order has it now.",
        "“%(name)s” has the stage “%(stage)s”. %(count)d orders have it now.",
        outcome.orders,
    ) % {"name": outcome.status, "stage": outcome.status.get_stage_display(), "count": outcome.orders}
    return " ".join([text, *_next_steps(outcome)])


def separated_message(outcome: StatusDecision) -> str:
    """Return the message about a separate status, with the number of moved orders."""
    stage = Stage(outcome.status.stage).label
    text = gettext("“%(name)s” is a status of its own now, stage “%(stage)s”.") % {
        "name": outcome.status,
        "stage": stage,
    }
    return " ".join([text, moved_message(outcome), *_next_steps(outcome)])


def moved_message(outcome: StatusDecision) -> str:
    """Return the message with the number of moved orders."""
    return ngettext("%(count)d order was moved.", "%(count)d orders were moved.", outcome.orders) % {
        "count": outcome.orders
    }


def _next_steps(outcome: StatusDecision) -> list[str]:
    if not outcome.next_steps:
        return []
    text = ngettext(
        "The next steps of %(count)d other status were corrected.",
        "The next steps of %(count)d other statuses were corrected.",
        outcome.next_steps,
    )
    return [text % {"count": outcome.next_steps}]


def _row(row: ComparedStatus, *, may: bool) -> dict[str, Any]:
    return {
        "row": row,
        "badge": _badge(row),
        "facts": _facts(row),
        "stage": _stage_text(row),
        "first": [_stage(stage) for stage in row.suggested] if may else [],
        "rest": [_stage(stage) for stage in Stage if stage not in row.suggested] if may else [],
        "every": [_stage(stage) for stage in Stage] if may else [],
        "may_separate": may and bool(row.site_name) and not row.has_own_status,
        "may_decide": may and row.status is not None,
        "url": reverse("admin:orders_status_change", args=[row.status.pk]) if row.status else "",
    }


def _facts(row: ComparedStatus) -> str:
    """Return the place of the status in the site's lists, if it is known, and the number of its orders."""
    counted = ngettext("%(counter)s order", "%(counter)s orders", row.orders) % {"counter": row.orders}
    if row.site_sort is None:
        return counted
    return ", ".join([gettext("place %(place)s") % {"place": row.site_sort}, counted])


def _stage_text(row: ComparedStatus) -> str:
    if row.status is None or row.is_stub:
        return gettext("no stage yet")
    return gettext("stage “%(stage)s”") % {"stage": Stage(row.status.intended_stage).label}


def _badge(row: ComparedStatus) -> SafeString | str:
    return status_badge(row.status) if row.status else ""


def _stage(stage: Stage) -> dict[str, str]:
    return {"value": stage.value, "label": str(stage.label), "sign": SIGNS[stage], "css": stage_class(stage)}
