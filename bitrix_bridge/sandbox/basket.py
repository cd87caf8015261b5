"""The lines of an order: how a request's items become `b_sale_basket` rows. Pure functions; money is KZT."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from .errors import invalid
from .reference import PRODUCTS_BY_ID
from .values import Order, amount, identity, money, text_of


def basket_of(items: object, new_basket_id: Callable[[], int], existing: list[Order] | None = None) -> list[Order]:
    """The basket lines of a request's `items`, ids as strings.

    An item continues the line of `existing` that its `bitrix_basket_id` names, or, without one, the first free line of
    the same product; such a line keeps its id and what the item does not say. A new order has no `existing`: every line
    gets a new id. Raises SiteError 422, step "basket".
    """
    if not isinstance(items, list) or not items:
        raise invalid("empty_basket", "An order needs at least one item", "basket")
    for position, item in enumerate(items):
        if not isinstance(item, dict):
            raise invalid("bad_item", f"items[{position}] must be an object", "basket")
    if existing is None:
        return [_basket_line(item, None, new_basket_id) for item in items]
    free = list(existing)
    continued = [_take_named(item, free) for item in items]
    for position, item in enumerate(items):
        continued[position] = continued[position] or _take_alike(item, free)
    return [_basket_line(item, line, new_basket_id) for item, line in zip(items, continued, strict=True)]


def _take_named(item: Order, free: list[Order]) -> Order | None:
    basket_id = identity(item.get("bitrix_basket_id") or 0, "bitrix_basket_id", "basket", zero=True)
    if not basket_id:
        return None
    for line in free:
        if int(line["ID"]) == basket_id:
            free.remove(line)
            return line
    raise invalid("basket_unknown", f"The order has no basket line {basket_id}, or it was named twice", "basket")


def _take_alike(item: Order, free: list[Order]) -> Order | None:
    for line in free:
        if not item.get("bitrix_basket_id") and line["PRODUCT_ID"] == str(item.get("bitrix_product_id")):
            free.remove(line)
            return line
    return None


def _basket_line(item: Order, line: Order | None, new_basket_id: Callable[[], int]) -> Order:
    quantity = amount(item.get("quantity"), "items.quantity", "basket")
    if not quantity:
        raise invalid("bad_amount", "items.quantity must be above zero", "basket")
    price = amount(item.get("price"), "items.price", "basket")
    same_price = line is not None and Decimal(line["PRICE"]) == price
    base = item.get("base_price", line["BASE_PRICE"] if line and same_price else price)
    base = max(amount(base, "items.base_price", "basket"), price)
    snapshot = item.get("product_snapshot")
    snapshot = snapshot if isinstance(snapshot, dict) else {}
    # Bitrix keeps PRODUCT_ID 0 for goods that the catalogue no longer has.
    given_id = item.get("bitrix_product_id") or (line["PRODUCT_ID"] if line else 0)
    product_id = identity(given_id, "bitrix_product_id", "basket", zero=True)
    product = PRODUCTS_BY_ID.get(product_id)
    default = line or {
        "NAME": product.name if product else f"Товар {product_id}",
        "PRODUCT_XML_ID": product.xml_id if product else "",
        "CURRENCY": "KZT",
    }
    return {
        "ID": line["ID"] if line else str(new_basket_id()),
        "PRODUCT_ID": str(product_id),
        "NAME": text_of(snapshot.get("name") or default["NAME"]),
        "PRICE": money(price),
        "BASE_PRICE": money(base),
        "DISCOUNT_PRICE": money(base - price),
        "QUANTITY": money(quantity),
        "CURRENCY": text_of(snapshot.get("currency") or default["CURRENCY"]),
        "PRODUCT_XML_ID": text_of(snapshot.get("xml_id") or default["PRODUCT_XML_ID"]),
    }


def basket_sum(basket: list[Order]) -> Decimal:
    """What the lines cost together, KZT."""
    return sum((Decimal(line["PRICE"]) * Decimal(line["QUANTITY"]) for line in basket), Decimal(0))
