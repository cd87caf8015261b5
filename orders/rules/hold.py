"""The hold period of a status set in the CRM: how long the status can be undone, and when it may be sent."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

MARGIN = timedelta(seconds=1)
"""The time between the end of the hold period and the delivery. An undo in the last second must come before the
delivery, even if the clocks of two machines differ a little."""


def hold_period() -> timedelta:
    """Return how long a status can be undone, or zero if the hold period is switched off."""
    return timedelta(seconds=settings.STATUS_HOLD_SECONDS)


def held_until() -> datetime | None:
    """Return the end of the hold period of a status that is set now, or None if the hold period is switched off."""
    period = hold_period()
    return timezone.now() + period if period else None


def release_time(held_until: datetime | None) -> datetime | None:
    """Return when a status that is held until `held_until` may be sent, or None if it may be sent now."""
    if held_until is None:
        return None
    moment = held_until + MARGIN
    return moment if moment > timezone.now() else None
