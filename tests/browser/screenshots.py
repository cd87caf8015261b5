"""Save screenshots of every page with realistic orders, for the README and for reviews: `make screenshots`.

This module contains no tests: pytest does not collect it by default, and it asserts nothing. The environment variable
`SCREENSHOTS` names the folder of the screenshots.
"""

import os
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from PIL import Image, ImageDraw

from cvety_crm.models import Heartbeat
from cvety_crm.users import User
from orders import services
from orders.models import Courier, Order, Status
from orders.sync.snapshot import ReferenceRow, ReferenceSnapshot
from tests.browser.conftest import LIST, SIZES, Shop, due_in, unfold

pytestmark = [pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]

FOLDER = Path(os.environ.get("SCREENSHOTS", ".screenshots"))
BOUQUETS = [
    ("Букет «Нежность»", 14500), ("51 красная роза", 42000), ("Пионы в шляпной коробке", 28900),
    ("Букет Стандарт", 7500), ("Гортензии с эвкалиптом", 19800), ("Корзина «Весна»", 33500),
    ("25 белых тюльпанов", 15900),
]  # fmt: skip
PEOPLE = [
    ("Айгерим", "Мария"), ("Данияр", "Асель"), ("Ирина Павловна", "Ольга"), ("Тимур", "Жанна"), ("Сауле", "Мама"),
    ("Виктор", "Наталья Сергеевна"), ("Алия", "Дана"), ("Ержан", "Гульнара"), ("Светлана", "Камила"),
]  # fmt: skip
ADDRESSES = [
    "Бостандыкский р-н, пр. Аль-Фараби 77/8, кв 112", "Медеуский р-н, пр. Достык 132, БЦ, ресепшен",
    "ул. Абая 150, кв 25, подъезд 2", "мкр Самал-2, д. 33, кв 14", "ул. Тимирязева 42, павильон 15",
    "Алмалинский р-н, ул. Жибек Жолы 50, офис 301", "мкр Орбита-3, д. 5, кв 61, домофон 61К",
    "ул. Розыбакиева 247, кв 90",
]  # fmt: skip
CARDS = [
    "С днём рождения, мама! 🌹",
    "",
    "Туған күніңмен! Бақытты бол!",
    "Люблю тебя",
    "",
    "Спасибо за всё, Ваши ученики",
]
REQUESTS = ["", "без лилий, аллергия", "", "побольше зелени", "", "позвонить за час", ""]
DETAILS_OF_ITEM = [
    {"NAME": "Размер", "CODE": "SIZE", "VALUE": "61 см"},
    {"NAME": "Цвет упаковки", "CODE": "COLOR", "VALUE": "молочный"},
]  # fmt: skip
DETAILS = {
    "apartment": {"NAME": "Кв./офис", "VALUE": "25"}, "domofon": {"NAME": "Домофон", "VALUE": "25К"},
    "notes": {"NAME": "Пожелания к букету", "VALUE": "Без лилий и без блёсток, лента бордовая. " * 6},
    "company": {"NAME": "Компания", "VALUE": "ТОО «Ромашка и партнёры»"}, "kaspiPhone": "8 701 555 66 77",
    "packaging": {"NAME": "Упаковка", "VALUE": "k", "VALUE_NAME": "Крафт"},
}  # fmt: skip
STATUSES_OF_SITE = {
    "N": "Новый",
    "AP": "Подтверждён",
    "PD": "Оплачен",
    "DE": "В пути",
    "CO": "Собран",
    "UN": "Нереализован",
}
NOTES = ["Клиент просил фото до отправки", "Домофон не работает, звонить снизу", "Лента бордовая"]


