"""Tests of the messages to customers and recipients: which fit an order, and what they contain in both languages."""

from datetime import date, time
from decimal import Decimal

import pytest

from orders.models import (
    Addressee,
    City,
    Courier,
    Customer,
    DeliverySlot,
    MessageTemplate,
    Order,
    PaymentStatus,
    Shop,
    Stage,
    Status,
)
from orders.models.message import Handover
from orders.presentation.messages import fits, is_sum_missing, message_text, message_values, person_language
from orders.services.message_templates import read_default_templates
from orders.values.languages import Language
from orders.values.message_text import mistakes

TODAY = date(2025, 8, 25)
RUSSIAN, KAZAKH = Language
CUSTOMER, RECIPIENT = Addressee


def made(**changes):
    """Return an unsaved order with a value for each placeholder."""
    return Order(
        **{
            "order_number": "122183",
            "status": Status(code="accepted", stage=Stage.ACCEPTED),
            "customer": Customer(name="Айгерим"),
            "contact_name": "Айгерим",
            "recipient_name": "Мария",
            "delivery_address": "ул. Абая 150,\nкв 25",
            "delivery_date": date(2025, 8, 26),
            "delivery_slot": DeliverySlot(name="слот", starts_at=time(15), ends_at=time(16)),
            "city": City(name="Алматы"),
            "shop": Shop(name="CVETYKZ"),
            "courier": Courier(name="Ерлан"),
            "total_amount": Decimal(17000),
            "paid_amount": Decimal(2000),
        }
        | changes
    )


def template(**changes):
    return MessageTemplate(**{"name": "Проба", "text_ru": "Текст.", "text_kk": "Мәтін."} | changes)


def value(order, name, addressee=CUSTOMER, language=RUSSIAN):
    return message_values(order, addressee, language, TODAY)[name]


@pytest.mark.parametrize(
    ("addressee", "language", "expected"),
    [
        (CUSTOMER, RUSSIAN, ["122183", "Айгерим", "Мария", "26 августа", "15:00–16:00", "Алматы, ул. Абая 150, кв 25",
                             "17\xa0000\xa0₸", "15\xa0000\xa0₸", "Ерлан", "CVETYKZ"]),
        (CUSTOMER, KAZAKH, ["122183", "Айгерим", "Мария", "26 тамыз", "15:00–16:00", "Алматы, ул. Абая 150, кв 25",
                            "17\xa0000\xa0₸", "15\xa0000\xa0₸", "Ерлан", "CVETYKZ"]),
        (RECIPIENT, RUSSIAN, ["122183", "Мария", "Мария", "26 августа", "15:00–16:00", "Алматы, ул. Абая 150, кв 25",
                              "", "", "Ерлан", "CVETYKZ"]),
    ],
)  # fmt: skip
def test_every_value_has_its_form_in_the_language_of_the_addressee(addressee, language, expected):
    assert list(message_values(made(), addressee, language, TODAY).values()) == expected


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("имя", {"contact_name": "", "customer": None}, ""),
        ("имя", {"contact_name": "Анонимный пользователь"}, ""),
        ("имя", {"contact_name": "+7 701 123 45 67"}, ""),
        ("имя", {"contact_name": "Анна " * 20}, ""),
        ("получатель", {"recipient_name": "клиент"}, ""),
        ("получатель", {"unknown_values": {"recipient_name": "?"}}, ""),
        ("номер", {"own_number": "CRM-1001"}, "CRM-1001"),
        ("дата", {"unknown_values": {"delivery_date": "скоро"}}, ""),
        ("дата", {"delivery_date": None}, ""),
        ("дата", {"delivery_date": date(2026, 1, 2)}, "2 января 2026 года"),
        ("время", {"unknown_values": {"delivery_slot": "к обеду"}}, ""),
        ("время", {"delivery_slot": DeliverySlot(name="Время 77", needs_attention=True)}, ""),
        ("время", {"delivery_slot": DeliverySlot(name="до обеда")}, "до обеда"),
        ("адрес", {"is_pickup": True}, ""),
        ("адрес", {"unknown_values": {"delivery_address": ""}}, ""),
        ("адрес", {"city": City(name="Город 77", needs_attention=True)}, "ул. Абая 150, кв 25"),
        ("адрес", {"delivery_address": "Абая 150, тел. +7 701 123 45 67"}, "Алматы, Абая 150, тел."),
        ("сумма", {"unknown_values": {"total_amount": "много"}}, ""),
        ("сумма", {"unknown_values": {"currency": "XXX?"}}, ""),
        ("сумма", {"total_amount": Decimal(0)}, ""),
        ("к оплате", {"payment_status": PaymentStatus.PAID}, ""),
        ("к оплате", {"unknown_values": {"payment_status": "?"}}, ""),
        ("к оплате", {"unknown_values": {"paid_amount": "?"}}, ""),
        ("курьер", {"courier": None}, ""),
        ("курьер", {"is_pickup": True}, ""),
        ("магазин", {"shop": Shop(name="Магазин 77", needs_attention=True)}, ""),
    ],
)
def test_unknown_value_is_missing_and_never_shown_as_a_plausible_one(name, changes, expected):
    assert value(made(**changes), name) == expected


