"""The creation of an order from a create request, by the site itself or by the bridge. Money is in KZT.

An order is a dictionary in the webhook's format. Its keys are the columns of `b_sale_order` in capitals, and
`properties`, `basket`, `payments` and `user`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from .basket import BasketUpdate, allocate_goods_total, requested_lines
from .columns import check_status, column_value
from .errors import invalid
from .order_draft import Draft
from .payments import add_payment, parts_sum
from .properties import properties_of
from .reference import DELIVERIES, EMPTY_DELIVERY, PAY_SYSTEMS
from .request_report import RequestReport
from .site_changes import set_property
from .values import Order, amount, is_bought, money, rounded, text_of

# Keys of the request that set a property; the same property in `properties` has precedence.
PROPERTY_OF_REQUEST_KEY = {
    "recipient_name": "nameRecipient",
    "recipient_phone": "phoneRecipient",
    "delivery_address": "addressRecipient",
    "delivery_date": "data",
    "postcard_text": "postcardText",
}


def requested_properties(request: Order) -> dict[str, Any]:
    """Return the order properties of a create request.

    Raise `SiteError` 422 if `properties` is not an object.
    """
    properties = properties_of(request.get("properties"))
    for key, code in PROPERTY_OF_REQUEST_KEY.items():
        if request.get(key) is not None:
            properties.setdefault(code, text_of(request[key]))
    return properties


def fill(draft: Draft, request: Order, report: RequestReport | None) -> dict[str, Any]:
    """Fill an empty draft from a create request, without ID and user, and return the requested properties.

    Unknown keys are ignored. If `report` is given, the rules of the bridge apply: the total is allocated to the prices.
    Otherwise the rules of the site itself and of raw SQL apply: the total may differ from the sum of the items and the
    delivery.

    Raise `SiteError` 422 with the step "basket", "order", "status" or "properties" if a value is refused.
    """
    properties = requested_properties(request)
    status_id = check_status(request.get("status_id") or "N")
    fee = rounded(amount(request.get("delivery_fee") or 0, "delivery_fee", "order"))
    discount = rounded(amount(request.get("discount_amount") or 0, "discount_amount", "order"))
    total = request.get("total_amount")
    total = None if total is None else rounded(amount(total, "total_amount", "order"))
    lines = [replace(line, basket_id=0) for line in requested_lines(request.get("items"))]
    if report is not None:
        asked = sum((rounded(line.price * line.quantity) for line in lines), Decimal(0))
        lines = allocate_goods_total(
            lines, max(asked - discount, Decimal(0)) if total is None else goods_total(total, fee)
        )
        discount = Decimal(0)
    draft.order |= _empty(draft.now, request, status_id, fee)
    basket = BasketUpdate(draft, fixed_prices=report is not None)
    basket.apply(lines)
    order = draft.order
    parts = parts_sum(order)
    if report is not None:
        report.warn_unavailable(basket.unavailable)
        total = parts
        set_discount_value(draft)
    elif total is None:
        total = max(parts - discount, Decimal(0))
    order["PRICE"] = money(total)
    if discount:
        order["DISCOUNT_VALUE"] = money(discount)
    _set_delivery(draft, column_value("DELIVERY_ID", request.get("delivery_id")), report)
    _add_payment(draft, column_value("PAY_SYSTEM_ID", request.get("payment_method_id")), total, report)
    for code, value in properties.items():
        if report is None:
            set_property(draft, code, value)
        else:
            report.try_property(draft, code, value)
    return properties


def goods_total(total: Decimal, fee: Decimal) -> Decimal:
    """Return the sum that the items of an order with this total have, without the delivery fee.

    Raise `SiteError` 422 if the total is less than the fee.
    """
    if total < fee:
        raise invalid("bad_total", "Сумма заказа меньше стоимости доставки", "order")
    return total - fee


def set_discount_value(draft: Draft) -> None:
    """Set DISCOUNT_VALUE to the sum of the items' discounts.

    Bitrix itself counts no discount for a price that was set by hand.
    """
    discount = Decimal(0)
    for line in filter(is_bought, draft.order["basket"]):
        less = Decimal(line["BASE_PRICE"]) - Decimal(line["PRICE"])
        discount += max(less, Decimal(0)) * Decimal(line["QUANTITY"])
    draft.order["DISCOUNT_VALUE"] = money(rounded(discount))


def _set_delivery(draft: Draft, service: str | None, report: RequestReport | None) -> None:
    """Set the delivery service. If it is empty or unknown, set Bitrix's service for orders without delivery."""
    if service and int(service) not in DELIVERIES:
        if report is not None:
            report.warn("no_delivery", f"На сайте нет службы доставки {service}")
        service = None
    draft.order["DELIVERY_ID"] = service or str(EMPTY_DELIVERY)


def _add_payment(draft: Draft, system: str | None, total: Decimal, report: RequestReport | None) -> None:
    if system and int(system) in PAY_SYSTEMS:
        add_payment(draft, int(system), total)
    elif system and report is not None:
        message = f"На сайте нет платёжной системы {system}: заказ создан без оплаты"
        report.warn("no_pay_system", message)


def _empty(now: str, request: Order, status_id: str, fee: Decimal) -> Order:
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
        "REASON_MARKED": "",
        "DEDUCTED": "N",
        "ALLOW_DELIVERY": "N",
        "PRICE": "0.0000",
        "PRICE_DELIVERY": money(fee),
        "DISCOUNT_VALUE": "0.0000",
        "TAX_VALUE": "0.00",
        "CURRENCY": "KZT",
        "USER_ID": "",
        "PAY_SYSTEM_ID": None,
        "DELIVERY_ID": None,
        "RESPONSIBLE_ID": None,
        "COMPANY_ID": None,
        "USER_DESCRIPTION": column_value("USER_DESCRIPTION", request.get("comment")),
        "COMMENTS": column_value("COMMENTS", request.get("courier_comment")),
        "ADDITIONAL_INFO": "",
        "TRACKING_NUMBER": "",
        "ORDER_TOPIC": "",
        "DATE_INSERT": now,
        "DATE_UPDATE": now,
        "properties": {},
        "basket": [],
        "payments": [],
        "user": {},
    }
