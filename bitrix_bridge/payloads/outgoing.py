"""Build the requests that create or change an order, in the format of the PHP bridge."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from cvety_crm.outbox import PermanentDeliveryError
from orders.models import Order, OrderItem
from orders.rules.discounts import are_known, goods_of, kept_list_price, list_price
from orders.sync.fields import ITEMS
from orders.sync.snapshot import CRM_XML_ID_PREFIX
from orders.values.phones import numbers_of

COLUMNS: Mapping[str, str] = {
    "comment": "USER_DESCRIPTION",
    "courier_comment": "COMMENTS",
    "total_amount": "PRICE",
    "delivery_fee": "PRICE_DELIVERY",
    "is_cancelled": "CANCELED",
}
"""Field of the CRM -> column of `b_sale_order`."""
PROPERTIES: Mapping[str, str] = {
    "recipient_name": "nameRecipient",
    "recipient_phone": "phoneRecipient",
    "delivery_address": "addressRecipient",
    "delivery_date": "data",
    "delivery_slot": "when",
    "city": "city",
    "shop": "shopId",
    "postcard_text": "postcardText",
    "is_pickup": "pickup",
    "is_anonymous": "isAnonymous",
    "is_surprise": "isSurprise",
}
"""Field of the CRM -> code of the order property."""
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "is_pickup": ("pickup", "iWillGet"),
    "is_anonymous": ("isAnonymous", "anonymous"),
    "is_surprise": ("isSurprise", "surprise", "doNotCall"),
}
"""Flag of the CRM -> all codes that the order property may have on the site. A flag is sent under each code that the
site has sent, because an unchanged property would contradict the new value."""


_REFUSED_AS: Mapping[str, str] = {
    **{f"fields.{column}": name for name, column in COLUMNS.items()},
    "fields.STATUS_ID": "status",
    "fields.PAYED": "payment_status",
    "fields.PAY_SYSTEM_ID": "payment_method",
    **{f"properties.{code}": name for name, code in PROPERTIES.items()},
    **{f"properties.{code}": name for name, codes in SPELLINGS.items() for code in codes},
    ITEMS: ITEMS,
}


def field_of(what: str) -> str | None:
    """Return the field of the CRM for the bridge's name of a part of a request (`fields.PRICE`), or None if unknown."""
    return _REFUSED_AS.get(what)


def wire_value(value: Any) -> str:
    """Return a comparable value (`orders.sync.fields`) as the string for Bitrix: Y or N for a flag, '' for None."""
    if isinstance(value, bool):
        return "Y" if value else "N"
    return "" if value is None else str(value)


def _properties(order: Order, values: Mapping[str, Any]) -> dict[str, str]:
    sent_by_site = order.metadata.get("properties", {})
    properties: dict[str, str] = {}
    for name, value in values.items():
        if name in PROPERTIES:
            codes = [code for code in SPELLINGS.get(name, ()) if code in sent_by_site] or [PROPERTIES[name]]
            properties |= dict.fromkeys(codes, wire_value(value))
    if properties.get("phoneRecipient"):
        # The site has all phones of the recipient in one property.
        others = numbers_of("", order.recipient_other_phones)
        phones = [properties["phoneRecipient"], *(number for number in others if number != order.recipient_phone)]
        properties["phoneRecipient"] = ", ".join(phones)
    return properties


def create_request(
    order: Order, values: Mapping[str, Any], items: Iterable[OrderItem], *, pay_systems: Mapping[int, str]
) -> dict[str, Any]:
    """Return the request body that creates the order, in the format of the site's earlier endpoint with more keys.

    `values` are the order's fields in their comparable form, `pay_systems` the payment methods of the pay systems that
    the site offers. Amounts of money are sent as numbers, because the earlier
    endpoint needs numbers.
    """
    customer = order.customer
    properties = _properties(order, values) | {
        # The site finds an account by the phone, so these are the contacts of the order, as they were given.
        "name": order.contact_name or (customer.name if customer else ""),
        "phone": order.contact_phone or (customer.phone if customer else ""),
        "email": order.contact_email or (customer.email or "" if customer else ""),
    }
    return {
        "xml_id": f"{CRM_XML_ID_PREFIX}{order.pk}",
        "user_id": order.bitrix_user_id or settings.BITRIX_DEFAULT_USER_ID or None,
        "recipient_name": values["recipient_name"],
        "recipient_phone": values["recipient_phone"],
        "delivery_address": values["delivery_address"],
        "delivery_date": values["delivery_date"] or "",
        "postcard_text": values["postcard_text"],
        "comment": values["comment"],
        "courier_comment": values["courier_comment"],
        "total_amount": float(values["total_amount"]),
        "delivery_fee": float(values["delivery_fee"]),
        "delivery_id": settings.BITRIX_PICKUP_DELIVERY_ID if values["is_pickup"] else settings.BITRIX_DELIVERY_ID,
        "payment_method_id": pay_system(order, pay_systems) or next(iter(pay_systems), 1),
        "items": [item_request(item) for item in items],
        "properties": properties,
    }


