"""Tests of single values in the formats that PHP, MySQL, REST and people use."""

import json
import math
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrix_bridge.payloads.amounts import (
    BIGINT,
    read_id,
    read_money,
    read_number,
    read_quantity,
    read_stock,
    read_whole_number,
)
from bitrix_bridge.payloads.dates import ALMATY, read_date, read_moment
from bitrix_bridge.payloads.reading import Reading
from bitrix_bridge.payloads.storable import add_under_free_key, storable
from bitrix_bridge.payloads.values import (
    read_currency,
    read_flag,
    read_line,
    read_lines,
    read_phone,
    read_slot,
    read_status,
)
from orders.sync.snapshot import ProblemReason as Reason
from orders.values.text import clean_line, clean_lines, unescape

NOTHING = Reading()
HUGE = pytest.param(10**5000, id="huge")
"""An int that is too long for Python to convert it to a string."""
EVERY_READER: list[Any] = [
    read_number,
    read_money,
    read_quantity,
    read_stock,
    read_whole_number,
    read_id,
    read_flag,
    lambda raw: read_line(raw, max_length=10),
    read_lines,
    read_phone,
    read_slot,
    read_status,
    read_currency,
    read_date,
    read_moment,
]


@pytest.mark.parametrize(
    ("raw", "amount"),
    [
        (7500, "7500.00"),
        (7500.0, "7500.00"),
        (Decimal("7500.0000"), "7500.00"),
        ("7500", "7500.00"),
        ("7500.0000", "7500.00"),
        ("7500.", "7500.00"),
        (".5", "0.50"),
        ("7 500,00", "7500.00"),
        ("7\u00a0500,00", "7500.00"),
        ("7\u202f500,00", "7500.00"),
        ("7500,5", "7500.50"),
        ("0,500", "0.50"),
        ("1 234,567", "1234.57"),
        ("7,500.00", "7500.00"),
        ("7.500,00", "7500.00"),
        ("1,234,567", "1234567.00"),
        ("1,234,567.89", "1234567.89"),
        ("1.234.567,89", "1234567.89"),
        ("1 234 567.89", "1234567.89"),
        ("4 950 ₸", "4950.00"),
        ("12\u00a0990\u00a0₸", "12990.00"),
        ("₸ 4950", "4950.00"),
        ("₸ -4950", "-4950.00"),
        ("7500 KZT", "7500.00"),
        ("7500kzt", "7500.00"),
        ("7 500 тг.", "7500.00"),
        ("500 тенге", "500.00"),
        ("-1500.00", "-1500.00"),
        ("\u22121 500", "-1500.00"),
        ("- 1500", "-1500.00"),
        ("+5", "5.00"),
        ("  5 ", "5.00"),
        ("7.5E+3", "7500.00"),
        ("1e-400", "0.00"),
        (5e-324, "0.00"),
        (Decimal("1e-999999"), "0.00"),
        ("-0", "0.00"),
        (-0.001, "0.00"),
        (0, "0.00"),
        ("0.005", "0.01"),
        ("0.004999999999999999999999999999999999", "0.00"),
        (0.30000000000000004, "0.30"),
        ("9999999999.99", "9999999999.99"),
        ("KZT 12 990", "12990.00"),
        ("KZT12990", "12990.00"),
        ("-KZT 500", "-500.00"),
        ("тг 12 990", "12990.00"),
        ("12 990 тг.", "12990.00"),
        ("12 990 тнг", "12990.00"),
        ("12990 tg", "12990.00"),
        ("12 990 Тенге.", "12990.00"),
        ("₸12990", "12990.00"),
        ("12990.00 KZT", "12990.00"),
        ("12990|KZT", "12990.00"),
        ("12 990.50 ₸", "12990.50"),
        ("12,990 ₸", "12990.00"),
        ("12.990 KZT", "12990.00"),
        ("-12,990 ₸", "-12990.00"),
        ("KZT 950.000", "950000.00"),
        ("1.234.567", "1234567.00"),
        ("12'990", "12990.00"),
        ("12’990.50", "12990.50"),
        ("1'234'567,5 тг", "1234567.50"),
        ("12\u2009990", "12990.00"),
        ("12 990,- ₸", "12990.00"),
        ("12990.-", "12990.00"),
        ("–500", "-500.00"),
        ("12&nbsp;990&nbsp;&#8376;", "12990.00"),
        ("&#8376;12&thinsp;990", "12990.00"),
        ("12&amp;nbsp;990 ₸", "12990.00"),
        ("12&#x27;990 KZT", "12990.00"),
        ('12 990 <span class="currency">₸</span>', "12990.00"),
        ("<b>12</b> 990 &#8376;<br />", "12990.00"),
    ],
)
def test_amount_is_read_in_each_spelling(raw, amount):
    reading = read_money(raw)
    assert str(reading.value) == amount
    assert reading.reason is None


