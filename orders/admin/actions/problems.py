"""The forms on an order's page that report a problem and record its solution."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.lookup import order_or_404
from orders.admin.permissions import may_change_status
from orders.admin.redirects import redirect_back
from orders.models import Order
from orders.services import NotAllowedError
from orders.services.validation import refuse_excess

OTHER = "other"
LONGEST_TEXT = 400
"""The largest number of characters of the text. Together with the label of a usual problem it must fit the reason."""
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
"""The labels of the usual problems, each with a button. The text that the user enters is added to the label, except
that the label “Something else” is left out."""


class Problems(Feature[Order]):
    """The forms that report a problem and record its solution."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the two forms."""
        may = may_change_status
        return [
            self.view("<uuid:key>/problem/", self.report_problem, name="problem", methods=POST, permission=may),
            self.view("<uuid:key>/solved/", self.solve_problem, name="solved", methods=POST, permission=may),
        ]

    def report_problem(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Report a problem of the order.

        `reason` is the key of the pressed button, and `text` is the text that the user has entered.
        """
        order = order_or_404(key)
        reason, text = request.POST.get("reason", ""), request.POST.get("text", "").strip()
        words = [str(REASONS[reason])] if reason in REASONS and reason != OTHER else []
        try:
            refuse_excess(text, LONGEST_TEXT)
            services.report_problem(
                order_id=order.pk,
                reason=": ".join([*words, *([text] if text else [])]),
                actor=staff_user(request),
            )
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, gettext("Everybody sees now that there is a problem with this order."))
        return redirect_back(request, reverse("admin:orders_order_change", args=[key]))

    def solve_problem(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Record that the problem is solved; `comment` is optional."""
        order = order_or_404(key)
        try:
            services.solve_problem(
                order_id=order.pk, actor=staff_user(request), comment=request.POST.get("comment", "")
            )
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, gettext("The problem is solved."))
        return redirect_back(request, reverse("admin:orders_order_change", args=[key]))
