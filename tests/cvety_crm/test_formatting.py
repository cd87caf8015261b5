"""Tests of the formats of datetimes and durations that staff read."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from cvety_crm.formatting import duration, full_moment, moment_of_year, percent, precise_duration, short_moment

ALMATY = ZoneInfo("Asia/Almaty")
NOON = datetime(2025, 8, 25, 11, 42, tzinfo=ALMATY)
YESTERDAY = NOON - timedelta(days=1)
LAST_YEAR = datetime(2024, 12, 31, 9, 0, tzinfo=ALMATY)


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr(timezone, "localdate", lambda: NOON.date())


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 с"), (119, "119 с"), (121, "2 мин"), (7300, "2 ч"), (200_000, "2 дн.")]
)
def test_duration_has_one_unit(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "0 мин"),
        (timedelta(minutes=59, seconds=59), "59 мин"),
        (timedelta(hours=1, minutes=10), "1 ч 10 мин"),
        (timedelta(days=2, hours=3, minutes=59), "2 д 3 ч"),
    ],
)
def test_precise_duration_has_two_units(length, text):
    assert precise_duration(length) == text


@pytest.mark.parametrize(
    ("moment", "short", "with_years", "of_year"),
    [
        (NOON, "11:42", "11:42", "25.08 11:42"),
        (YESTERDAY, "24.08 11:42", "24.08 11:42", "24.08 11:42"),
        (LAST_YEAR, "31.12 09:00", "31.12.2024", "31.12.2024 09:00"),
    ],
)
def test_moment_leaves_out_what_is_clear(moment, short, with_years, of_year):
    assert short_moment(moment) == short
    assert short_moment(moment, with_years=True) == with_years
    assert moment_of_year(moment) == of_year


def test_moment_is_shown_in_the_time_zone_of_the_shop():
    assert full_moment(NOON.astimezone(ZoneInfo("UTC"))) == "25.08.2025 11:42"


def test_percent_does_not_break():
    assert percent(12) == "12\xa0%"