@pytest.mark.parametrize("raw", ["", "  ", None])
def test_empty_amount_is_not_read(raw):
    assert read_money(raw) == read_number(raw) == read_id(raw) == NOTHING


@pytest.mark.parametrize(
    "raw",
    [
        True,
        False,
        math.nan,
        Decimal("nan"),
        Decimal("snan"),
        "nan",
        "inf",
        "abc",
        "7,500",
        "12 34",
        "1 2345",
        "1.2.3",
        "1,23,456",
        "1.2,3.4",
        "1,2.3,4",
        "1.234,5,6",
        "1,234.5.6",
        "65 USD",
        "$65",
        "12 990 ₽",
        "12990|USD",
        "12 990 руб. KZT",
        "KZT",
        "₸",
        "12т",
        "12.990",
        "-12.990",
        "12'99",
        "от 12 990 ₸",
        "12 990 – 15 990 ₸",
        "12 990 ₸ / шт",
        "<12990",
        "7500 ₸ 8000 ₸",
        "--5",
        "0x10",
        "1e",
        "1e9999999",
        "٣",
        "½",
        "9" * 200,
        "7500\u0000",
        [],
        {},
        [7500],
        {"PRICE": 7500},
    ],
)
def test_text_without_a_number_is_unreadable(raw):
    assert read_money(raw) == Reading(reason=Reason.NOT_A_NUMBER)


@pytest.mark.parametrize(
    "raw",
    [math.inf, -math.inf, "1e999", Decimal("1e999999"), HUGE, "10000000000", 9999999999.995, 10**12],
)
def test_number_out_of_range_is_unreadable(raw):
    assert read_money(raw) == Reading(reason=Reason.OUT_OF_RANGE)


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("1e30", Decimal("1e30")),
        (Decimal("9.99e30"), Decimal("9.99e30")),
        ("-1e30", Decimal("-1e30")),
        ("1e31", None),
        (1e31, None),
        (2**128 - 1, Decimal(2**128 - 1)),
        (-(2**128) + 1, Decimal(-(2**128) + 1)),
        (2**128, None),
        ("1e-12", Decimal("1e-12")),
        (Decimal("-9e-12"), Decimal("-9e-12")),
        ("9e-13", Decimal(0)),
        (1e-13, Decimal(0)),
        (Decimal("0e999999"), Decimal(0)),
    ],
)
def test_number_has_largest_and_smallest_size(raw, number):
    assert read_number(raw) == (Reading(number) if number is not None else Reading(reason=Reason.OUT_OF_RANGE))


def test_zero_has_no_sign_and_no_exponent():
    assert [str(read_number(raw).value) for raw in ("-0", "0e5", "0.000", Decimal("-0e-20"))] == ["0"] * 4


def test_text_of_a_number_has_a_maximum_length():
    assert read_number("0" * 99 + "5") == Reading(Decimal(5))
    assert read_number("0" * 100 + "5") == Reading(reason=Reason.NOT_A_NUMBER)


@given(st.decimals(min_value=0, max_value=9_999_999_999, places=2))
def test_any_amount_is_read_from_every_spelling(amount):
    grouped = f"{amount:,.2f}"
    spellings = [
        amount,
        str(amount),
        f"{amount}00",
        str(amount).replace(".", ","),
        grouped,
        grouped.replace(",", " "),
        grouped.replace(",", "\u00a0").replace(".", ","),
        grouped.replace(",", "\u202f") + " ₸",
        f"{amount} KZT",
        json.loads(str(amount), parse_float=Decimal),
        float(amount),
    ]
    for spelling in spellings:
        assert read_money(spelling) == Reading(amount), spelling