@pytest.fixture
def day(shop: Shop, slots: list[object], manager: User, courier: Courier) -> list[Order]:
    """Return thirty orders of all stages."""
    florists = [
        User.objects.create_user(f"florist-{name}", first_name=name, is_staff=True) for name in ("Жанар", "Лена")
    ]
    couriers = [courier, *(Courier.objects.create(name=name, phone=phone) for name, phone in
                           (("Марат Ахметов", "+77017770011"), ("Саша", "+77479990022")))]  # fmt: skip
    now = timezone.localtime()
    stages = {-1: ("completed", "delivering"), 0: ("delivering", "accepted"), 1: ("accepted", "new"), 2: ("new",)}
    orders = []
    for number in range(30):
        sender, recipient = PEOPLE[number % len(PEOPLE)]
        name, price = BOUQUETS[number % len(BOUQUETS)]
        hours = (number * 7) % 11 - 3
        paid = number % 3 == 0
        basket = [{"ID": str(9000 + number), "PRODUCT_ID": str(700 + number % 7), "NAME": name, "PRICE": str(price),
                   "QUANTITY": "1", "CURRENCY": "KZT", "PROPS": DETAILS_OF_ITEM}]  # fmt: skip
        if number % 4 == 1:
            basket.append(
                {"ID": str(9500 + number), "PRODUCT_ID": "799", "NAME": "Ваза", "PRICE": "3500", "QUANTITY": "1"}
            )
            price += 3500
        user = str(2000 + number % len(PEOPLE))
        phone = f"+7 70{number % len(PEOPLE)} 55{number % len(PEOPLE)} 20 1{number % len(PEOPLE)}"
        order = shop.order(
            122300 + number,
            hours=hours,
            basket=basket,
            PRICE=str(price + 1500),
            PAYED="Y" if paid else "N",
            SUM_PAID=str(price + 1500) if paid else "5000" if number % 5 == 2 else "0",
            USER_ID=user,
            DATE_INSERT=f"{now - timedelta(hours=8 - number % 7):%Y-%m-%d %H:%M:%S}",
            DATE_UPDATE=f"{now:%Y-%m-%d %H:%M:%S}",
            USER_DESCRIPTION=REQUESTS[number % len(REQUESTS)],
            COMMENTS="",
            user={"ID": user, "NAME": sender, "PERSONAL_PHONE": phone},
            properties={
                **due_in(hours),
                "nameRecipient": recipient,
                "phoneRecipient": f"8 77{number % 9} 41{number % 7} 0{number % 5} 3{number % 8}",
                "addressRecipient": "" if number == 17 else ADDRESSES[number % len(ADDRESSES)],
                "postcardText": CARDS[number % len(CARDS)], "name": sender, "phone": phone,
                **DETAILS,
            },
        )  # fmt: skip
        status = stages[min(max(-1, hours), 2)][number % len(stages[min(max(-1, hours), 2)])]
        change: dict[str, Any] = {"status_id": "completed" if hours < -1 and number % 6 else status}
        if change["status_id"] != "new":
            change |= {"responsible": florists[number % 2]}
        if change["status_id"] in ("delivering", "completed") or number % 4 == 0:
            change |= {"courier": couriers[number % 3], "courier_notified_at": now if number % 5 else None}
        change |= {"is_surprise": number % 7 == 3, "is_anonymous": number % 9 == 4}
        Order.objects.filter(pk=order.pk).update(
            **{key: value for key, value in change.items() if key != "delivery_slot"}
        )
        if number % 6 == 2:
            services.add_note(order_id=order.pk, text=NOTES[number % 3], actor=florists[0])
        orders.append(order)
    services.report_problem(order_id=orders[4].pk, reason="Нет цветка: кончились пионы", actor=florists[1])
    Heartbeat.objects.update_or_create(name=Heartbeat.WORKER, defaults={"beat_at": timezone.now()})
    cache.clear()
    return orders


def bouquet() -> bytes:
    """Return a generated picture, which is used as the photo of a bouquet."""
    picture = Image.new("RGB", (1200, 1500), "#e8dfd3")
    draw = ImageDraw.Draw(picture)
    draw.polygon([(600, 1450), (330, 700), (870, 700)], fill="#7f9c6d")
    for index in range(60):
        x, y = 600 + (index * 97 % 640) - 320, 560 + (index * 61 % 480) - 240
        colour = ("#c2185b", "#e91e63", "#f48fb1", "#fce4ec", "#8e24aa")[index % 5]
        for radius in (70, 48, 26):
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour, outline="#00000030")
    content = BytesIO()
    picture.save(content, "JPEG")
    return content.getvalue()


