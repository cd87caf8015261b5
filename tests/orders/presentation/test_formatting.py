"""Tests of the formats of numbers, days, datetimes and phones."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from orders.models import DeliverySlot
from orders.presentation.formatting import day, delivery_time, long_day, long_moment, money, number, plain_text
from orders.presentation.phones import phone_link

ALMATY = ZoneInfo("Asia/Almaty")
TODAY = date(2025, 8, 25)  # this day is a Monday


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
def test_money_has_separators_and_optional_hundredths(value, text):
    assert money(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [("1.000", "1"), ("0.500", "0,5"), ("1.125", "1,125"), ("1000", "1\xa0000")]
)
def test_number_has_separators_and_decimal_comma(value, text):
    assert number(Decimal(value)) == text


@pytest.mark.parametrize(("currency", "text"), [("KZT", "15\xa0₸"), ("", "15\xa0₸"), ("USD", "15\xa0USD")])
def test_money_has_symbol_of_its_currency(currency, text):
    assert money(Decimal(15), currency) == text


@pytest.mark.parametrize(
    ("value", "text"), [("1.000", "1"), ("100.000", "100"), ("1.500", "1,5"), ("0.001", "0,001"), ("1000", "1000")]
)
def test_number_without_separator_has_plain_digits(value, text):
    assert number(Decimal(value), separator="") == text


@pytest.mark.parametrize(("value", "text"), [("7500.00", "7500"), ("0.500", "0.5"), ("0.00", "0"), (100, "100")])
def test_plain_text_fits_number_input(value, text):
    assert plain_text(Decimal(value)) == text


def test_day_uses_names_for_near_days_and_year_for_other_years():
    today = date(2025, 8, 25)
    assert day(today, today) == "сегодня"
    assert day(date(2025, 8, 26), today) == "завтра"
    assert day(date(2025, 8, 24), today) == "вчера"
    assert day(date(2025, 12, 31), today) == "31.12"
    assert day(date(2026, 1, 1), today) == "01.01.2026"
    assert day(None) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (TODAY, "Today, Mon 25 August"),
        (TODAY + timedelta(days=1), "Tomorrow, Tue 26 August"),
        (TODAY - timedelta(days=1), "Sun 24 August"),
        (date(2026, 1, 3), "Sat 3 January 2026"),
    ],
)
def test_long_day_names_the_weekday(value, text):
    with translation.override("en"):
        assert long_day(value, TODAY) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2025, 8, 25, 0, 5, tzinfo=ALMATY), "00:05"),
        (datetime(2025, 8, 24, 23, 55, tzinfo=ALMATY), "24 August, 23:55"),
        (datetime(2024, 12, 31, 9, 0, tzinfo=ALMATY), "31 December 2024, 09:00"),
    ],
)
def test_long_moment_has_date_only_for_other_days(value, text):
    with translation.override("en"):
        assert long_moment(value, TODAY) == text


def test_delivery_time_joins_day_and_slot():
    slot = DeliverySlot(name="15:00–16:00")
    assert delivery_time(date(2025, 8, 25), slot, date(2025, 8, 25)) == "сегодня, 15:00–16:00"
    assert delivery_time(None, None) == "—"


def test_phone_link_formats_phone_and_marks_other_text():
    assert (
        phone_link("+77011234567") == '<a class="crm-link crm-phone" href="tel:+77011234567">+7\xa0701\xa0123-45-67</a>'
    )
    assert phone_link("<b>") == '<span class="crm-missing">не читается: «&lt;b&gt;»</span>'