@pytest.mark.parametrize(
    ("raw", "reading"),
    [
        ("1.0000", Reading(Decimal("1.000"))),
        (0.30000000000000004, Reading(Decimal("0.300"))),
        ("2,5", Reading(Decimal("2.500"))),
        (0, Reading(Decimal("0.000"))),
        (-1, Reading(reason=Reason.OUT_OF_RANGE)),
        ("10000000", Reading(reason=Reason.OUT_OF_RANGE)),
        ("шт", Reading(reason=Reason.NOT_A_NUMBER)),
    ],
)
def test_quantity_is_read(raw, reading):
    assert read_quantity(raw) == reading


def test_stock_may_be_negative():
    assert read_stock("-3") == Reading(Decimal("-3.000"))


@pytest.mark.parametrize("raw", ["122183", 122183, 122183.0, "122183.0", " 122183 ", Decimal("122183.0000")])
def test_id_is_read_in_each_spelling(raw):
    assert read_id(raw) == Reading(122183)
    assert type(read_id(raw).value) is int


@pytest.mark.parametrize("raw", ["", None, 0, "0", 0.0, "0.00"])
def test_empty_id_is_not_read(raw):
    assert read_id(raw) == NOTHING


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("-1", Reason.OUT_OF_RANGE),
        (BIGINT + 1, Reason.OUT_OF_RANGE),
        (math.inf, Reason.OUT_OF_RANGE),
        ("1.5", Reason.NOT_A_NUMBER),
        (True, Reason.NOT_A_NUMBER),
        ("18abc", Reason.NOT_A_NUMBER),
        ([18], Reason.NOT_A_NUMBER),
    ],
)
def test_invalid_id_is_unreadable(raw, reason):
    assert read_id(raw) == Reading(reason=reason)


def test_id_must_fit_its_column():
    assert read_id(BIGINT) == Reading(BIGINT)
    assert read_id(BIGINT + 1) == Reading(reason=Reason.OUT_OF_RANGE)
    assert read_whole_number(2**31 - 1) == Reading(2**31 - 1)
    assert read_whole_number(2**31) == Reading(reason=Reason.OUT_OF_RANGE)
    assert read_whole_number("0") == Reading(0)


@pytest.mark.parametrize("raw", ["Y", "y", " Y ", True, 1, "1", 1.0, "1.0", Decimal(1), "true", "Да", "on", "yes"])
def test_flag_is_true(raw):
    assert read_flag(raw) == Reading(True)


@pytest.mark.parametrize("raw", ["N", "n", False, 0, "0", 0.0, "false", "нет", "off", "no"])
def test_flag_is_false(raw):
    assert read_flag(raw) == Reading(False)


@pytest.mark.parametrize("raw", ["", " ", None, []])
def test_empty_flag_is_not_read(raw):
    assert read_flag(raw) == NOTHING


@pytest.mark.parametrize("raw", ["maybe", 2, -1, math.nan, Decimal("snan"), {}, ["Y"], "YY"])
def test_invalid_flag_is_unreadable(raw):
    assert read_flag(raw) == Reading(reason=Reason.NOT_A_FLAG)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Букет &quot;Стандарт&quot; &amp; роза &#40;1&#41;", 'Букет "Стандарт" & роза (1)'),
        ("&amp;quot;", "&quot;"),
        ("R&amp", "R&amp"),
        ("?a=1&copy=2", "?a=1&copy=2"),
        ("a\x00b\ud800c\x1bd", "abcd"),
        ("\ud83c\udf39", "🌹"),
        ("&#0;&#xD800;", "\ufffd\ufffd"),
        ("  два   слова\r\n", "два слова"),
        (5, "5"),
        (5.0, "5"),
        (Decimal("7500.50"), "7500.50"),
        (True, "1"),
        (False, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_line_of_text_is_read(raw, text):
    assert read_line(raw, max_length=100) == Reading(text)


@pytest.mark.parametrize("raw", [{}, {"a": 1}, ["a"], math.nan, math.inf, HUGE])
def test_value_that_is_not_text_is_unreadable(raw):
    assert read_line(raw, max_length=100) == Reading(reason=Reason.NOT_TEXT)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("С любовью,\r\nмама\r\rпапа\n", "С любовью,\nмама\n\nпапа"),
        ("раз<br />\nдва<br>три<BR/>четыре", "раз\nдва\nтри\nчетыре"),
        ("раз&lt;br&gt;два", "раз\nдва"),
        ("Әже, 🌹👩‍👩‍👧 ❤️ Құттықтаймыз\tи точка", "Әже, 🌹👩‍👩‍👧 ❤️ Құттықтаймыз\tи точка"),
        ("  отступ\n  остаётся", "отступ\n  остаётся"),
    ],
)
def test_text_of_several_lines_is_read(raw, text):
    assert read_lines(raw) == Reading(text)


