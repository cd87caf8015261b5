"""Tests of the rules about values that staff must confirm, and of the questions about them."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest

from orders.models import DeliverySlot
from orders.presentation.doubts import question
from orders.rules.doubts import (
    Doubt,
    DoubtKind,
    doubt_of_price,
    doubt_of_quantity,
    doubt_of_sum,
    doubt_of_time,
    has_ended,
)

ALMATY = timezone(timedelta(hours=5))
DAY = date(2026, 11, 12)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.combine(DAY, time.fromisoformat(text), ALMATY)


def slot(starts: str | None, ends: str | None) -> DeliverySlot:
    def clock(text: str | None) -> time | None:
        return time.fromisoformat(text) if text else None

    return DeliverySlot(bitrix_id="x", name=f"{starts}–{ends}", starts_at=clock(starts), ends_at=clock(ends))


@pytest.mark.parametrize(
    ("day", "of", "now", "expected"),
    [
        (BEFORE, None, at("00:00"), True),
        (DAY, None, at("00:00"), False),
        (DAY, None, at("23:59"), False),
        (AFTER, None, at("23:59"), False),
        (DAY, slot("10:00", "12:00"), at("11:59"), False),
        (DAY, slot("10:00", "12:00"), at("12:00"), True),
        (AFTER, slot("10:00", "12:00"), at("23:00"), False),
        (BEFORE, slot("10:00", "12:00"), at("00:00"), True),
        (DAY, slot("22:00", "00:00"), at("23:59"), False),
        (BEFORE, slot("22:00", "00:00"), at("00:00"), True),
        (BEFORE, slot("22:00", "02:00"), at("01:59"), False),
        (BEFORE, slot("22:00", "02:00"), at("02:00"), True),
        (DAY, slot(None, "12:00"), at("12:01"), True),
        (DAY, slot("10:00", None), at("23:59"), False),
        (BEFORE, slot("10:00", None), at("00:01"), True),
        # The same moment in another time zone: in Almaty it is already the next day.
        (DAY, None, datetime(2026, 11, 12, 18, 59, tzinfo=UTC), False),
        (DAY, None, datetime(2026, 11, 12, 19, 0, tzinfo=UTC), True),
    ],
)
def test_time_is_over_by_the_clock_of_the_shop(day, of, now, expected):
    assert has_ended(day, of, now) is expected


@pytest.mark.parametrize(
    ("day", "of", "is_day_new", "expected"),
    [
        (None, None, True, None),
        (DAY, None, True, None),
        (AFTER, slot("08:00", "09:00"), True, None),
        (BEFORE, None, True, Doubt(DoubtKind.PAST_DAY, "delivery_date", BEFORE)),
        (BEFORE, slot("08:00", "09:00"), True, Doubt(DoubtKind.PAST_DAY, "delivery_date", BEFORE)),
        (BEFORE, slot("08:00", "09:00"), False, None),
        (DAY, slot("08:00", "09:00"), True, Doubt(DoubtKind.PAST_SLOT, "delivery_slot", "08:00–09:00")),
        (DAY, slot("08:00", "09:00"), False, Doubt(DoubtKind.PAST_SLOT, "delivery_slot", "08:00–09:00")),
    ],
)
def test_doubt_is_about_the_day_or_the_slot(day, of, is_day_new, expected):
    assert doubt_of_time(day, of, now=at("15:00"), is_day_new=is_day_new) == expected


@pytest.mark.parametrize(
    ("found", "key", "text"),
    [
        (doubt_of_sum(Decimal("0.00")), "no_sum:", "Сумма заказа — 0 ₸."),
        (doubt_of_sum(Decimal("0.01")), None, None),
        (doubt_of_sum(None), None, None),
        (doubt_of_price(Decimal(0), "Роза"), "no_price:Роза", "Цена «Роза» — 0 ₸."),
        (doubt_of_price(Decimal(1), "Роза"), None, None),
        (doubt_of_price(None, "Роза"), None, None),
        (doubt_of_quantity(Decimal(999)), None, None),
        (doubt_of_quantity(Decimal("999.001")), "large_quantity:999.001", "Количество — 999,001: всё верно?"),
        (doubt_of_quantity(Decimal("1000.000")), "large_quantity:1E+3", "Количество — 1\xa0000: всё верно?"),
        (doubt_of_quantity(None), None, None),
        (Doubt(DoubtKind.PAST_SLOT, "delivery_slot", "08:00–09:00"), "past_slot:08:00–09:00",
         "Это время сегодня уже прошло: 08:00–09:00."),
        (Doubt(DoubtKind.PAST_DAY, "delivery_date", date(2020, 11, 12)), "past_day:2020-11-12",
         "Дата уже прошла: чт 12 ноября 2020."),
    ],
)  # fmt: skip
def test_doubt_has_a_key_and_a_question(found, key, text):
    assert (found.key if found else None) == key
    assert (question(found).replace(" 2020 г.", " 2020.") if found else None) == text
