"""Redirects from the pages of the shop's earlier CRM, which staff may still have as bookmarks or in messages."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from orders.models import Order
from orders.rules.visibility import may_see_orders


@require_safe
def order(request: HttpRequest, key: str) -> HttpResponseRedirect:
    """Redirect to the order with this id or site id, or to a search for it."""
    if not may_see_orders(request.user):
        raise PermissionDenied
    found = Order.objects.filter(_condition(key)).values_list("pk", flat=True)[:1]
    if found:
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[found[0]]))
    return HttpResponseRedirect(f"{reverse('admin:orders_order_changelist')}?{urlencode({'q': key})}")


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponseRedirect:
    """Redirect to the page that replaces a page of the earlier CRM, or to the start page with a message."""
    target = {"products": "admin:orders_product_changelist", "sync": "system_status"}.get(name)
    if target is None:
        messages.info(request, gettext("The page “%(name)s” of the earlier CRM no longer exists.") % {"name": name})
    return HttpResponseRedirect(reverse(target or "admin:index"))


def _condition(key: str) -> Q:
    return Q(pk=UUID(key)) if "-" in key else Q(bitrix_order_id=int(key))