def test_no_text_is_cut():
    assert read_line("абвг", max_length=4) == Reading("абвг")
    assert read_line("абв где", max_length=4) == Reading(reason=Reason.TOO_LONG)
    assert read_line("а" * 20_000).value == read_lines("а" * 20_000).value == "а" * 20_000


@given(st.text())
def test_any_text_is_cleaned_of_nul_and_outer_spaces(text):
    cleaned = clean_lines(text, breaks=True)
    cleaned.encode()
    assert "\0" not in cleaned
    assert "\r" not in cleaned
    assert cleaned == cleaned.strip()
    assert clean_line(text) == " ".join(clean_line(text).split())
    assert isinstance(unescape(text), str)


def test_phone_is_read_as_e164():
    assert read_phone("8 (701) 123-45-67") == Reading("+77011234567")
    assert read_phone(77011234567) == Reading("+77011234567")
    assert read_phone("") == Reading("")
    assert read_phone("нет") == Reading("нет", Reason.NOT_A_PHONE)
    assert read_phone({"a": 1}) == Reading(reason=Reason.NOT_TEXT)


@pytest.mark.parametrize(
    ("raw", "reading"),
    [
        ("18", Reading("18")),
        (18, Reading("18")),
        (18.0, Reading("18")),
        ("с 15 до 16", Reading("15:00-16:00")),
        ("14:00-16:00", Reading("14:00-16:00")),
        ("утром", Reading("утром")),
        ("как можно раньше, до обеда", Reading("как можно раньше, до обеда")),
        ("ж" * 600, Reading("ж" * 600)),
        ("ж" * 601, Reading(reason=Reason.TOO_LONG)),
        ("", NOTHING),
        (None, NOTHING),
        ("0", NOTHING),
        ("-5", Reading(reason=Reason.OUT_OF_RANGE)),
        (True, Reading(reason=Reason.NOT_A_NUMBER)),
        ({}, Reading(reason=Reason.NOT_A_NUMBER)),
    ],
)
def test_slot_is_read_as_key(raw, reading):
    assert read_slot(raw) == reading


@pytest.mark.parametrize(
    ("raw", "reading"),
    [
        ("N", Reading("N")),
        (" ap ", Reading("ap")),
        ("", NOTHING),
        (None, NOTHING),
        ("Принят", Reading(reason=Reason.OUT_OF_RANGE)),
        ("N; DROP", Reading(reason=Reason.OUT_OF_RANGE)),
        ("A" * 10, Reading("A" * 10)),
        ("A" * 11, Reading(reason=Reason.TOO_LONG)),
        ({}, Reading(reason=Reason.NOT_TEXT)),
    ],
)
def test_status_code_is_read(raw, reading):
    assert read_status(raw) == reading


def test_currency_is_read():
    assert read_currency("kzt") == Reading("KZT")
    assert read_currency("") == NOTHING
    assert read_currency("тенге") == Reading(reason=Reason.OUT_OF_RANGE)


ALMATY_15 = datetime(2025, 8, 25, 15, tzinfo=ALMATY)


