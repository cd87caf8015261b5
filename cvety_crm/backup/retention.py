"""Which backups are kept: the newest of the last days, weeks and months that have one."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

PREFIX = "cvety-crm-"
_NAME = re.compile(rf"{PREFIX}(\d{{8}}T\d{{6}}Z)\.tar(?:\.age)?")
_TIME = "%Y%m%dT%H%M%SZ"


class Kept(NamedTuple):
    """The number of days, weeks and months of which a backup is kept."""

    days: int = 7
    weeks: int = 4
    months: int = 6


def name_of(moment: datetime, *, is_encrypted: bool) -> str:
    """Return the name of a backup that was started at this time."""
    return f"{PREFIX}{moment.astimezone(UTC):{_TIME}}.tar{'.age' if is_encrypted else ''}"


def moment_of(name: str) -> datetime | None:
    """Return when a backup was started, or None if this is not the name of a backup."""
    match = _NAME.fullmatch(name)
    try:
        return datetime.strptime(match[1], _TIME).replace(tzinfo=UTC) if match else None
    except ValueError:
        return None


def sorted_backups(names: Iterable[str]) -> list[str]:
    """Return the names of backups, the newest first. Other files are left out."""
    found = [(moment, name) for name in names if (moment := moment_of(name)) is not None]
    return [name for _moment, name in sorted(found, reverse=True)]


def outdated(names: Iterable[str], kept: Kept) -> list[str]:
    """Return the names of the backups to delete. The newest one is always kept."""
    backups = sorted_backups(names)
    periods: tuple[tuple[int, Callable[[datetime], object]], ...] = (
        (kept.days, lambda moment: moment.date()),
        (kept.weeks, lambda moment: moment.isocalendar()[:2]),
        (kept.months, lambda moment: (moment.year, moment.month)),
    )
    stay = set(backups[:1])
    for count, period in periods:
        newest: dict[object, str] = {}
        for name in backups:
            moment = moment_of(name)
            assert moment is not None
            newest.setdefault(period(moment), name)
        stay.update(list(newest.values())[:count])
    return [name for name in backups if name not in stay]
