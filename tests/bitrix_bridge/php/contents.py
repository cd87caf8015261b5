"""The initial contents of a test shop: the same users, products and lists as in the sandbox."""

from __future__ import annotations

from typing import Any

import phpserialize

from bitrix_bridge.sandbox import reference

Row = dict[str, Any]

PROPERTIES = [
    "name",
    "phone",
    "email",
    "nameRecipient",
    "phoneRecipient",
    "addressRecipient",
    "data",
    "when",
    "city",
    "shopId",
    "postcardText",
    "pickup",
    "iWillGet",
    "isAnonymous",
    "isSurprise",
    *("apartment", "floor", "intercom", "company", "notes"),
]
LISTS = {"city": "cities", "shopId": "shops", "when": "slots"}
NO_DELIVERY = 3
SERVICES = [(1, "Курьер", 1500), (2, "Самовывоз", 0)]


def rows() -> dict[str, list[Row]]:
    """Return the rows of the initial contents by table."""
    statuses = [
        {"ID": code, "TYPE": kind, "SORT": 10 * place, "NAME": name}
        for kind, of_kind in (("O", reference.ORDER_STATUSES), ("D", reference.SHIPMENT_STATUSES))
        for place, (code, name) in enumerate(of_kind.items(), start=1)
    ]
    lists = reference.reference_lists()
    return {
        "b_user": [
            _user(1, "admin", "Администратор", "admin@cvety.example", ""),
            _user(1079, "aigerim", "Айгерим", "aigerim@cvety.example", "8 (777) 123-45-67"),
        ],
        "b_sale_person_type": [{"ID": 1, "LID": "s1", "NAME": "Физическое лицо", "SORT": 100, "ACTIVE": "Y"}],
        "b_sale_status": [{key: row[key] for key in ("ID", "TYPE", "SORT")} for row in statuses],
        "b_sale_status_lang": [
            {"STATUS_ID": row["ID"], "LID": language, "NAME": row["NAME"] if language == "ru" else row["ID"]}
            for row in statuses
            for language in ("ru", "en")
        ],
        "b_sale_pay_system_action": [
            {"ID": key, "NAME": name, "PSA_NAME": name, "ACTION_FILE": "cash", "ACTIVE": "Y", "SORT": 100}
            for key, name in reference.PAY_SYSTEMS.items()
        ],
        "b_sale_delivery_srv": [
            *(_service(key, name, price, "Configurable") for key, name, price in SERVICES),
            _service(NO_DELIVERY, "Без доставки", 0, "EmptyDeliveryService"),
        ],
        "b_sale_order_props": [
            *(_property(number, code) for number, code in enumerate(PROPERTIES, start=1)),
            _property(50, "extras", MULTIPLE="Y"),
        ],
        "b_sale_order_props_variant": [
            {
                "ORDER_PROPS_ID": PROPERTIES.index(code) + 1,
                "NAME": row["name"],
                "VALUE": str(row["id"]),
                "SORT": place,
            }
            for code, kind in LISTS.items()
            for place, row in enumerate(lists[kind])
        ],
        "b_iblock_element": [
            {
                "ID": product.id,
                "IBLOCK_ID": 27,
                "NAME": product.name,
                "CODE": product.xml_id,
                "ACTIVE": "Y",
                "TIMESTAMP_X": "2025-08-24 12:00:00",
                "DETAIL_PICTURE": 77,
            }
            for product in reference.PRODUCTS
        ],
        "b_catalog_product": [
            {"ID": product.id, "QUANTITY": 100, "QUANTITY_TRACE": "Y", "TIMESTAMP_X": "2025-08-24 12:00:00"}
            for product in reference.PRODUCTS
        ],
        "b_catalog_price": [
            {
                "PRODUCT_ID": product.id,
                "CATALOG_GROUP_ID": 1,
                "PRICE": product.price,
                "CURRENCY": "KZT",
                "TIMESTAMP_X": "2025-08-24 12:00:00",
            }
            for product in reference.PRODUCTS
        ],
    }


def _user(key: int, login: str, name: str, email: str, phone: str) -> Row:
    return {
        "ID": key,
        "LOGIN": login,
        "PASSWORD": "a made-up hash",
        "CHECKWORD": "a made-up word",
        "NAME": name,
        "LAST_NAME": "",
        "SECOND_NAME": "",
        "EMAIL": email,
        "PERSONAL_PHONE": phone,
        "PERSONAL_MOBILE": "",
        "DATE_REGISTER": "2024-01-01 12:00:00",
    }


def _service(key: int, name: str, price: int, kind: str) -> Row:
    config = phpserialize.dumps({"MAIN": {"PRICE": str(price), "CURRENCY": "KZT"}}).decode()
    return {
        "ID": key,
        "NAME": name,
        "ACTIVE": "Y",
        "SORT": 100,
        "CONFIG": config,
        "CLASS_NAME": f"\\Bitrix\\Sale\\Delivery\\Services\\{kind}",
        "CURRENCY": "KZT",
    }


def _property(number: int, code: str, **more: str) -> Row:
    return {
        "ID": number,
        "PERSON_TYPE_ID": 1,
        "NAME": code,
        "CODE": code,
        "TYPE": "ENUM" if code in LISTS else "STRING",
        "IS_EMAIL": "Y" if code == "email" else "N",
        "SORT": 100,
        "PROPS_GROUP_ID": 1,
        "ENTITY_TYPE": "ORDER",
        **more,
    }