@pytest.mark.parametrize(
    "raw",
    [
        "25.08.2025 15:00:00",
        "25.08.2025 15:00",
        "25.08.2025, 15:00",
        "2025-08-25 15:00:00",
        "2025-08-25T15:00:00",
        "2025-08-25T15:00:00+05:00",
        "2025-08-25T15:00:00+0500",
        "2025-08-25 15:00:00 +05",
        "2025-08-25T10:00:00Z",
        "2025-08-25T10:00:00.000Z",
        "2025-08-25T12:00:00+02:00",
        "2025-08-25T06:00:00-04:00",
        "08/25/2025 03:00:00 pm",
        "25/08/2025 15:00",
        1756116000,
        1756116000.0,
        "1756116000",
        1756116000000,
        "1756116000000",
        Decimal("1756116000"),
        {"date": "2025-08-25 15:00:00.000000", "timezone_type": 3, "timezone": "Asia/Almaty"},
        {"date": "2025-08-25 13:00:00.000000", "timezone_type": 3, "timezone": "Europe/Moscow"},
        {"date": "2025-08-25 10:00:00.000000", "timezone_type": 1, "timezone": "+00:00"},
        {"date": "2025-08-25 10:00:00.000000", "timezone_type": 2, "timezone": "Z"},
        {"date": "2025-08-25 10:00:00.000000", "timezone_type": 2, "timezone": "z"},
        {"date": "2025-08-25 15:00:00.000000", "timezone_type": 3, "timezone": "Nowhere/../At all"},
        datetime(2025, 8, 25, 15),  # noqa: DTZ001
        datetime(2025, 8, 25, 10, tzinfo=UTC),
    ],
)
def test_moment_is_read_in_each_format(raw):
    assert read_moment(raw) == Reading(ALMATY_15)
    assert read_moment(raw).value.tzinfo is not None
    assert read_date(raw) == Reading(date(2025, 8, 25))


@pytest.mark.parametrize(
    "raw", ["25.08.2025", "2025-08-25", "25.8.2025", "08/25/2025", "25/08/2025", date(2025, 8, 25)]
)
def test_day_is_read_in_each_format(raw):
    assert read_date(raw) == Reading(date(2025, 8, 25))
    assert read_moment(raw) == Reading(datetime(2025, 8, 25, tzinfo=ALMATY))


@pytest.mark.parametrize(
    "raw",
    ["", " ", None, [], 0, "0", "0000-00-00", "0000-00-00 00:00:00", "00.00.0000", "-0001-11-30 00:00:00"],
)
def test_empty_date_is_not_read(raw):
    assert read_date(raw) == read_moment(raw) == NOTHING


def test_empty_object_is_an_unreadable_date():
    assert read_moment({}) == NOTHING
    assert read_date({}) == Reading(reason=Reason.NOT_A_DATE)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("31.02.2025", Reason.NOT_A_DATE),
        ("04/05/2025", Reason.NOT_A_DATE),
        ("13/13/2025", Reason.NOT_A_DATE),
        ("завтра", Reason.NOT_A_DATE),
        ("2025-08-25 25:00:00", Reason.NOT_A_DATE),
        ("2025-08-25T15:00:00+99:00", Reason.NOT_A_DATE),
        ("08/25/2025 13:00:00 pm", Reason.NOT_A_DATE),
        ("2025-08-25" * 20, Reason.NOT_A_DATE),
        (True, Reason.NOT_A_DATE),
        (math.nan, Reason.NOT_A_DATE),
        ([1], Reason.NOT_A_DATE),
        ({"date": {}}, Reason.NOT_A_DATE),
        ("1999-12-31", Reason.OUT_OF_RANGE),
        ("2101-01-01", Reason.OUT_OF_RANGE),
        ("0001-01-01T00:00:00+05:00", Reason.OUT_OF_RANGE),
        ("9999-12-31T23:59:59-10:00", Reason.OUT_OF_RANGE),
        (18, Reason.OUT_OF_RANGE),
        (-1, Reason.OUT_OF_RANGE),
        (10**30, Reason.OUT_OF_RANGE),
    ],
)
def test_invalid_date_is_unreadable(raw, reason):
    assert read_date(raw) == Reading(reason=reason)
    assert read_moment(raw) == Reading(reason=reason)


def test_equal_day_and_month_are_not_ambiguous():
    assert read_date("05/05/2025") == Reading(date(2025, 5, 5))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("12/05/2025", None),
        ("05/12/2025", None),
        ("11/12/2025", None),
        ("13/05/2025", date(2025, 5, 13)),
        ("05/13/2025", date(2025, 5, 13)),
        ("31/12/2025", date(2025, 12, 31)),
        ("12/31/2025", date(2025, 12, 31)),
        ("12/12/2025", date(2025, 12, 12)),
    ],
)
def test_order_of_day_and_month_is_known_only_if_one_is_above_twelve(text, day):
    assert read_date(text) == (Reading(day) if day else Reading(reason=Reason.NOT_A_DATE))


