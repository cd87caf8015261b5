"""Both sides changed the status and the site won: the manager decides, with one tap, whether his wish still holds."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from orders import services
from orders.admin.actions.status import find_order
from orders.admin.actions.undo import add_change_message
from orders.admin.redirects import redirect_back
from orders.models import Order, Source, Status
from orders.services import NotAllowedError


def wished_status(order: Order) -> Status | None:
    """Return the status that the manager wanted when the site decided otherwise; None without a conflict."""
    code = services.conflicting_change(order)
    return Status.objects.filter(code=code).first() if code else None


class ConflictActions:
    """The two answers, for the order's ModelAdmin to mix in. Plain POST forms: they need no dialog."""

    def get_urls(self) -> list[URLPattern]:
        """Add their addresses."""
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path(
                "<uuid:key>/apply-wish/", wrap(require_POST(self.apply_pending_change)), name="orders_order_apply_wish"
            ),
            path("<uuid:key>/accept-site/", wrap(require_POST(self.accept_site)), name="orders_order_accept_site"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def apply_pending_change(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Set the wished status all the same."""
        order = self._conflicting(request, key)
        status = wished_status(order)
        if status is None:
            messages.info(request, gettext("There is nothing to decide here any more."))
            return _back(request, order)
        batch_id = uuid4()
        try:
            services.change_status(
                order_id=order.pk,
                status=status.code,
                actor=request.user,  # type: ignore[arg-type]
                source=Source.ADMIN,
                batch_id=batch_id,
            )
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            text = gettext("The order is “%(status)s”; the site is told.") % {"status": status.name}
            add_change_message(request, text, batch_id)
        return _back(request, order)

    def accept_site(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Let the site's status stand."""
        order = self._conflicting(request, key)
        services.accept_site_state(order_id=order.pk, actor=request.user)  # type: ignore[arg-type]
        messages.success(request, gettext("The status of the site stays."))
        return _back(request, order)

    def _conflicting(self, request: HttpRequest, key: Any) -> Order:
        if not self.has_change_status_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        order = find_order(key)
        if order is None:
            raise Http404
        return order


def _back(request: HttpRequest, order: Order) -> HttpResponse:
    return redirect_back(request, reverse("admin:orders_order_change", args=[order.pk]))
