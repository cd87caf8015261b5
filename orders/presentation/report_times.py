"""The words for when a scheduled report is sent."""

from django.utils.translation import gettext

from orders.models import Frequency, ReportSchedule


def sending_text(schedule: ReportSchedule) -> str:
    """Return when the report is sent and for which days, such as `every day at 09:00, for yesterday`."""
    values = {
        "time": f"{schedule.hour:02}:00",
        "weekday": schedule.get_weekday_display(),
        "day": schedule.day,
        "period": schedule.get_period_display(),
    }
    if schedule.frequency == Frequency.WEEKLY:
        return gettext("every week, %(weekday)s, at %(time)s, for: %(period)s") % values
    if schedule.frequency == Frequency.MONTHLY:
        return gettext("every month on day %(day)s at %(time)s, for: %(period)s") % values
    return gettext("every day at %(time)s, for: %(period)s") % values