@pytest.mark.parametrize(
    ("fraction", "microseconds"),
    [
        (".5", 500_000),
        (",25", 250_000),
        (".000001", 1),
        (".123456", 123_456),
        (".1234567", 123_456),
        (".123456789", 123_456),
    ],
)
def test_fraction_of_a_second_is_read_to_the_microsecond(fraction, microseconds):
    moment = datetime(2025, 8, 25, 15, 0, 59, microseconds, tzinfo=ALMATY)
    assert read_moment(f"2025-08-25 15:00:59{fraction}") == Reading(moment)
    assert read_moment({"date": f"2025-08-25 15:00:59{fraction}"}) == Reading(moment)


def test_text_of_a_date_has_a_maximum_length():
    spaces = " " * (64 - len("2025-08-25" + "15:00"))
    assert read_moment(f"2025-08-25{spaces}15:00") == Reading(ALMATY_15)
    assert read_moment(f"  2025-08-25{spaces}15:00  ") == Reading(ALMATY_15)
    assert read_moment(f"2025-08-25{spaces} 15:00") == Reading(reason=Reason.NOT_A_DATE)


def test_huge_number_is_not_a_date():
    for raw in (math.inf, 10**5000, "9" * 16, Decimal("1e999999")):
        assert read_date(raw).reason is not None


@pytest.mark.parametrize(
    ("raw", "utc"),
    [
        ("2024-02-29 22:59:59", datetime(2024, 2, 29, 16, 59, 59, tzinfo=UTC)),
        ("2024-02-29 12:00:00", datetime(2024, 2, 29, 6, tzinfo=UTC)),
        ("2024-03-01 00:00:00", datetime(2024, 2, 29, 19, tzinfo=UTC)),
        ("01.03.2024 12:00:00", datetime(2024, 3, 1, 7, tzinfo=UTC)),
    ],
)
def test_almaty_offset_changes_on_first_of_march_2024(raw, utc):
    assert read_moment(raw).value == utc


def test_date_of_a_moment_is_its_day_in_almaty():
    assert read_date("2025-08-24T19:00:00Z") == Reading(date(2025, 8, 25))
    assert read_date("2024-02-29T18:30:00Z") == Reading(date(2024, 2, 29))
    assert read_date("2024-02-10T18:30:00Z") == Reading(date(2024, 2, 11))


@pytest.mark.parametrize(
    "raw",
    [
        "2026-12-25T00:00:00+05:00",
        "2026-12-25T00:00:00+06:00",
        "2026-12-25T00:00:00+03:00",
        "2026-12-25T00:00:00Z",
        "2026-12-24T19:00:00Z",
        "2026-12-24T18:00:00Z",
        "2026-12-25 00:00:00",
        {"date": "2026-12-25 00:00:00.000000", "timezone_type": 1, "timezone": "+06:00"},
        int(datetime(2026, 12, 24, 18, tzinfo=UTC).timestamp()),
    ],
)
def test_midnight_is_its_day_with_any_offset(raw):
    assert read_date(raw) == Reading(date(2026, 12, 25))


@pytest.mark.parametrize(
    "raw",
    [
        "25 декабря 2026",
        "25 декабря 2026 г.",
        "25 декабря 2026 года",
        "25 Дек. 2026",
        "25-го декабря 2026",
        "пятница, 25 декабря 2026",
        "Пт 25 декабря 2026",
        "25\u00a0декабря  2026",
        "25 желтоқсан 2026",
        "25 December 2026",
        "December 25, 2026",
        "Fri, December 25th 2026",
        "25.12.2026 г.",
        "25.12.26",
        "пт, 25.12.2026",
    ],
)
def test_day_is_read_as_people_write_it(raw):
    assert read_date(raw) == Reading(date(2026, 12, 25))


