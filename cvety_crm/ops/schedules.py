"""The worker's scheduled jobs. The schedules are rows of django-q that `migrate` creates or updates."""

import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from cvety_crm.correlation import correlated
from cvety_crm.models import Heartbeat
from cvety_crm.ops import outside_heartbeat

logger = logging.getLogger(__name__)

EACH_MINUTE = "cvety_crm.ops.schedules.each_minute"
EACH_DAY = "cvety_crm.ops.schedules.each_day"
EACH_HOUR = "cvety_crm.ops.schedules.each_hour"
EACH_NIGHT = "cvety_crm.ops.schedules.each_night"
HOUR = timedelta(hours=1)
NIGHT = time(4, 0)
"""The time at which the nightly jobs run, in the shop's time zone. The shop is closed then."""
PAST_THE_HOUR = timedelta(minutes=30)
"""The time after the hour at which the hourly jobs run: they are finished when the nightly jobs start on the hour."""


def each_minute() -> None:
    """Write the worker's heartbeat, run `settings.MINUTE_JOBS`, and ping `HEARTBEAT_URL`."""
    try:
        Heartbeat.beat(Heartbeat.WORKER)
    except Exception:
        outside_heartbeat.ping(failed=["database"])
        raise
    outside_heartbeat.ping(failed=_run(settings.MINUTE_JOBS))


def each_day() -> None:
    """Run `settings.DAILY_JOBS`."""
    _run(settings.DAILY_JOBS)


def each_hour() -> None:
    """Run `settings.HOURLY_JOBS`."""
    _run(settings.HOURLY_JOBS)


def each_night() -> None:
    """Run `settings.NIGHT_JOBS`. They take long and should run while the shop is closed."""
    _run(settings.NIGHT_JOBS)


def _run(paths: list[str]) -> list[str]:
    """Run the jobs one after another. A job that fails is logged and does not stop the next jobs.

    Return the paths of the jobs that have failed.
    """
    failed = []
    for path in paths:
        try:
            job: Callable[[], Any] = import_string(path)
            with correlated(""):
                job()
        except Exception:
            logger.exception("the job %s failed", path)
            failed.append(path)
    return failed


def on_post_migrate(using: str, **_kwargs: Any) -> None:
    """Create the schedules, or update them if they exist."""
    from django_q.models import Schedule

    now = timezone.now()
    # Without next_run a schedule would start at once, while `migrate` is still running.
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
