"""Tests of the texts for couriers: the short text names no people, and the full text has all details."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.models import City, Courier
from orders.paper.courier_texts import full_text, route_text, short_text
from orders.paper.route_sheet import route_of
from orders.presentation.addresses import building
from tests.orders.paper.conftest import make

__all__ = ["make"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ул. Абая 150, кв 25", "ул. Абая 150"),
        ("ул. Абая 150 кв.25", "ул. Абая 150"),
        ("ул. Абая 150, подъезд 2, кв 25, код 25К", "ул. Абая 150"),
        ("ЖК Нурлы Тау, блок 2а (5 этаж, офис 51)", "ЖК Нурлы Тау, блок 2а"),
        ("мкр Самал-2, д. 33,\nквартира №5", "мкр Самал-2, д. 33"),
        ("мкр. 5, кв-л 12, дом 3", "мкр. 5, кв-л 12, дом 3"),
        ("ул. Подгорная 5", "ул. Подгорная 5"),
        ("Кодекс-центр, Достык 1", "Кодекс-центр, Достык 1"),
        ("Абая 150, 3 подъезд", "Абая 150"),
        ("Абай даңғылы 150, 25 пәтер", "Абай даңғылы 150"),
        ("кв 25", ""),
        ("", ""),
    ],
)
def test_building_cuts_address_after_house(address, expected):
    assert building(address) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"payment_status": "paid"}, "🚚 Сегодня 15:00–16:00 · Алматы, ул. Абая 150 · 1 букет · оплачен"),
        ({}, "🚚 Сегодня 15:00–16:00 · Алматы, ул. Абая 150 · 1 букет · наличные, получить 17 000 ₸"),
        (
            {"paid_amount": Decimal(14000), "delivery_address": "", "delivery_slot": None},
            "🚚 Сегодня · адрес уточняется · 1 букет · доплата, получить 3 000 ₸",
        ),
        (
            {"delivery_date": None, "delivery_slot": None, "payment_status": "refunded", "city": None},
            "🚚 время не указано · ул. Абая 150 · 1 букет · деньги возвращены",
        ),
        (
            {"delivery_address": "г. Алматы, Абая 1, Марии +7 701 123-45-67", "status": "declined"},
            "🚚 ОТМЕНЁН · Сегодня 15:00–16:00 · г. Алматы, Абая 1, Марии ••• · 1 букет · наличные, получить 17 000 ₸",
        ),
    ],
)
def test_short_text_has_time_building_count_and_payment(make, values, expected):
    order = make(**({"delivery_date": timezone.localdate()} | values))
    assert short_text(order).replace("\u00a0", " ") == expected


def test_short_text_counts_items_and_has_no_names(make):
    order = make("Букет Стандарт", "Букет Мини", "Ваза", payment_method="kaspi")
    order.delivery_date = timezone.localdate() + timedelta(days=1)
    text = short_text(order)
    assert text.startswith("🚚 Завтра")
    assert "· 2 букета + 1 предмет · не оплачен: Kaspi" in text
    assert "Мария" not in text
    assert "4567" not in text
    assert order.order_number not in text
    assert "₸" not in short_text(order, prices=False)


def test_full_text_has_all_lines_in_order(make, settings):
    settings.DISPATCHER_PHONE = "+77273001020"
    order = make(is_surprise=True, courier_comment="позвонить за час", comment="без лилий")
    assert full_text(order).replace("\u00a0", " ").splitlines() == [
        f"Заказ № {order.order_number}",
        "🕐 Пн 25 августа, 15:00–16:00",
        "📍 Алматы, ул. Абая 150, подъезд 2, кв 25",
        "🙎 Мария, +7 701 123-45-67",
        "❗ СЮРПРИЗ: не называть отправителя, не звонить получателю",
        "🌷 Букет Стандарт × 1",
        "💰 Наличные, получить 17 000 ₸",
        "📝 позвонить за час",
        "📝 без лилий",
        "🗺 https://2gis.kz/almaty/search/Алматы%2C%20ул.%20Абая%20150",
        "☎️ Диспетчер: +7 727 300-10-20",
    ]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"payment_status": "paid"}, "✅ ОПЛАЧЕН"),
        ({"payment_status": "refunded"}, "✅ деньги возвращены"),
        ({"payment_method": "kaspi"}, "💰 Не оплачен: Kaspi, получить 17 000 ₸"),
        ({"paid_amount": Decimal(14000)}, "💰 Доплата, получить 3 000 ₸"),
        ({"is_anonymous": True}, "❗ АНОНИМНО: не называть отправителя"),
        ({"delivery_address": " "}, "📍 АДРЕС НЕ УКАЗАН"),
        ({"recipient_name": "", "recipient_phone": ""}, "🙎 получатель не указан"),
        ({"delivery_date": None}, "🕐 дата не указана, 15:00–16:00"),
        ({"is_cancelled": True}, "⛔ ОТМЕНЁН"),
    ],
)
def test_full_text_has_line_for_special_case(make, values, line):
    assert line in full_text(make(**values)).replace("\u00a0", " ").splitlines()


def test_full_text_hides_phones_and_sums_without_permission(make):
    order = make(courier_comment="тел. +7 702 000-00-01", delivery_address="Абая 150, Марии 8 702 000 00 02")
    text = full_text(order, phones=False, prices=False)
    assert "•••\u00a04567" in text
    assert "сумму скажет диспетчер" in text
    for secret in ("701", "000", "17"):
        assert secret not in text, secret


def test_route_text_numbers_all_stops_and_sums_up(make):
    courier = Courier.objects.create(name="Ерлан")
    orders = [make(courier=courier), make(courier=courier, payment_status="paid"), make(courier=courier)]
    (sheet,) = route_of(orders)
    text = route_text(sheet).replace("\u00a0", " ")
    assert text.startswith("🚚 Ерлан · Пн 25 августа · 3 адреса · получить 34 000 ₸\n\n1. Заказ №")
    positions = [text.index(f"{n}. Заказ № {order.order_number}") for n, order in enumerate(orders, start=1)]
    assert positions == sorted(positions)
    assert "34" not in route_text(sheet, prices=False).splitlines()[0]
    (paid,) = route_of([orders[1]])
    assert "1 адрес · всё оплачено" in route_text(paid)


def test_full_text_names_other_city(make):
    order = make(city=City.objects.create(bitrix_id=9, name="Каскелен"), delivery_date=date(2025, 8, 25))
    assert "Каскелен, ул. Абая 150" in full_text(order)


def test_full_text_has_details_of_items_and_of_the_place(make):
    values = {
        "properties": [[{"NAME": "Размер", "CODE": "SIZE", "VALUE": "61 см"}, {"CODE": "price", "VALUE": "9000"}]],
        "metadata": {
            "properties": {
                "apartment": "25",
                "intercom": "25К",
                "notes": "сосед: 8 701 555 66 77",
                "company": "Ромашка",
            }
        },
    }
    text = full_text(make(**values))
    assert "🌷 Букет Стандарт (Размер: 61 см) × 1" in text.splitlines()
    place = "🚪 Компания: Ромашка, Квартира: 25, Домофон: 25К, Примечание: сосед: 8 701 555 66 77"
    assert place in text.splitlines()
    assert "9000" not in text
    masked = full_text(make(**values, is_anonymous=True), phones=False)
    assert "🚪 Квартира: 25, Домофон: 25К, Примечание: сосед: •••" in masked.splitlines()
    assert "Ромашка" not in masked
