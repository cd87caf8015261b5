"""A simulated flower shop in Almaty, with plausible orders and the changes that are later made to them on the site.

All people, phones and addresses are fictional. All choices come from a `random.Random`, so the same seed results in the
same day.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from datetime import date, datetime, timedelta
from typing import Any

from .errors import SiteError
from .reference import CITIES, PRODUCTS, SHOPS, SLOT_IDS
from .sample_texts import (
    COLORS,
    COMMENTS,
    COMPANIES,
    FIRST_NAMES,
    LAST_NAMES,
    NOTES,
    OPERATORS,
    POSTCARDS,
    SIZES,
    STREETS,
)
from .site import Site
from .values import ALMATY, Order, site_time

logger = logging.getLogger(__name__)

DELIVERY_FEE = 1500
LATEST_ORDERS = 40
# For this number of seconds after an order is placed, only the managers of the CRM change its status.
SECONDS_LEFT_TO_MANAGERS = 300.0
# The likely next statuses when staff of the site change an order.
NEXT_STATUSES = {"N": ("AP", "AP", "AP", "DE"), "AP": ("P", "PD"), "P": ("PD",), "PD": ("CO",), "CO": ("F",)}


def phone(source: random.Random, digits: str) -> str:
    """Return ten digits as a phone number in one of the formats that customers use."""
    area, first, second, third = digits[:3], digits[3:6], digits[6:8], digits[8:]
    spellings = (
        f"+7{digits}",
        f"8{digits}",
        f"7{digits}",
        f"+7 ({area}) {first}-{second}-{third}",
        f"8 {area} {first} {second} {third}",
        f"8-{area}-{first}-{second}-{third}",
        f"+7 {area} {first}{second}{third}",
    )
    return source.choice(spellings)


def person(source: random.Random) -> tuple[str, str]:
    """Return a name and the ten digits of a phone."""
    name = source.choice(FIRST_NAMES)
    if source.random() < 0.5:
        name = f"{name} {source.choice(LAST_NAMES)}"
    return name, source.choice(OPERATORS) + f"{source.randrange(10_000_000):07d}"


def _regulars() -> list[tuple[str, str]]:
    """Return the regular customers, who are the same for every seed."""
    source = random.Random("regular customers")
    return [person(source) for _ in range(12)]


REGULARS = tuple(_regulars())


def address(source: random.Random) -> str:
    """Return a fictional address."""
    text = f"{source.choice(STREETS)}, {source.randint(1, 280)}"
    if source.random() < 0.3:
        text += source.choice("АБВ")
    if source.random() < 0.8:
        text += f", кв. {source.randint(1, 180)}"
    return text


def _items(source: random.Random) -> list[dict[str, Any]]:
    bouquets, extras = PRODUCTS[:8], PRODUCTS[8:]
    chosen = [bouquets[0] if source.random() < 0.3 else source.choice(bouquets)]
    chosen += source.sample(extras, source.choice((0, 0, 0, 1, 1, 2, 3)))
    items = []
    for product in chosen:
        price = product.price * 9 // 10 if source.random() < 0.15 else product.price
        items.append(
            {
                "bitrix_product_id": product.id,
                "quantity": 2 if source.random() < 0.1 else 1,
                "price": float(price),
                "base_price": float(product.price),
                "product_snapshot": {"name": product.name, "currency": "KZT", "xml_id": product.xml_id},
            }
        )
    return items


def _item_properties(source: random.Random) -> list[dict[str, str]]:
    """Return the size and the colour that the customer has chosen for a bouquet."""
    size, color = source.choice(SIZES), source.choice(COLORS)
    return [
        {"NAME": "Размер", "CODE": "SIZE", "VALUE": size, "SORT": "100"},
        {"NAME": "Цвет", "CODE": "COLOR", "VALUE": color, "SORT": "200"},
    ]


def _place(source: random.Random) -> dict[str, str]:
    """Return the properties that help the courier. Customers leave most of them empty."""
    return {
        "apartment": str(source.randint(1, 180)) if source.random() < 0.5 else "",
        "floor": str(source.randint(1, 12)) if source.random() < 0.4 else "",
        "intercom": f"{source.randint(1, 99)}К" if source.random() < 0.3 else "",
        "company": source.choice(COMPANIES) if source.random() < 0.15 else "",
        "notes": source.choice(NOTES) if source.random() < 0.2 else "",
    }


def _delivery_date(source: random.Random, today: date) -> date:
    return today + timedelta(days=source.choice((0, 0, 0, 0, 1, 1, 1, 2, 3, 7)))


def order_request(source: random.Random, today: date | None = None) -> Order:
    """Return a plausible order in the format of the bridge's create request.

    `today` defaults to the present day in Almaty.
    """
    today = today or datetime.now(ALMATY).date()
    name, digits = source.choice(REGULARS) if source.random() < 0.4 else person(source)
    recipient, recipient_digits = (name, digits) if source.random() < 0.2 else person(source)
    items = _items(source)
    # The site has two properties for pickup. Old forms set one of them, and new forms set the other.
    pickup, will_get = source.choice((("Y", "N"), ("N", "Y"), ("Y", "Y"))) if source.random() < 0.12 else ("N", "N")
    delivered = (pickup, will_get) == ("N", "N")
    fee = DELIVERY_FEE if delivered else 0
    total = sum(item["price"] * item["quantity"] for item in items) + fee
    day_slots = [slot for slot in SLOT_IDS if 12 <= slot <= 24]
    city = 2 if source.random() < 0.85 else source.choice(list(CITIES))
    shop = 17008 if source.random() < 0.7 else source.choice(list(SHOPS))
    properties = {
        "name": name,
        "phone": phone(source, digits),
        "email": f"customer{digits[-4:]}@mail.example" if source.random() < 0.6 else "",
        "nameRecipient": recipient,
        "phoneRecipient": phone(source, recipient_digits),
        "addressRecipient": address(source) if delivered else "",
        "data": _delivery_date(source, today).isoformat(),
        "when": str(18 if source.random() < 0.15 else source.choice(day_slots)),
        "city": str(city),
        "shopId": str(shop),
        "postcardText": source.choice(POSTCARDS),
        "pickup": pickup,
        "iWillGet": will_get,
        "isAnonymous": "Y" if source.random() < 0.1 else "N",
        "isSurprise": "Y" if source.random() < 0.15 else "N",
        **(_place(source) if delivered else {}),
    }
    if source.random() < 0.7:
        items[0]["props"] = _item_properties(source)
    return {
        "comment": source.choice(COMMENTS),
        "total_amount": total,
        "delivery_fee": float(fee),
        "delivery_id": 1 if delivered else 2,
        "payment_method_id": source.choice((1, 2, 3, 3, 3, 4)),
        "items": items,
        "properties": properties,
    }


def place_order(site: Site, source: random.Random) -> Order:
    """Place an order of a customer. One order in four is paid at once, with a second save and a second event."""
    order = site.create_order(order_request(source)).order
    if source.random() < 0.25:
        return site.update_order(int(order["ID"]), {"PAYED": "Y"})
    return order


def change_random_order(site: Site, source: random.Random) -> Order | None:
    """Change a recent order at random and return it, or return None if no change is possible."""
    open_orders = [order for order in site.latest(LATEST_ORDERS) if order["CANCELED"] == "N"]
    if not open_orders:
        return None
    order = source.choice(open_orders)
    order_id, properties = int(order["ID"]), order["properties"]
    what = source.random()
    if what < 0.4 and order["PAYED"] == "N":
        return site.update_order(order_id, {"PAYED": "Y"})
    if what < 0.6 and properties.get("addressRecipient"):
        return site.update_order(order_id, properties={"addressRecipient": address(source)})
    if what < 0.7:
        return site.update_order(order_id, {"USER_DESCRIPTION": source.choice([text for text in COMMENTS if text])})
    if order["DATE_INSERT"] > site_time(time.time() - SECONDS_LEFT_TO_MANAGERS):
        return None
    if what < 0.73 and order["PAYED"] == "N":
        return site.update_order(order_id, {"CANCELED": "Y", "REASON_CANCELED": "Клиент передумал"})
    followers = NEXT_STATUSES.get(order["STATUS_ID"])
    if not followers:
        return None
    # The status is set only if it has not changed since it was read.
    return site.change_status(order_id, source.choice(followers), expected=order["STATUS_ID"])


def simulate_shop(
    site: Site,
    every_seconds: float,
    stop_event: threading.Event,
    *,
    source: random.Random | None = None,
    most_orders: int = 500,
) -> None:
    """Simulate the shop until `stop_event` is set.

    The first order is placed at once. After that an event happens every `every_seconds`. After `most_orders` new orders
    the shop accepts no more orders: a forgotten sandbox must not fill the disk.
    """
    source = source or random.Random()
    placed = 0
    while True:
        try:
            if placed < most_orders and (placed == 0 or source.random() < 0.65):
                order = place_order(site, source)
                placed += 1
                logger.info("order %s placed, %s KZT", order["ID"], order["PRICE"])
            else:
                changed = change_random_order(site, source)
                if changed:
                    logger.info("order %s changed at the site, v%s", changed["ID"], changed["VERSION"])
        except SiteError as error:
            # The CRM changed the order first, so the change is no longer possible.
            logger.info("event skipped: %s", error.message)
        if stop_event.wait(every_seconds):
            return
