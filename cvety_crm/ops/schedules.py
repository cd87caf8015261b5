"""What the worker does by the clock. The schedules are rows of django-q, made by an idempotent step of `migrate`."""

import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from cvety_crm.models import Heartbeat

logger = logging.getLogger(__name__)

EACH_MINUTE = "cvety_crm.ops.schedules.each_minute"
EACH_DAY = "cvety_crm.ops.schedules.each_day"
EACH_HOUR = "cvety_crm.ops.schedules.each_hour"
EACH_NIGHT = "cvety_crm.ops.schedules.each_night"
HOUR = timedelta(hours=1)
NIGHT = time(4, 0)
"""When the shop sleeps, by its own clock."""
PAST_THE_HOUR = timedelta(minutes=30)
"""When the hourly jobs run: between two full hours, so that they are not under way when the night's begin."""


def each_minute() -> None:
    """Beat the heart, then run `settings.MINUTE_JOBS`. One that fails does not keep the next from running."""
    Heartbeat.beat(Heartbeat.WORKER)
    _run(settings.MINUTE_JOBS)


def each_day() -> None:
    """Run `settings.DAILY_JOBS`."""
    _run(settings.DAILY_JOBS)


def each_hour() -> None:
    """Run `settings.HOURLY_JOBS`."""
    _run(settings.HOURLY_JOBS)


def each_night() -> None:
    """Run `settings.NIGHT_JOBS`: what takes long and is better done when nobody works."""
    _run(settings.NIGHT_JOBS)


def _run(paths: list[str]) -> None:
    for path in paths:
        try:
            job: Callable[[], Any] = import_string(path)
            job()
        except Exception:
            logger.exception("the job %s failed", path)


def on_post_migrate(using: str, **_kwargs: Any) -> None:
    """Create or refresh the schedules."""
    from django_q.models import Schedule

    now = timezone.now()
    # next_run is set: a schedule without it would start at once, in the middle of whatever runs `migrate`.
    for func, kind, first in (
        (EACH_MINUTE, Schedule.MINUTES, now + timedelta(seconds=5)),
        (EACH_DAY, Schedule.DAILY, now + timedelta(hours=24)),
        (EACH_HOUR, Schedule.HOURLY, now.replace(minute=0, second=0, microsecond=0) + PAST_THE_HOUR + HOUR),
        (EACH_NIGHT, Schedule.DAILY, _next_night(now)),
    ):
        Schedule.objects.using(using).update_or_create(
            name=func,
            defaults={"func": func, "schedule_type": kind, "minutes": 1, "repeats": -1},
            create_defaults={
                "func": func,
                "schedule_type": kind,
                "minutes": 1,
                "repeats": -1,
                "next_run": first,
            },
        )


def _next_night(now: datetime) -> datetime:
    local = timezone.localtime(now)
    night = timezone.make_aware(datetime.combine(local.date(), NIGHT))
    return night if night > now else night + timedelta(days=1)
