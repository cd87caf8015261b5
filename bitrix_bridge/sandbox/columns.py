"""The valid values of the columns of `b_sale_order`, and what Bitrix changes when a column is set.

Numbers are the strings that PHP receives from MySQL ("7500.0000"). Money is in KZT.
"""

from __future__ import annotations

from typing import Any

from .errors import invalid
from .order_draft import Draft
from .payments import has_paid
from .reference import DELIVERIES, ORDER_STATUSES
from .values import Order, amount, identity, money, rounded, text_of

# The lengths of string columns of b_sale_order. MySQL in strict mode refuses longer strings.
TEXT_COLUMNS = {"USER_DESCRIPTION": 2000, "COMMENTS": 65535, "REASON_CANCELED": 255, "ADDITIONAL_INFO": 255}
NAME_COLUMNS = {"XML_ID": 255, "TRACKING_NUMBER": 255, "ORDER_TOPIC": 255}
MONEY_COLUMNS = ("PRICE", "PRICE_DELIVERY", "DISCOUNT_VALUE")
FLAG_COLUMNS = ("PAYED", "CANCELED", "MARKED", "EXTERNAL_ORDER")
ID_COLUMNS = ("RESPONSIBLE_ID", "PAY_SYSTEM_ID", "DELIVERY_ID", "COMPANY_ID", "EMP_STATUS_ID")

# Columns that belong to the items, the shipment or a payment, or that are computed.
PART_COLUMNS = (
    *("PRICE", "PRICE_DELIVERY", "DISCOUNT_VALUE", "DELIVERY_ID", "TRACKING_NUMBER", "PAYED", "PAY_SYSTEM_ID"),
    *("STATUS_ID", "CANCELED", "REASON_CANCELED"),
)


def check_status(status_id: object) -> str:
    """Return `status_id` if it is the code of an order status (TYPE 'O') of the site.

    Raise `SiteError` 422 if it is not.
    """
    if not isinstance(status_id, str) or status_id not in ORDER_STATUSES:
        raise invalid("status_unknown", f"The site has no order status {status_id!r}", "status")
    return status_id


def column_value(column: str, value: object) -> Any:
    """Return the value of a column in the format in which it is stored.

    Raise `SiteError` 422 if the column cannot be set or the value is invalid. The rules are those of D7: `setField`
    accepts only columns that it knows, USER_ID and CURRENCY never change, and only the site sets VERSION and the dates.
    """
    if column == "STATUS_ID":
        return check_status(value)
    if column in MONEY_COLUMNS:
        return money(rounded(amount(value, column, "order")))
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


def set_column(draft: Draft, column: str, value: Any) -> None:
    """Set the status, MARKED, or a column that does not affect other columns."""
    order = draft.order
    if order.get(column) == value:
        return
    order[column] = value
    if column == "STATUS_ID":
        order["DATE_STATUS"] = draft.now
    if column == "MARKED" and value == "N":
        order["REASON_MARKED"] = ""


def set_delivery(draft: Draft, fields: Order) -> None:
    """Change the service, the tracking number and the price of the shipment.

    Raise `SiteError` 422 if the service is unknown, or if the price would change in a cancelled order.
    """
    order = draft.order
    service = fields.get("DELIVERY_ID")
    if service and service != order["DELIVERY_ID"]:
        if int(service) not in DELIVERIES:
            raise invalid("delivery_unknown", f"На сайте нет службы доставки {service}", "shipment")
        order["DELIVERY_ID"] = service
    order["TRACKING_NUMBER"] = fields.get("TRACKING_NUMBER", order["TRACKING_NUMBER"])
    price = fields.get("PRICE_DELIVERY", order["PRICE_DELIVERY"])
    if price != order["PRICE_DELIVERY"]:
        if order["CANCELED"] == "Y":
            message = "Невозможно изменить стоимость доставки отмененного заказа"
            raise invalid("refused", message, "shipment")
        order["PRICE_DELIVERY"] = price


def cancel(draft: Draft, flag: str, reason: str | None) -> None:
    """Cancel an order, or undo the cancellation.

    Raise `SiteError` 422 if the order is to be cancelled, but has a paid payment or is shipped.
    """
    order = draft.order
    if order["CANCELED"] == flag:
        return
    if flag == "Y" and has_paid(order):
        raise invalid("cancel_refused", "Сайт не отменяет этот заказ. Ответ сайта: " + PAID, "cancel")
    if flag == "Y" and order["DEDUCTED"] == "Y":
        raise invalid("cancel_refused", "Сайт не отменяет этот заказ. Ответ сайта: " + SHIPPED, "cancel")
    order.update(CANCELED=flag, DATE_CANCELED=draft.now)
    if flag == "N" or reason is not None:
        order["REASON_CANCELED"] = reason or ""


PAID = "У заказа есть активные оплаты"
SHIPPED = "У заказа есть отгруженные товары"
