"""The system checks of `manage.py check`: dotted paths, translations, the time zone, the database."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning
from django.core.checks import register as register_check
from django.utils.module_loading import import_string

from cvety_crm.i18n.catalogue import COMPILED
from cvety_crm.ops.idle_transactions import check_limit
from cvety_crm.ops.row_level_security import check_tables

DOTTED_PATHS = (
    "ORDER_EVENT_HANDLERS",
    "STATUS_UNDONE_HANDLERS",
    "ORDER_PAGE_PANELS",
    "ALERT_HANDLERS",
    "REFERENCE_REFRESH",
    "REPORT_TELEGRAM_SENDER",
    "REPORT_TELEGRAM_CHATS",
    "MINUTE_JOBS",
    "DAILY_JOBS",
    "HOURLY_JOBS",
    "NIGHT_JOBS",
    "HEALTH_PROBES",
    "SANITY_CHECKS",
    "METRICS",
    "ADOPTION_STEPS",
    "ADOPTION_FINISHERS",
)


def register() -> None:
    """Register all checks. `AppConfig.ready` calls this function."""
    register_check(check_dotted_paths)
    register_check(Tags.translation)(check_compiled_texts)
    register_check(Tags.database)(check_tables)
    register_check(Tags.database)(check_limit)
    register_check(check_time_zone)


def check_compiled_texts(**_kwargs: Any) -> list[CheckMessage]:
    """Return an error if the Russian message file is not compiled: staff would see English."""
    if COMPILED.exists():
        return []
    hint = "Run python -m cvety_crm.i18n.catalogue"
    return [Error("The Russian texts are not compiled.", hint=hint, id="cvety_crm.E003")]


def check_time_zone(**_kwargs: Any) -> list[CheckMessage]:
    """Return a warning if the time zone database is older than 2024.

    Kazakhstan moved from UTC+6 to UTC+5 on 2024-03-01. An older database shifts every time without a zone by an hour.
    """
    after = datetime(2024, 3, 2, tzinfo=ZoneInfo("Asia/Almaty")).utcoffset()
    if after == timedelta(hours=5):
        return []
    hint = "Update the package tzdata of the operating system, or install the newest tzdata with pip."
    message = "The time zone database still has Asia/Almaty at UTC+6 after 2024-03-01."
    return [Warning(message, hint=hint, id="cvety_crm.W001")]


def check_dotted_paths(**_kwargs: Any) -> list[CheckMessage]:
    """Import every handler and job that the settings name. Return an error for each path that cannot be imported."""
    errors: list[CheckMessage] = []
    for name in DOTTED_PATHS:
        paths = getattr(settings, name)
        for path in [paths] if isinstance(paths, str) else paths:
            try:
                import_string(path)
            except ImportError as error:
                errors.append(Error(f"{name} names {path}, which can't be imported: {error}", id="cvety_crm.E001"))
    return errors
