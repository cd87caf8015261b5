"""The grace time of a status that was set here: for how long it can be taken back, and when it may leave after that."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

MARGIN = timedelta(seconds=1)
"""Between the end of the grace time and the leaving: a status that is being taken back at the last moment must win
against a delivery that is about to start, also where the clocks of two machines differ a little."""


def hold_period() -> timedelta:
    """Return for how long a status can be taken back; zero when that is switched off."""
    return timedelta(seconds=settings.STATUS_HOLD_SECONDS)


def held_until() -> datetime | None:
    """Return until when a status that is set now can be taken back; None when the grace time is switched off."""
    grace = hold_period()
    return timezone.now() + grace if grace else None


def leaves_at(held_until: datetime | None) -> datetime | None:
    """Return when a status leaves that can be taken back until then; None when it may leave now."""
    if held_until is None:
        return None
    moment = held_until + MARGIN
    return moment if moment > timezone.now() else None
