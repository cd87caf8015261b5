"""What a stored order looks like and how a request becomes one: pure functions, no state.

An order is a plain dict in the webhook's shape: columns of `b_sale_order` in capitals, numbers as the strings
that PHP gets from MySQL ("7500.0000"), `properties`, `basket` and `user` beside them. Money is KZT.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .basket import basket_of, basket_sum
from .errors import SiteError, invalid
from .reference import ORDER_STATUSES, PAY_SYSTEMS
from .values import Order, amount, identity, money, text_of

# A request's own names for properties; what stands in `properties` wins over them.
PROPERTY_OF_REQUEST_KEY = {
    "recipient_name": "nameRecipient",
    "recipient_phone": "phoneRecipient",
    "delivery_address": "addressRecipient",
    "delivery_date": "data",
    "postcard_text": "postcardText",
}

# varchar lengths of b_sale_order; MySQL in strict mode refuses what is longer.
TEXT_COLUMNS = {"USER_DESCRIPTION": 2000, "COMMENTS": 65535, "REASON_CANCELED": 255, "ADDITIONAL_INFO": 255}
NAME_COLUMNS = {"XML_ID": 255, "TRACKING_NUMBER": 255, "ORDER_TOPIC": 255}
MONEY_COLUMNS = ("PRICE", "PRICE_DELIVERY", "DISCOUNT_VALUE")
FLAG_COLUMNS = ("PAYED", "CANCELED", "MARKED", "EXTERNAL_ORDER")
ID_COLUMNS = ("RESPONSIBLE_ID", "PAY_SYSTEM_ID", "DELIVERY_ID", "COMPANY_ID", "EMP_STATUS_ID")


def properties_of(value: object) -> dict[str, Any]:
    """The properties of a request: an object, or PHP's empty array. Raises SiteError 422."""
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise invalid("bad_properties", "properties must be an object", "properties")
    return {
        str(code): [text_of(one) for one in given] if isinstance(given, list) else text_of(given)
        for code, given in value.items()
    }


def check_status(status_id: object) -> str:
    """The code of an order status (TYPE 'O') of the site. Raises SiteError 422 for any other."""
    if not isinstance(status_id, str) or status_id not in ORDER_STATUSES:
        raise invalid("status_unknown", f"The site has no order status {status_id!r}", "status")
    return status_id


def column_value(column: str, value: object) -> Any:
    """One settable column's value in its stored form. Raises SiteError 422 for other columns and bad values.

    The refusals are those of D7: `setField` knows its columns, USER_ID and CURRENCY never change, VERSION and the
    dates are the site's own.
    """
    if column == "STATUS_ID":
        return check_status(value)
    if column in MONEY_COLUMNS:
        return money(amount(value, column, "order"))
    if column in FLAG_COLUMNS:
        flag = text_of(value)
        if flag not in ("Y", "N"):
            raise invalid("bad_flag", f"{column} must be Y or N", "order")
        return flag
    if column in ID_COLUMNS:
        return None if value in (None, "", 0, "0") else str(identity(value, column, "order"))
    longest = TEXT_COLUMNS.get(column) or NAME_COLUMNS.get(column)
    if longest is None:
        raise invalid("bad_field", f"{column} cannot be set", "order")
    text = text_of(value)
    if len(text) > longest:
        raise invalid("too_long", f"{column} is longer than {longest} characters", "order")
    return text


