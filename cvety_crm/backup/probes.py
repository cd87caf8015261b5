"""The probe of the backups: the age of the last one, and of the last proof that one restores."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.backup.restoring import DRILL
from cvety_crm.backup.running import BACKUP
from cvety_crm.formatting import duration
from cvety_crm.models import Heartbeat
from cvety_crm.ops.health import Finding, Level, probe

LATE, OLD = timedelta(hours=30), timedelta(hours=72)
"""A nightly backup is a day old at most. After three days without one, the loss would be too large."""
DRILL_LATE = timedelta(days=45)


@probe(_("Backup"), reads_database=True)
def last_backup() -> Finding:
    """Report the age of the last backup and of the last drill."""
    if not settings.BACKUP_TARGET:
        level = Level.GREEN if settings.DEBUG else Level.YELLOW
        return Finding(level, gettext("not configured"), "" if settings.DEBUG else gettext("Set BACKUP_TARGET."))
    backup, drill = Heartbeat.last(BACKUP), Heartbeat.last(DRILL)
    figure = gettext("last backup: %(backup)s, last drill: %(drill)s") % {"backup": _ago(backup), "drill": _ago(drill)}
    if _is_older(backup, OLD):
        return Finding(Level.RED, figure, gettext("Run: manage.py backup. It says what is wrong."))
    if _is_older(backup, LATE):
        return Finding(Level.YELLOW, figure, gettext("The nightly backup is late. Is the worker running?"))
    if _is_older(drill, DRILL_LATE):
        return Finding(Level.YELLOW, figure, gettext("Prove that it restores: manage.py backup --drill"))
    return Finding(Level.GREEN, figure)


def _is_older(moment: datetime | None, age: timedelta) -> bool:
    return moment is None or timezone.now() - moment > age


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return gettext("never")
    seconds = max((timezone.now() - moment).total_seconds(), 0)
    return gettext("%(time)s ago") % {"time": duration(seconds)}
