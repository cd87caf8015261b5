"""The items of an order to read: pictures, quantities, details and sums, as the user may see them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from cvety_crm.users import AnyUser
from orders.admin.orders.items_inline import struck_list_price
from orders.models import Order, OrderItem
from orders.presentation.composition import item_name
from orders.presentation.details import item_details
from orders.presentation.item_values import price_text, quantity_text, total_text
from orders.product_pictures.links import item_picture, large
from orders.rules.visibility import may_see_phones, may_see_prices


def composition(order: Order, items: Iterable[OrderItem], user: AnyUser) -> list[dict[str, Any]]:
    """Return the items for `orders/page/composition.html`. They must be loaded with their products."""
    phones, prices = may_see_phones(user), may_see_prices(user, order.delivery_date)
    return [_line(order, item, phones=phones, prices=prices) for item in items]


def _line(order: Order, item: OrderItem, *, phones: bool, prices: bool) -> dict[str, Any]:
    picture = item_picture(item)
    return {
        "name": item_name(item, phones=phones),
        "picture": picture,
        "large": large(picture) if picture else "",
        "quantity": quantity_text(item),
        "is_several": item.is_unknown("quantity") or item.quantity != Decimal(1),
        "details": item_details(item, phones=phones, prices=prices),
        "price": price_text(item, order) if prices else "",
        "listed": struck_list_price(item) if prices else "",
        "total": total_text(item, order) if prices else "",
    }