@pytest.mark.parametrize(
    "raw",
    [
        "25 декабря",
        "31 февраля 2026",
        "25 брюмера 2026",
        "25.13.26",
        "декабрь 2026",
        "25 12 2026",
        "25 декабря 2026 или позже",
    ],
)
def test_day_in_any_other_form_is_unreadable(raw):
    assert read_date(raw) == Reading(reason=Reason.NOT_A_DATE)


def test_date_of_a_moment_does_not_depend_on_time_zone_of_the_machine(monkeypatch):
    with monkeypatch.context() as machine:
        machine.setenv("TZ", "America/New_York")
        time.tzset()
        found = read_date("2025-08-24T19:00:00Z")
    time.tzset()
    assert found == Reading(date(2025, 8, 25))


FORMATS = ["%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]
OFFSETS = [timezone(timedelta(hours=hours)) for hours in (-4, 0, 3, 5, 6)]


@given(
    st.one_of(
        st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30)),  # noqa: DTZ001
        st.datetimes(datetime(2024, 2, 28), datetime(2024, 3, 3)),  # noqa: DTZ001
    ),
    st.sampled_from(OFFSETS),
)
def test_any_date_is_read_from_every_format(naive, offset):
    naive = naive.replace(microsecond=0)
    local = naive.replace(tzinfo=ALMATY)
    for pattern in FORMATS:
        assert read_moment(local.strftime(pattern)).value == local
        assert read_date(local.strftime(pattern)).value == naive.date()
    moment = naive.replace(tzinfo=offset)
    for text in (moment.isoformat(), moment.strftime("%Y-%m-%dT%H:%M:%S%z"), int(moment.timestamp())):
        reading = read_moment(text)
        assert reading.value == moment
        # Midnight stands for its day in the zone in which it is midnight: see the test of midnights.
        if all(moment.astimezone(zone).time() != datetime.min.time() for zone in (*OFFSETS, ALMATY)):
            assert read_date(text).value == moment.astimezone(ALMATY).date()


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.decimals(allow_nan=True, allow_infinity=True)
        | st.text()
        | st.text(alphabet="0123456789.,-+eE: /TZ₸\u00a0", max_size=30),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
)
def test_any_value_is_read_without_an_error(raw):
    for reader in EVERY_READER:
        assert isinstance(reader(raw), Reading)
    json.dumps(storable(raw), allow_nan=False).encode()


def test_value_becomes_plain_json():
    deep: list = []
    for _ in range(900):
        deep = [deep]
    stored = storable({"a\0": math.nan, "a": Decimal("7500.00"), "b": 10**5000, "c": deep, "d": {1: "\ud800x"}})
    text = json.dumps(stored, allow_nan=False)
    assert stored["a"] == "nan"
    assert stored["a#2"] == "7500.00"
    assert stored["b"].startswith("0x")
    assert stored["d"] == {"1": "x"}
    assert json.loads(text) == stored


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (datetime(2025, 8, 25, 10, 0, 1, tzinfo=UTC), "2025-08-25T10:00:01+00:00"),
        (date(2025, 8, 25), "2025-08-25"),
        (2**1024 - 1, 2**1024 - 1),
        (-(2**1024) + 1, -(2**1024) + 1),
        (2**1024, "0x1" + "0" * 256),
        (-math.inf, "-inf"),
        ((1, None, True), [1, None, True]),
        (Decimal("-7.50"), "-7.50"),
        (b"\x00a", "b'\\x00a'"),
    ],
)
def test_value_is_kept_in_plain_form(raw, kept):
    assert storable(raw) == kept
    assert type(storable(raw)) is type(kept)


def test_values_with_equal_keys_are_all_kept():
    target: dict = {}
    for value in ("x", "x", "y", "z"):
        add_under_free_key(target, "a", value)
    assert target == {"a": "x", "a#2": "y", "a#3": "z"}


def test_numbers_of_equal_keys_start_at_two_and_skip_when_there_are_many():
    target: dict = {f"b{number}": None for number in range(20)}
    for value in range(12):
        add_under_free_key(target, "a", value)
    numbers = [key for key in target if key.startswith("a")]
    # Nine keys are found by counting. After that the number of all keys is a free number.
    assert numbers == ["a", *(f"a#{number}" for number in range(2, 10)), "a#29", "a#30", "a#31"]