@pytest.mark.parametrize("size", ["phone", "desktop"], indirect=True)
def test_pictures_of_every_page(screen, day, manager, slots, courier):
    FOLDER.mkdir(parents=True, exist_ok=True)
    order = next(one for one in day if Order.objects.get(pk=one.pk).status_id == "accepted")
    services.change_status(order_id=order.pk, status="delivering", actor=manager)
    services.add_note(order_id=order.pk, text=NOTES[0], actor=manager)
    make_money(manager, courier)
    pages = {
        "home": "/crm/", "list": LIST, "all": f"{LIST}?preset=all", "empty": f"{LIST}?preset=tomorrow",
        "order": f"{LIST}{order.pk}/change/", "new": f"{LIST}add/", "board": reverse("day_board"),
        "dispatch": reverse("dispatch"),
        "sales": reverse("report", args=["sales"]), "holidays": reverse("report", args=["holidays"]),
        "couriers": reverse("admin:orders_courier_changelist"),
        "route": reverse("admin:orders_courier_route", args=[courier.pk]),
        "status": reverse("system_status"),
        "customer": reverse("admin:orders_customer_change", args=[order.customer_id]),
        "cash": reverse("couriers_cash"), "till": reverse("till"),
        "site-statuses": reverse("admin:orders_status_site"),
        "pay-systems": reverse("admin:orders_paysystem_methods"),
        "statuses": reverse("admin:orders_status_changelist"), "customers": reverse("admin:orders_customer_changelist"),
        "products": reverse("admin:orders_product_changelist"),
        "status-row": reverse("admin:orders_status_change", args=[Status.objects.first().pk]),
        "events": reverse("admin:bitrix_bridge_webhookevent_changelist"),
        "comparison": reverse("admin:bitrix_bridge_reconciliation_changelist"),
        "messages": reverse("admin:notifications_telegrammessage_changelist"),
        "user": reverse("admin:cvety_crm_user_change", args=[manager.pk]), "missing": "/crm/no/such/page/",
    }  # fmt: skip
    for name, path in pages.items():
        if name == "site-statuses":
            rows = (ReferenceRow(key=code, fields={"name": word, "sort": 1}) for code, word in STATUSES_OF_SITE.items())
            services.apply_reference(snapshot=ReferenceSnapshot(statuses=tuple(rows)))
        page = screen.open(path)
        if name == "order":
            unfold(page, "Фото букета")
            page.get_by_label("Сфотографировать").set_input_files(
                {"name": "1.jpg", "mimeType": "image/jpeg", "buffer": bouquet()}
            )
            page.get_by_role("img", name="Фото 1").wait_for()
        save_screenshots(screen, name)
    screen.context.clear_cookies()
    for name, path in {"login": "/crm/login/", "public": "/"}.items():
        screen.open(path)
        save_screenshots(screen, name)


def make_money(manager: User, courier: Courier) -> None:
    """Deliver orders whose cash a courier has, and record payments."""
    today = timezone.localdate()
    for one in Order.objects.filter(delivery_date=today, payment_status="pending").order_by("order_number")[:3]:
        Order.objects.filter(pk=one.pk).update(courier=courier, status="completed", payment_method="cash")
    for number, method in enumerate(("kaspi", "card", "cash")):
        one = Order.objects.filter(payment_status="pending").order_by("-order_number")[number]
        services.add_payment(order_id=one.pk, amount=Decimal(4000 + 500 * number), method=method, actor=manager)


def save_screenshots(screen, name: str) -> None:
    """Save a screenshot of the visible part of the page, and one of the whole page."""
    width, height = SIZES[screen.size]
    page = screen.page
    # Chromium without a Russian language pack shows dates in the American format.
    page.evaluate(
        """() => document.querySelectorAll("input[type=date]").forEach(input => {
             const shown = input.value.split("-").reverse().join("."); input.type = "text"; input.value = shown; })"""
    )
    page.screenshot(path=FOLDER / f"{name}-{width}.png")
    # full_page is not used, because it disables touch and the larger touch targets.
    page.set_viewport_size(
        {"width": width, "height": min(page.evaluate("document.documentElement.scrollHeight"), 4000)}
    )
    page.screenshot(path=FOLDER / f"{name}-{width}-whole.png")
    page.set_viewport_size({"width": width, "height": height})
