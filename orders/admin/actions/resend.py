"""The site has refused an order, or could not be reached: one tap has it sent once more."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from orders import services
from orders.admin.actions.next_step import permitted_order
from orders.admin.redirects import redirect_back
from orders.models import Reason


class Resending:
    """The address, for the order's ModelAdmin to mix in."""

    def get_urls(self) -> list[URLPattern]:
        """Add it."""
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("<uuid:key>/send-again/", wrap(require_POST(self.send_again)), name="orders_order_send_again"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def send_again(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Have the order sent to the site again."""
        order = permitted_order(self, request, key)
        is_queued = services.send_again(
            order_id=order.pk,
            theirs={},
            actor=request.user,  # type: ignore[arg-type]
            reason=Reason.SENT_AGAIN,
        )
        if is_queued:
            messages.success(request, gettext("The order is being sent to the site again."))
        else:
            messages.info(request, gettext("There is nothing to send: the site has the order as it is."))
        return redirect_back(request, reverse("admin:orders_order_change", args=[key]))
