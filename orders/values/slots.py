"""Functions that read delivery slots written as strings: `15:00-16:00`, `с 15:00 до 16:00`, `ко времени 15:30`."""

import re
from datetime import time

KEY_LENGTH = 600
"""The maximum length of the id of a slot. The index of ids can't contain longer texts."""

_NIGHT_ENDS = time(6)
"""A slot may end after midnight, up to this hour. If a later end is before the start, it was entered by mistake."""

_CLOCK = r"([01]?[0-9]|2[0-4])(?:[:.]([0-5][0-9]))?(?:[:.]00)?"
_SLOT = re.compile(rf"(?:(?:с|от)\s+)?{_CLOCK}\s*(?:[-\u2010-\u2015\u2212]|\sдо\s)\s*{_CLOCK}", re.IGNORECASE)
_ONE_CLOCK = re.compile(r"(?<![0-9:.])([01]?[0-9]|2[0-4])[:.]([0-5][0-9])(?:[:.]00)?(?![0-9:.]*[0-9])")
_ONE_HOUR = re.compile(
    r"\b(?:к|ко|до|после|с|от|в|около)\s+([01]?[0-9]|2[0-4])(?:\s*(?:час(?:ам|ов|а)?|ч))?\.?", re.IGNORECASE
)
_LATEST = re.compile(r"\b(?:до|не позднее|не позже)\b", re.IGNORECASE)
_EARLIEST = re.compile(r"\b(?:после|с|от|не раньше|не ранее)\s", re.IGNORECASE)


def parse_slot(text: str) -> tuple[time, time] | None:
    """Return the start and the end of a slot (time in Almaty), or None if the string is not a slot.

    24:00 is returned as 00:00.
    """
    match = _SLOT.fullmatch(" ".join(text.split()))
    if match is None:
        return None
    starts_at = _clock(match[1], match[2])
    ends_at = _clock(match[3], match[4])
    if starts_at is None or ends_at is None or starts_at == ends_at:
        return None
    if ends_at < starts_at and ends_at > _NIGHT_ENDS:
        return None
    return starts_at, ends_at


def hours_in(text: str) -> tuple[time | None, time | None]:
    """Return the start and the end of the slot that a string names, each None if the string does not name it.

    `ко времени 15:30` starts and ends at 15:30, `до 15:00` only ends, and `после 18:00` only starts. A string that
    names several hours and is not a slot names none.
    """
    if slot := parse_slot(text):
        return slot
    found = [_clock(*match.groups()) for match in _ONE_CLOCK.finditer(text)]
    if not found and (match := _ONE_HOUR.fullmatch(" ".join(text.split()))):
        found = [_clock(match[1], None)]
    if len(found) != 1 or found[0] is None:
        return None, None
    if _LATEST.search(text):
        return None, found[0]
    return (found[0], None) if _EARLIEST.search(text) else (found[0], found[0])


def slot_key(text: str) -> str:
    """Return the id of a slot, such as `14:00-16:00`, which is the same for all formats of the slot.

    If the string is not a slot, return the string.
    """
    slot = parse_slot(text)
    if slot is None:
        return " ".join(text.split())
    return f"{slot[0]:%H:%M}-{slot[1]:%H:%M}"


def _clock(hours: str, minutes: str | None) -> time | None:
    if int(hours) == 24:
        return time(0) if int(minutes or 0) == 0 else None
    return time(int(hours), int(minutes or 0))
