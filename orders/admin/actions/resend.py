"""The button and the bulk action that send orders again after the site has refused them or could not be reached."""

from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_site.features import POST, BulkAction, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.actions.bulk import run_bulk
from orders.admin.lookup import order_or_404
from orders.admin.permissions import may_change_status
from orders.admin.redirects import redirect_back
from orders.models import Order, Reason
from orders.services.bulk.actions import Action


class Resending(Feature[Order]):
    """The button of one order, and the bulk action."""

    def urls(self) -> list[URLPattern]:
        """Return the URL to which the button sends its POST request."""
        route, may = "<uuid:key>/send-again/", may_change_status
        return [self.view(route, self.send_again, name="send_again", methods=POST, permission=may)]

    def bulk_actions(self) -> list[BulkAction[Order]]:
        """Return the action that sends the selected orders to the site again."""
        return [BulkAction(self.send_selected_again, _("Send to the site again"), may_change_status)]

    def send_selected_again(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Queue a push of the pending changes of each selected order."""
        return run_bulk(request, queryset, Action.RESEND, gettext("Being sent to the site again: %(count)s."))

    def send_again(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Queue a push of the order's pending changes, if there are any."""
        order = order_or_404(key)
        is_queued = services.send_again(
            order_id=order.pk,
            theirs={},
            actor=staff_user(request),
            reason=Reason.SENT_AGAIN,
        )
        if is_queued:
            messages.success(request, gettext("The order is being sent to the site again."))
        else:
            messages.info(request, gettext("There is nothing to send: the site has the order as it is."))
        return redirect_back(request, reverse("admin:orders_order_change", args=[key]))