def pay_system(order: Order, pay_systems: Mapping[int, str]) -> int | None:
    """Return the site's pay system for the order's payment method, or None if no pay system has this method.

    If several pay systems match, prefer the pay system that the site last reported for this order, so that the payment
    on the site does not change.
    """
    systems = [system for system, method in pay_systems.items() if method == order.payment_method]
    return order.pay_system_id if order.pay_system_id in systems else next(iter(systems), None)


def item_request(item: OrderItem) -> dict[str, Any]:
    """Return one item. `base_price`, the price before any discount, is sent only if it is known."""
    quantity = int(item.quantity) if item.quantity == int(item.quantity) else float(item.quantity)
    line = {
        "bitrix_product_id": item.bitrix_product_id,
        "quantity": quantity,
        "price": float(item.price),
        "product_snapshot": {"name": item.name, "currency": item.product_snapshot.get("currency", "KZT")},
    }
    if kept_list_price(item.product_snapshot) is not None:
        line["base_price"] = float(list_price(item))
    return line | ({"bitrix_basket_id": item.bitrix_basket_id} if item.bitrix_basket_id else {})


def update_request(
    order: Order,
    values: Mapping[str, Any],
    items: Iterable[OrderItem],
    *,
    pay_systems: Mapping[int, str],
    expected_status_id: str = "",
) -> dict[str, Any]:
    """Return the changes of the fields in `values` for the bridge's action `order.update`.

    `values` are in their comparable form, `items` are the items of the order. `pay_systems`
    contains the payment methods of the pay systems that the site offers. `expected_status_id` is the site's code
    of the status that the order is expected to have on the site; it is sent only with a status. If items or the
    delivery fee are sent, the total is left out if it equals the sum of both. The site computes the sum itself, and a
    site that has different items would change their prices to reach the total.

    Raise `PermanentDeliveryError` if the payment method has no pay system on the site, or if the items are sent and a
    quantity or a price is unknown.
    """
    lines = list(items)
    if ITEMS in values and not are_known(lines):
        raise PermanentDeliveryError(
            gettext("A quantity or a price of the order is unknown: enter it, then the items can be sent.")
        )
    fields: dict[str, Any] = {COLUMNS[name]: wire_value(value) for name, value in values.items() if name in COLUMNS}
    has_parts = not values.keys().isdisjoint({ITEMS, "delivery_fee"})
    if "total_amount" in values and has_parts and _is_sum_of_parts(order, lines):
        del fields[COLUMNS["total_amount"]]
    if "payment_status" in values:
        fields["PAYED"] = wire_value(values["payment_status"] == "paid")
    if "payment_method" in values:
        fields["PAY_SYSTEM_ID"] = pay_system(order, pay_systems)
        if fields["PAY_SYSTEM_ID"] is None:
            raise PermanentDeliveryError(
                gettext("The site has no pay system for “%(method)s”: choose one on the page “Pay systems”.")
                % {"method": order.get_payment_method_display()}
            )
    request: dict[str, Any] = {}
    if "status" in values:
        fields["STATUS_ID"], request["expected_status_id"] = order.status.bitrix_code, expected_status_id
    request |= {"fields": fields, "properties": _properties(order, values)}
    if ITEMS in values:
        request["items"] = [item_request(item) for item in lines]
    return {key: value for key, value in request.items() if value}


def _is_sum_of_parts(order: Order, lines: Sequence[OrderItem]) -> bool:
    return are_known(lines) and order.total_amount == goods_of(lines) + order.delivery_fee
