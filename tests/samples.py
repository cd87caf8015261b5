"""The shop's order 122183 in the format of the site's webhooks, and functions that change its data."""

import copy
from typing import Any

ORDER_ID = 122183

ORDER_122183: dict[str, Any] = {
    "ID": "122183",
    "ACCOUNT_NUMBER": "122183",
    "STATUS_ID": "N",
    "PAYED": "N",
    "CANCELED": "N",
    "PRICE": "9000.0000",
    "PRICE_DELIVERY": "1500.0000",
    "DISCOUNT_VALUE": "0.0000",
    "SUM_PAID": "0.00",
    "CURRENCY": "KZT",
    "USER_ID": "1079",
    "PAY_SYSTEM_ID": "1",
    "DATE_INSERT": "2025-08-24 12:00:00",
    "DATE_UPDATE": "2025-08-24 12:00:01",
    "VERSION": "1",
    "USER_DESCRIPTION": "без лилий, аллергия",
    "COMMENTS": "позвонить за час",
    "properties": {
        "nameRecipient": "Мария",
        "phoneRecipient": "8 (701) 123-45-67",
        "addressRecipient": "ул. Абая 150, кв 25",
        "city": "2",
        "when": "18",
        "data": "2025-08-25",
        "shopId": "17008",
        "postcardText": "С днём рождения, мама! 🌹",
        "phone": "+7 777 123 45 67",
        "email": "aigerim@cvety.kz",
        "name": "Айгерим",
    },
    "basket": [
        {
            "ID": "501",
            "PRODUCT_ID": "696613",
            "NAME": "Букет Стандарт",
            "PRICE": "7500.0",
            "QUANTITY": "1.0000",
            "CURRENCY": "KZT",
        }
    ],
    "user": {"ID": "1079", "NAME": "Айгерим", "PERSONAL_PHONE": "+7 777 123 45 67", "EMAIL": "aigerim@cvety.kz"},
}


def order_data(**changes: Any) -> dict[str, Any]:
    """Return the data of the order with some fields changed.

    `properties` are merged with those of the order. None removes a property, and an ellipsis (`...`) removes a field.
    """
    data = copy.deepcopy(ORDER_122183)
    properties = changes.pop("properties", {})
    if isinstance(properties, dict):
        data["properties"] = {**data["properties"], **properties}
        data["properties"] = {key: value for key, value in data["properties"].items() if value is not None}
    else:
        data["properties"] = properties
    data.update(changes)
    return {key: value for key, value in data.items() if value is not ...}


def next_version(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the data that the site sends after the next change of the order.

    The version and the date are those of the change.
    """
    version = int(data["VERSION"]) + 1
    newer = order_data(**{**data, **changes}) if "properties" in changes else {**copy.deepcopy(data), **changes}
    return {**newer, "VERSION": str(version), "DATE_UPDATE": f"2025-08-24 12:{version // 60:02}:{version % 60:02}"}
