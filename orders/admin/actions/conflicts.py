"""The user's decision on a status conflict.

The status was changed in the CRM and on the site, and the site's status was kept. The user accepts the site's status,
or sets the CRM's status again.
"""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.actions.undo import add_change_message
from orders.admin.lookup import order_or_404
from orders.admin.permissions import may_change_status
from orders.admin.redirects import redirect_back
from orders.models import Order, Source, Status
from orders.services import NotAllowedError


def desired_status(order: Order) -> Status | None:
    """Return the status that the CRM had when the site kept its own status, or None without a conflict."""
    code = services.conflicting_change(order)
    return Status.objects.filter(code=code).first() if code else None


class Conflicts(Feature[Order]):
    """The two buttons of the decision. Each is a plain form with the method POST and opens no dialog."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the two buttons."""
        may = may_change_status
        return [
            self.view(
                "<uuid:key>/apply-pending-change/",
                self.apply_pending_change,
                name="apply_pending_change",
                methods=POST,
                permission=may,
            ),
            self.view("<uuid:key>/accept-site/", self.accept_site, name="accept_site", methods=POST, permission=may),
        ]

    def apply_pending_change(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Set the status that the CRM had before the conflict."""
        order = order_or_404(key)
        status = desired_status(order)
        if status is None:
            messages.info(request, gettext("There is nothing to decide here any more."))
            return _back(request, order)
        batch_id = uuid4()
        try:
            services.change_status(
                order_id=order.pk,
                status=status.code,
                actor=staff_user(request),
                source=Source.ADMIN,
                batch_id=batch_id,
            )
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            text = gettext("The order is “%(status)s”; the site is notified.") % {"status": status.name}
            add_change_message(request, text, batch_id)
        return _back(request, order)

    def accept_site(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Keep the site's status and end the conflict."""
        order = order_or_404(key)
        services.accept_site_state(order_id=order.pk, actor=staff_user(request))
        messages.success(request, gettext("The status of the site stays."))
        return _back(request, order)


def _back(request: HttpRequest, order: Order) -> HttpResponse:
    return redirect_back(request, reverse("admin:orders_order_change", args=[order.pk]))