def order_from_request(request: Order, now: str, new_basket_id: Callable[[], int]) -> Order:
    """A new order, still without ID and user, from the create request of the bridge; unknown keys are ignored.

    Raises SiteError 422 with step "basket", "order", "status" or "properties".
    """
    properties = properties_of(request.get("properties"))
    for key, code in PROPERTY_OF_REQUEST_KEY.items():
        if request.get(key) is not None:
            properties.setdefault(code, text_of(request[key]))
    status_id = check_status(request.get("status_id") or "N")
    fee = amount(request.get("delivery_fee") or 0, "delivery_fee", "order")
    discount = amount(request.get("discount_amount") or 0, "discount_amount", "order")
    total = request.get("total_amount")
    total = None if total is None else amount(total, "total_amount", "order")
    basket = basket_of(request.get("items"), new_basket_id)
    if total is None:
        total = max(basket_sum(basket) + fee - discount, Decimal(0))
    return {
        "ID": "",
        "LID": "s1",
        "PERSON_TYPE_ID": "1",
        "ACCOUNT_NUMBER": "",
        "XML_ID": column_value("XML_ID", request.get("xml_id")),
        "EXTERNAL_ORDER": "N",
        "VERSION": "0",
        "STATUS_ID": status_id,
        "DATE_STATUS": now,
        "EMP_STATUS_ID": None,
        "PAYED": "N",
        "DATE_PAYED": None,
        "SUM_PAID": "0.00",
        "CANCELED": "N",
        "DATE_CANCELED": None,
        "REASON_CANCELED": "",
        "MARKED": "N",
        "DEDUCTED": "N",
        "ALLOW_DELIVERY": "N",
        "PRICE": money(total),
        "PRICE_DELIVERY": money(fee),
        "DISCOUNT_VALUE": money(discount),
        "TAX_VALUE": "0.00",
        "CURRENCY": "KZT",
        "USER_ID": "",
        "PAY_SYSTEM_ID": column_value("PAY_SYSTEM_ID", request.get("payment_method_id")),
        "DELIVERY_ID": column_value("DELIVERY_ID", request.get("delivery_id")),
        "RESPONSIBLE_ID": None,
        "COMPANY_ID": None,
        "USER_DESCRIPTION": column_value("USER_DESCRIPTION", request.get("comment")),
        "COMMENTS": column_value("COMMENTS", request.get("courier_comment")),
        "ADDITIONAL_INFO": "",
        "TRACKING_NUMBER": "",
        "ORDER_TOPIC": "",
        "DATE_INSERT": now,
        "DATE_UPDATE": now,
        "properties": properties,
        "basket": basket,
        "user": {},
    }


def apply_changes(order: Order, fields: Order, properties: Order, basket: list[Order] | None, now: str) -> None:
    """Change an order in place, side effects included: the dates of status, payment and cancelling, the total, and
    whether it is paid.

    `fields` hold stored values (`column_value`). Raises SiteError 422 for what Bitrix refuses: to cancel a paid order,
    to take a payment for a cancelled one, another pay system for what is paid.
    """
    # Bitrix keeps the total in step with the parts; moving it by the difference keeps any discount inside it.
    parts_before = basket_sum(order["basket"]) + Decimal(order["PRICE_DELIVERY"])
    before = {column: order.get(column) for column in ("STATUS_ID", "PAYED", "CANCELED", "PRICE")}
    _check_payment(order, fields)
    order.update(fields)
    if basket is not None:
        order["basket"] = basket
    order["properties"] = {**order["properties"], **properties}
    if "PRICE" not in fields:
        moved = basket_sum(order["basket"]) + Decimal(order["PRICE_DELIVERY"]) - parts_before
        order["PRICE"] = money(max(Decimal(order["PRICE"]) + moved, Decimal(0)))
    if order["STATUS_ID"] != before["STATUS_ID"]:
        order["DATE_STATUS"] = now
    if "PAYED" in fields:
        order["SUM_PAID"] = f"{Decimal(order['PRICE']) if fields['PAYED'] == 'Y' else Decimal(0):.2f}"
    elif order["PRICE"] != before["PRICE"]:
        # PAYED is computed from what was paid: a higher total makes the order unpaid.
        is_paid = Decimal(order["SUM_PAID"]) > 0 and Decimal(order["PRICE"]) <= Decimal(order["SUM_PAID"])
        order["PAYED"] = "Y" if is_paid else "N"
    if order["PAYED"] != before["PAYED"]:
        order["DATE_PAYED"] = now
    if order["CANCELED"] != before["CANCELED"]:
        if order["CANCELED"] == "Y" and order["PAYED"] == "Y":
            raise SiteError(422, "cancel_refused", "У заказа есть активные оплаты", "cancel")
        order["DATE_CANCELED"] = now
        if order["CANCELED"] == "N":
            order["REASON_CANCELED"] = ""


def _check_payment(order: Order, fields: Order) -> None:
    """Refuse what Bitrix and the bridge refuse. Raises SiteError 422, step "payment"."""
    is_cancelled = fields.get("CANCELED", order["CANCELED"]) == "Y" and order["CANCELED"] == "Y"
    if is_cancelled and fields.get("PAYED", order["PAYED"]) != order["PAYED"]:
        raise invalid("refused", "Заказ отменён", "payment")
    system = fields.get("PAY_SYSTEM_ID") or order["PAY_SYSTEM_ID"]
    if system == order["PAY_SYSTEM_ID"]:
        return
    if int(system) not in PAY_SYSTEMS:
        raise invalid("pay_system_unknown", f"The site has no pay system {system}", "payment")
    if order["PAYED"] == "Y" and fields.get("PAYED") != "N":
        raise invalid("payment_paid", "What is paid keeps its pay system", "payment")
