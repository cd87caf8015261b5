"""Numbers, dates and phones as staff read them."""

from datetime import date
from decimal import Decimal

import pytest

from orders.models import DeliverySlot
from orders.presentation.formatting import day, delivery_time, money, number
from orders.presentation.phones import phone_link


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("17000.00"), "17\xa0000\xa0₸"),
        (Decimal(0), "0\xa0₸"),
        (Decimal("1234567.50"), "1\xa0234\xa0567,50\xa0₸"),
        (Decimal("-500"), "-500\xa0₸"),
        (None, "—"),
    ],
)
def test_money(value, text):
    assert money(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [("1.000", "1"), ("0.500", "0,5"), ("1.125", "1,125"), ("1000", "1\xa0000")]
)
def test_number(value, text):
    assert number(Decimal(value)) == text


def test_days():
    today = date(2025, 8, 25)
    assert day(today, today) == "сегодня"
    assert day(date(2025, 8, 26), today) == "завтра"
    assert day(date(2025, 8, 24), today) == "вчера"
    assert day(date(2025, 12, 31), today) == "31.12"
    assert day(date(2026, 1, 1), today) == "01.01.2026"
    assert day(None) == ""


def test_delivery_time():
    slot = DeliverySlot(name="15:00–16:00")
    assert delivery_time(date(2025, 8, 25), slot, date(2025, 8, 25)) == "сегодня, 15:00–16:00"
    assert delivery_time(None, None) == "—"


def test_phone_link():
    assert (
        phone_link("+77011234567") == '<a class="crm-link crm-phone" href="tel:+77011234567">+7\xa0701\xa0123-45-67</a>'
    )
    assert phone_link("<b>") == "<b>"
