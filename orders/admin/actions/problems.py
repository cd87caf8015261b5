"""Saying that somebody must look at an order, and that it is settled. Plain POST forms on the order's page."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from orders import services
from orders.admin.actions.next_step import permitted_order
from orders.admin.redirects import redirect_back
from orders.services import NotAllowedError

OTHER = "other"
REASONS: dict[str, str | Promise] = {
    "no_address": _("No address"),
    "customer_silent": _("The customer doesn't answer"),
    "recipient_silent": _("The recipient doesn't answer"),
    "no_flower": _("A flower is missing"),
    "complaint": _("A complaint about the bouquet"),
    "not_paid": _("Not paid yet"),
    "late": _("We are late"),
    OTHER: _("Something else"),
}
"""What it mostly is: a button each. What is typed goes along; something else is nothing but what is typed."""


class ProblemActions:
    """The two addresses, for the order's ModelAdmin to mix in."""

    def get_urls(self) -> list[URLPattern]:
        """Add them."""
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("<uuid:key>/problem/", wrap(require_POST(self.report_problem)), name="orders_order_problem"),
            path("<uuid:key>/solved/", wrap(require_POST(self.solve_problem)), name="orders_order_solved"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def report_problem(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Mark the order: `reason` is the button that was pressed, `text` what was typed."""
        order = permitted_order(self, request, key)
        reason, text = request.POST.get("reason", ""), request.POST.get("text", "").strip()
        words = [str(REASONS[reason])] if reason in REASONS and reason != OTHER else []
        try:
            services.report_problem(
                order_id=order.pk,
                reason=": ".join([*words, *([text] if text else [])]),
                actor=request.user,  # type: ignore[arg-type]
            )
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, gettext("Everybody sees now that there is a problem with this order."))
        return redirect_back(request, reverse("admin:orders_order_change", args=[key]))

    def solve_problem(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Note that it is settled, and how, if `comment` says so."""
        order = permitted_order(self, request, key)
        services.solve_problem(
            order_id=order.pk,
            actor=request.user,  # type: ignore[arg-type]
            comment=request.POST.get("comment", "")[: services.LONGEST_REASON],
        )
        messages.success(request, gettext("The problem is solved."))
        return redirect_back(request, reverse("admin:orders_order_change", args=[key]))