def test_kazakh_text_has_no_russian_name_of_a_slot_and_puts_the_year_first():
    order = made(delivery_slot=DeliverySlot(name="до обеда"), delivery_date=date(2026, 1, 2))
    assert value(order, "время", language=KAZAKH) == ""
    assert value(order, "дата", language=KAZAKH) == "2026 жылғы 2 қаңтар"


@pytest.mark.parametrize("language", Language)
def test_recipient_never_reads_the_name_of_the_customer_or_a_sum(language):
    order = made(is_anonymous=True, delivery_address="Абая 150, кв 25, это от Айгерим")
    for one in read_default_templates():
        if one.addressee == RECIPIENT:
            text = message_text(one, order, language, TODAY)
            assert "Мария" in text
            assert "Айгерим" not in text
            assert "₸" not in text


def test_recipient_of_a_surprise_gets_no_message():
    order = made(is_surprise=True)
    assert not any(fits(one, order) for one in read_default_templates() if one.addressee == RECIPIENT)
    assert not fits(template(addressee=RECIPIENT), order)
    assert fits(template(addressee=CUSTOMER), order)


@pytest.mark.parametrize(
    ("changes", "order", "expected"),
    [
        ({"stages": []}, {}, True),
        ({"stages": ["accepted"]}, {}, True),
        ({"stages": ["done"]}, {}, False),
        ({"stages": ["accepted"]}, {"is_cancelled": True}, False),
        ({"stages": ["cancelled"]}, {"is_cancelled": True}, True),
        ({"stages": ["accepted"]}, {"unknown_values": {"status": "ZZ"}}, False),
        ({"stages": []}, {"unknown_values": {"status": "ZZ"}}, True),
        ({"handover": Handover.PICKUP}, {}, False),
        ({"handover": Handover.PICKUP}, {"is_pickup": True}, True),
        ({"handover": Handover.DELIVERY}, {"is_pickup": True}, False),
        ({"text_ru": "К оплате {к оплате}"}, {}, True),
        ({"text_ru": "К оплате {к оплате}"}, {"payment_status": PaymentStatus.PAID}, False),
        ({"text_kk": "{К ОПЛАТЕ}"}, {"payment_status": PaymentStatus.REFUNDED}, False),
        ({"text_ru": "К оплате {к оплате}"}, {"total_amount": Decimal(0), "paid_amount": Decimal(0)}, False),
        ({"text_ru": "К оплате {к оплате}"}, {"unknown_values": {"total_amount": "?"}}, True),
    ],
)
def test_template_is_offered_for_the_state_of_the_order(changes, order, expected):
    assert fits(template(**changes), made(**order)) is expected


@pytest.mark.parametrize(
    ("unknown", "missing"), [({}, False), ({"total_amount": "?"}, True), ({"payment_status": "?"}, True)]
)
def test_message_about_payment_is_not_sent_without_a_known_sum(unknown, missing):
    assert is_sum_missing(template(text_ru="К оплате {к оплате}."), made(unknown_values=unknown)) is missing
    assert not is_sum_missing(template(), made(unknown_values=unknown))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("one", read_default_templates(), ids=lambda one: f"{one.addressee} {one.name}")
def test_template_of_the_shop_is_correct_and_readable_with_and_without_values(one, language):
    one.clean()
    assert mistakes(one.text_in(language)) == []
    assert set(one.stages) <= set(Stage.values)
    assert one.handover in Handover.values
    full = message_text(one, made(), language, TODAY)
    empty = message_text(one, Order(order_number="1", status=Status(stage=Stage.NEW)), language, TODAY)
    for text in (full, empty):
        assert text.startswith("Здравствуйте" if language == RUSSIAN else "Сәлеметсіз бе")
        assert not set("{}[]") & set(text)
        assert ": ." not in text
        assert "  " not in text
    assert len(full) > len(empty)


@pytest.mark.parametrize(
    ("addressee", "changes", "language"),
    [
        (CUSTOMER, {}, RUSSIAN),
        (CUSTOMER, {"contact_name": "Айгүл"}, KAZAKH),
        (CUSTOMER, {"postcard_text": "Туған күніңмен!"}, KAZAKH),
        (CUSTOMER, {"recipient_name": "Айгүл", "delivery_address": "Төле би 1"}, RUSSIAN),
        (RECIPIENT, {"recipient_name": "Айгүл"}, KAZAKH),
        (RECIPIENT, {"contact_name": "Айгүл"}, RUSSIAN),
    ],
)
def test_language_of_a_person_is_the_one_they_have_written_in(addressee, changes, language):
    assert person_language(made(**changes), addressee) == language
