"""The sandbox's reference data: statuses, cities, shops, delivery slots, pay systems and products.

The names are in Russian, as on the site.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Product:
    """A product of the catalogue. `price` is in KZT."""

    id: int
    name: str
    price: int
    xml_id: str


# Rows of b_sale_status with TYPE='O': names by code, sorted as on the site.
ORDER_STATUSES: dict[str, str] = {
    "N": "Новый",
    "AP": "Принят",
    "PD": "Доставляется",
    "CO": "Выполнен",
    "CF": "Выполнен",
    "RD": "Возврат",
    "DE": "Отклонён",
    "F": "Завершён",
    "P": "В обработке",
    "RF": "Деньги возвращены",
    "CN": "Отменён",
}

# Rows of b_sale_status with TYPE='D'. Shipments have statuses in the same table, and an order must not have such a
# status.
SHIPMENT_STATUSES: dict[str, str] = {"DN": "Ожидает обработки", "DF": "Отгружен"}

CITIES: dict[int, str] = {
    1: "Астана",
    2: "Алматы",
    3: "Шымкент",
    4: "Караганда",
    5: "Талдыкорган",
    6: "Каскелен",
}

SHOPS: dict[int, str] = {
    17008: "CVETYKZ",
    17009: "CVETYKZ Достык",
    17010: "CVETYKZ Мамыр",
    17014: "Гүлдер әлемі",
}

# The customer's account (ACTION_FILE 'inner') is left out. Bitrix adds it with the first payment, but no one pays with
# it.
PAY_SYSTEMS: dict[int, str] = {
    1: "Наличные",
    2: "Банковская карта",
    3: "Kaspi",
    4: "Банковский перевод",
}

DELIVERIES: dict[int, str] = {1: "Курьер", 2: "Самовывоз", 3: "Без доставки"}

# The service that Bitrix sets for an order without a delivery (EmptyDeliveryService).
EMPTY_DELIVERY = 3

# Statuses for which the customer receives a mail (b_sale_status.NOTIFY).
STATUSES_WITH_MAIL = ("N",)

PRODUCTS: tuple[Product, ...] = (
    Product(696613, "Букет Стандарт", 7500, "bouquet-standard"),
    Product(696614, "Букет «Нежность» из 15 роз", 14900, "bouquet-tenderness-15"),
    Product(696620, "51 красная роза", 45900, "roses-red-51"),
    Product(696631, "Тюльпаны, 25 шт.", 17500, "tulips-25"),
    Product(696640, "Пионы в шляпной коробке", 32000, "peonies-hatbox"),
    Product(696652, "Хризантема кустовая, 7 шт.", 9800, "chrysanthemum-7"),
    Product(696660, "Букет невесты «Айгерім»", 28500, "bride-aigerim"),
    Product(696671, "Орхидея в горшке", 12990, "orchid-pot"),
    Product(697001, "Воздушные шары, 5 шт.", 4950, "balloons-5"),
    Product(697002, "Открытка авторская", 990, "postcard"),
    Product(697010, "Набор шоколада", 5600, "chocolate-box"),
    Product(697015, "Плюшевый мишка 40 см", 8900, "teddy-40"),
)

PRODUCTS_BY_ID: dict[int, Product] = {product.id: product for product in PRODUCTS}


def slot_hours(slot_id: int) -> tuple[str, str]:
    """Return the start and the end of a delivery slot, such as ("15:00", "16:00") for slot 18.

    A slot lasts one hour. The ids of slots are 1 to 24.
    """
    start = (slot_id - 3) % 24
    return f"{start:02d}:00", f"{(start + 1) % 24:02d}:00"


SLOT_IDS: tuple[int, ...] = tuple(range(1, 25))


def reference_lists() -> dict[str, list[dict[str, Any]]]:
    """Return the reference data in the format of the bridge's answer to `reference`."""
    slots = []
    for slot_id in SLOT_IDS:
        start, end = slot_hours(slot_id)
        slots.append({"id": str(slot_id), "name": f"{start}-{end}", "starts_at": start, "ends_at": end})
    return {
        "statuses": [
            {"id": code, "name": name, "sort": 10 * position}
            for position, (code, name) in enumerate(ORDER_STATUSES.items(), start=1)
        ],
        "cities": [{"id": key, "name": name} for key, name in CITIES.items()],
        "shops": [{"id": key, "name": name} for key, name in SHOPS.items()],
        "slots": slots,
        "pay_systems": [{"id": key, "name": name, "active": True} for key, name in PAY_SYSTEMS.items()],
    }
