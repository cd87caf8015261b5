"""The buttons about the making of a bouquet that are not the next step: take a free order, and make it again."""

from functools import partial
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
from orders.admin.permissions import may_make
from orders.admin.redirects import redirect_back
from orders.models import Order
from orders.services import NotAllowedError


class Making(Feature[Order]):
    """The buttons about the making of one bouquet."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the buttons."""
        view = partial(self.view, methods=POST, permission=may_make)
        return [
            view("<uuid:key>/take/", self.take, name="take"),
            view("<uuid:key>/remake/", self.remake, name="remake"),
        ]

    def take(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Let the user take one order. An order that is closed or has a different florist is refused."""
        order = order_or_404(key)
        batch_id = uuid4()
        try:
            services.take_order(order_id=key, actor=staff_user(request), batch_id=batch_id)
        except NotAllowedError as refusal:
            messages.error(request, f"№ {order.order_number}: {refusal}")
        else:
            text = gettext("Order № %(number)s is yours.") % {"number": order.order_number}
            add_change_message(request, text, batch_id)
        return _back(request, order)

    def remake(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Record that the bouquet of one order is to be made again, with the posted `comment`."""
        order = order_or_404(key)
        batch_id = uuid4()
        try:
            services.remake_order(
                order_id=key,
                actor=staff_user(request),
                comment=request.POST.get("comment", ""),
                batch_id=batch_id,
            )
        except NotAllowedError as refusal:
            messages.error(request, f"№ {order.order_number}: {refusal}")
        else:
            text = gettext("Order № %(number)s: the bouquet is to be made again.") % {"number": order.order_number}
            add_change_message(request, text, batch_id)
        return _back(request, order)


def _back(request: HttpRequest, order: Order) -> HttpResponse:
    return redirect_back(request, reverse("admin:orders_order_change", args=[order.pk]), changed=[order.pk])
