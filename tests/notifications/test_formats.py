"""Tests of the formats of money, quantities, days and times."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from notifications import formats
from tests.notifications.made_up import ALMATY

TODAY = date(2025, 8, 25)  # a Monday


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("9000.00", "KZT", "9\u00a0000\u00a0₸"),
        ("0", "KZT", "0\u00a0₸"),
        ("1234567.5", "KZT", "1\u00a0234\u00a0567,50\u00a0₸"),
        ("-500", "KZT", "-500\u00a0₸"),
        ("15", "", "15\u00a0₸"),
        ("15", "USD", "15\u00a0USD"),
    ],
)
def test_money_has_no_break_spaces_and_no_zero_hundredths(amount: str, currency: str, expected: str) -> None:
    assert formats.money(Decimal(amount), currency) == expected


@pytest.mark.parametrize(
    ("amount", "expected"), [("1.000", "1"), ("100.000", "100"), ("1.500", "1,5"), ("0.001", "0,001")]
)
def test_quantity_has_no_trailing_zeros(amount: str, expected: str) -> None:
    assert formats.quantity(Decimal(amount)) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (TODAY, "Today, Mon 25 August"),
        (TODAY + timedelta(days=1), "Tomorrow, Tue 26 August"),
        (TODAY - timedelta(days=1), "Sun 24 August"),
        (date(2026, 1, 3), "Sat 3 January 2026"),
    ],
)
def test_day_is_named_relative_to_today(when: date, expected: str) -> None:
    assert formats.day(when, today=TODAY) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (datetime(2025, 8, 25, 0, 5, tzinfo=ALMATY), "00:05"),
        (datetime(2025, 8, 24, 23, 55, tzinfo=ALMATY), "24 August, 23:55"),
        (datetime(2024, 12, 31, 9, 0, tzinfo=ALMATY), "31 December 2024, 09:00"),
    ],
)
def test_moment_includes_the_day_unless_it_is_today(when: datetime, expected: str) -> None:
    assert formats.moment(when, today=TODAY) == expected
