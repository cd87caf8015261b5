"""Read dates as Bitrix and PHP write them. A time without a zone is in Asia/Almaty: UTC+6 until 2024-03-01, then UTC+5.

One response of Bitrix may contain three formats, so every format is tried for every field. No exception is raised.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from bitrix_bridge.payloads.amounts import read_number
from bitrix_bridge.payloads.reading import Reading
from orders.sync.snapshot import ProblemReason

ALMATY = ZoneInfo("Asia/Almaty")

_YEARS = range(2000, 2101)
_MILLISECONDS_FROM = Decimal(10) ** 11
_LONGEST = 64

_CLOCK = (
    r"(?:(?:\s*+(?:T\s*+|,\s++)|\s++)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"\s*+(?P<half>[AaPp][Mm])?\s*+(?P<zone>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_FORMATS = (
    re.compile(r"(?P<year>[0-9]{4})([-./])(?P<month>[0-9]{1,2})\2(?P<day>[0-9]{1,2})" + _CLOCK),
    re.compile(r"(?P<day>[0-9]{1,2})([.-])(?P<month>[0-9]{1,2})\2(?P<year>[0-9]{4})" + _CLOCK),
    re.compile(r"(?P<first>[0-9]{1,2})/(?P<second_part>[0-9]{1,2})/(?P<year>[0-9]{4})" + _CLOCK),
)
_MONTHS = {
    stem: number
    for number, stems in enumerate(
        (
            "янв jan қаң",
            "фев feb ақп",
            "мар mar наур",
            "апр apr сәу",
            "мая май may мам",
            "июн jun мау",
            "июл jul шіл",
            "авг aug там",
            "сен sep қыр",
            "окт oct қаз",
            "ноя nov қараша",
            "дек dec желт",
        ),
        start=1,
    )
    for stem in stems.split()
}
"""The beginnings of the names of the months in Russian, English and Kazakh."""
_WEEKDAY = r"(?:[а-яёәіңғүұқөһa-z]{2,20}\.?,?\s+)?"
_YEAR_WORD = r"(?:\s*г(?:\.|ода?)?)?"
_TEXT_DATES = (
    re.compile(
        _WEEKDAY
        + r"(?P<day>[0-9]{1,2})(?:-?го|-?е)?\s+(?P<month>[а-яёәіңғүұқөһa-z]{3,20})\.?,?\s+(?P<year>[0-9]{4})"
        + _YEAR_WORD,
        re.IGNORECASE,
    ),
    re.compile(
        _WEEKDAY + r"(?P<month>[a-z]{3,20})\.?\s+(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>[0-9]{4})",
        re.IGNORECASE,
    ),
    re.compile(
        _WEEKDAY + r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4}|[0-9]{2})(?:\s*г(?:\.|ода?)?)?",
        re.IGNORECASE,
    ),
)
"""Dates as people write them: `25 декабря 2026 г.`, `пт, 25.12.2026`, `December 25, 2026`."""
_OLD_ALMATY = timezone(timedelta(hours=6))
"""The offset of Almaty until March 2024, which servers with old data of time zones still use."""

_USUAL = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2} (?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}")
"""A time as MySQL writes it, of a year that is in range."""
_UNIX_TIME = re.compile(r"[0-9]{9,16}(?:\.[0-9]+)?")

# MySQL's zero date, and the date into which PHP's DateTime converts the zero date.
_NO_DATE = re.compile(r"0000[-./]00[-./]00.*|00[-./]00[-./]0000.*|-0001-11-30.*|30\.11\.-0001.*|0", re.DOTALL)


def read_moment(raw: Any) -> Reading[datetime]:
    """Read an aware datetime. A date without a time of day is read as midnight in Almaty.

    `''`, null, zero dates, `{}` and `[]` count as empty.
    """
    if raw == {} or raw == []:
        return Reading()
    reading = _read(raw)
    if isinstance(reading.value, datetime) or reading.value is None:
        return Reading(reading.value, reading.reason)
    return Reading(datetime.combine(reading.value, time(), ALMATY))


def read_clock(raw: Any) -> Reading[datetime]:
    """Read a datetime by which events can be sorted. Ignore a date without a time of day: a day has many events."""
    if raw == {} or raw == []:
        return Reading()
    reading = _read(raw)
    if isinstance(reading.value, datetime) or reading.value is None:
        return Reading(reading.value, reading.reason)
    return Reading()


def read_date(raw: Any) -> Reading[date]:
    """Read a calendar date in Almaty. `''`, null, `[]` and zero dates count as empty.

    `{}` is unreadable and not empty. `json_encode` writes it for Bitrix's own date object, because the date is in a
    protected member of that object (`Bitrix\\Main\\Type\\Date`).
    """
    if raw == []:
        return Reading()
    reading = _read(raw)
    if isinstance(reading.value, datetime):
        return Reading(_day_of(reading.value))
    if reading.reason is ProblemReason.NOT_A_DATE and isinstance(raw, str) and (day := _text_date(raw)):
        return _in_range(day)
    return Reading(reading.value, reading.reason)


def _day_of(moment: datetime) -> date:
    """Return the calendar day that a moment stands for.

    Midnight is a day without a time of day. It stands for the day in the zone in which it is midnight: as it was
    written, or in Almaty before March 2024. So a site with an old offset does not move the day.
    """
    for zone in (ALMATY, None, _OLD_ALMATY):
        local = moment if zone is None else moment.astimezone(zone)
        if local.time() == time():
            return local.date()
    return moment.astimezone(ALMATY).date()


def _text_date(raw: str) -> date | None:
    """Return the date that a text contains, or None. A two-digit year is in this century."""
    text = " ".join(raw.split())
    match = (
        next((found for pattern in _TEXT_DATES if (found := pattern.fullmatch(text))), None)
        if len(text) <= _LONGEST
        else None
    )
    if match is None:
        return None
    month = int(match["month"]) if match["month"].isdecimal() else _month(match["month"])
    year = int(match["year"]) + (2000 if len(match["year"]) == 2 else 0)
    try:
        return date(year, month, int(match["day"]))
    except ValueError:
        return None


def _month(name: str) -> int:
    """Return the number of the month with this name, or 0 if there is none."""
    lower = name.casefold()
    return next((number for stem, number in _MONTHS.items() if lower.startswith(stem)), 0)


def _read(raw: Any) -> Reading[date]:
    """Read a date, or an aware datetime if the value has a time of day."""
    if raw is None:
        return Reading()
    if isinstance(raw, datetime):
        return _in_range(raw if raw.tzinfo else raw.replace(tzinfo=ALMATY))
    if isinstance(raw, date):
        return _in_range(raw)
    if isinstance(raw, str):
        return _from_text(raw)
    if isinstance(raw, Mapping):
        return _from_php_datetime(raw)
    if isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
        return _from_unix_time(raw)
    return Reading(reason=ProblemReason.NOT_A_DATE)


def _from_text(raw: str) -> Reading[date]:
    text = raw.strip()
    if _USUAL.fullmatch(text):
        with suppress(ValueError):
            return Reading(datetime.fromisoformat(text).replace(tzinfo=ALMATY))
        return Reading(reason=ProblemReason.NOT_A_DATE)
    if not text or _NO_DATE.fullmatch(text):
        return Reading()
    if len(text) > _LONGEST:
        return Reading(reason=ProblemReason.NOT_A_DATE)
    if _UNIX_TIME.fullmatch(text):
        return _from_unix_time(Decimal(text))
    for pattern in _FORMATS:
        if match := pattern.fullmatch(text):
            return _from_parts(match.groupdict())
    return Reading(reason=ProblemReason.NOT_A_DATE)


def _from_parts(parts: dict[str, Any]) -> Reading[date]:
    day_and_month = _day_and_month(parts)
    if day_and_month is None:
        return Reading(reason=ProblemReason.NOT_A_DATE)
    try:
        day = date(int(parts["year"]), day_and_month[1], day_and_month[0])
        if parts["hour"] is None:
            return _in_range(day)
        clock = time(
            _hour(int(parts["hour"]), parts["half"]),
            int(parts["minute"]),
            int(parts["second"] or 0),
            int((parts["fraction"] or "").ljust(6, "0")[:6]),
        )
        return _in_range(datetime.combine(day, clock, _zone(parts["zone"])))
    except ValueError:
        return Reading(reason=ProblemReason.NOT_A_DATE)


def _day_and_month(parts: dict[str, Any]) -> tuple[int, int] | None:
    """Return the day and the month. Return None if a date with slashes can be both d/m/Y and the American m/d/Y."""
    if "first" not in parts:
        return int(parts["day"]), int(parts["month"])
    first, second = int(parts["first"]), int(parts["second_part"])
    if first > 12 or first == second:
        return first, second
    return (second, first) if second > 12 else None


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("hour of a twelve-hour clock")
    return hour % 12 + (12 if half.casefold() == "pm" else 0)


def _zone(text: str | None) -> ZoneInfo | timezone:
    if text is None:
        return ALMATY
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _from_unix_time(raw: float | Decimal) -> Reading[date]:
    number = read_number(raw)
    if number.value is None:
        return Reading(reason=number.reason and ProblemReason.NOT_A_DATE)
    if not number.value:
        return Reading()
    seconds = number.value / 1000 if abs(number.value) >= _MILLISECONDS_FROM else number.value
    if not 0 < seconds < 2**33:
        return Reading(reason=ProblemReason.OUT_OF_RANGE)
    return _in_range(datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(seconds * 1_000_000)))


def _from_php_datetime(raw: Mapping[Any, Any]) -> Reading[date]:
    """Read the JSON of PHP's own DateTime: {"date": …, "timezone_type": 3, "timezone": …}."""
    stamp = raw.get("date")
    if not isinstance(stamp, str):
        return Reading(reason=ProblemReason.NOT_A_DATE)
    reading = _from_text(stamp)
    if not isinstance(reading.value, datetime):
        return reading
    return _in_range(reading.value.replace(tzinfo=_php_zone(raw.get("timezone"))))


def _php_zone(name: Any) -> ZoneInfo | timezone:
    if not isinstance(name, str):
        return ALMATY
    try:
        return _zone(name) if re.fullmatch(r"[Zz]|[+-][0-9]{2}:?[0-9]{2}", name) else ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # an unknown zone, or a string that is no valid zone or file name
        return ALMATY


def _in_range(value: date) -> Reading[date]:
    if value.year not in _YEARS:
        return Reading(reason=ProblemReason.OUT_OF_RANGE)
    return Reading(value)
