"""The views that return the small pictures of products and items."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from orders.models import OrderItem, Product
from orders.product_pictures.links import line_address
from orders.product_pictures.responses import thumbnail_response
from orders.rules.visibility import may_see_orders


def may_see_products(request: HttpRequest) -> bool:
    """Return whether the user may see pictures of products: all who read orders, create orders, or read products."""
    rights = ("orders.add_order", "orders.view_product", "orders.change_product")
    return may_see_orders(request.user) or any(request.user.has_perm(right) for right in rights)


@require_safe
def product_thumbnail(request: HttpRequest, key: UUID) -> HttpResponse:
    """Return the small picture of a product. Raise `PermissionDenied` if the user may not see products."""
    if not may_see_products(request):
        raise PermissionDenied
    address = Product.objects.filter(pk=key).values_list("image_url", flat=True).first()
    if address is None:
        raise Http404
    return thumbnail_response(request, address)


@require_safe
def item_thumbnail(request: HttpRequest, key: UUID) -> HttpResponse:
    """Return the small picture that the site has sent with an item of an order.

    Raise `PermissionDenied` if the user may not see orders.
    """
    if not may_see_orders(request.user):
        raise PermissionDenied
    item = OrderItem.objects.only("product_snapshot").filter(pk=key).first()
    if item is None:
        raise Http404
    return thumbnail_response(request, line_address(item))
