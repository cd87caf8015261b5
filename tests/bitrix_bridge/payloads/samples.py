"""Sample payloads of orders for tests."""

from copy import deepcopy
from typing import Any

_ORDER: dict[str, Any] = {
    "ID": "122183",
    "STATUS_ID": "N",
    "PAYED": "N",
    "properties": {
        "phone": "+77011234567",
        "nameRecipient": "Айгуль",
        "city": "2",
        "when": "18",
        "data": "2025-08-25",
        "shopId": "17008",
        "postcardText": "🌹 С днём рождения, әже!",
    },
    "basket": [
        {
            "PRODUCT_ID": "696613",
            "NAME": "Букет Стандарт",
            "PRICE": "7500.0",
            "QUANTITY": "1.0000",
            "CURRENCY": "KZT",
        }
    ],
}

_FULL: dict[str, Any] = {
    "ID": "122183",
    "ACCOUNT_NUMBER": "122183/1",
    "LID": "s1",
    "STATUS_ID": "AP",
    "PAYED": "Y",
    "DATE_PAYED": "2025-08-24 10:00:00",
    "CANCELED": "N",
    "DATE_CANCELED": "",
    "REASON_CANCELED": None,
    "PRICE": "9000.0000",
    "PRICE_DELIVERY": "1500.0000",
    "DISCOUNT_VALUE": "500.0000",
    "SUM_PAID": "9000.00",
    "CURRENCY": "KZT",
    "USER_ID": "1079",
    "PAY_SYSTEM_ID": "3",
    "DELIVERY_ID": "1",
    "USER_DESCRIPTION": "Позвонить за час",
    "COMMENTS": "Домофон не работает",
    "DATE_INSERT": "24.08.2025 09:58:11",
    "DATE_UPDATE": "2025-08-24T10:00:02+05:00",
    "DATE_STATUS": "2025-08-24 10:00:01",
    "VERSION": "7",
    "XML_ID": "bx_68aa",
    "RESPONSIBLE_ID": "12",
    "properties": {
        "nameRecipient": "Айгуль",
        "phoneRecipient": "8 (702) 765-43-21",
        "addressRecipient": "Абая 10, кв. 5",
        "data": "25.08.2025",
        "when": "15:00-16:00",
        "city": "2",
        "shopId": "17008",
        "postcardText": "🌹 Құттықтаймыз!",
        "iWillGet": "N",
        "isAnonymous": "Y",
        "doNotCall": "N",
        "howFound": "Instagram",
    },
    "basket": {
        "55": {
            "ID": "5501",
            "PRODUCT_ID": "696613",
            "NAME": "Букет &quot;Стандарт&quot;",
            "PRICE": "7500.0000",
            "BASE_PRICE": "8000.0000",
            "DISCOUNT_PRICE": "500.0000",
            "QUANTITY": "1.0000",
            "CURRENCY": "KZT",
            "PRODUCT_XML_ID": "st-1",
            "DETAIL_PAGE_URL": "/catalog/standart/",
            "WEIGHT": "0.00",
        },
    },
    "user": {
        "ID": "1079",
        "NAME": "Асель",
        "LAST_NAME": "Нурланова",
        "EMAIL": "Assel@Mail.kz",
        "PERSONAL_PHONE": "87011234567",
        "LOGIN": "assel",
    },
    "webhook_timestamp": 1756011603,
    "webhook_source": "site",
}


def order(**changes: Any) -> dict[str, Any]:
    """Return the smallest order that the site sends, with the given changes of its columns."""
    return {**deepcopy(_ORDER), **changes}


def full_order(**changes: Any) -> dict[str, Any]:
    """Return an order with a value in every column that the CRM reads, with the given changes of its columns."""
    return {**deepcopy(_FULL), **changes}
