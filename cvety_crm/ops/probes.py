"""The health probes of the CRM itself: the database, the migrations and the worker."""

import time

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.formatting import duration
from cvety_crm.models import SILENCE, Heartbeat
from cvety_crm.ops.health import Finding, Level, probe
from cvety_crm.ops.outside_heartbeat import OUTSIDE
from cvety_crm.ops.sanity import CHECKED, is_clean

SLOW_MILLISECONDS = 300
"""If a trivial query takes longer than this, every page is slow."""
MISSED_BEATS_SECONDS = 150
"""The number of seconds after which the worker is late. It writes a heartbeat each minute."""


@probe(_("Database"), reads_database=True)
def database() -> Finding:
    """Run a trivial query on PostgreSQL, measure its duration, and find out whether it can store anything."""
    with connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute(
            "SELECT current_setting('server_version'),"
            " pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"
        )
        version, is_read_only = cursor.fetchone()
        version = version.split()[0]
        milliseconds = (time.perf_counter() - started) * 1000
    if is_read_only:
        figure = gettext("PostgreSQL %(version)s is read-only") % {"version": version}
        return Finding(Level.RED, figure, gettext("Nothing can be saved, and the site's events are refused."))
    figure = gettext("PostgreSQL %(version)s, answers in %(number).0f ms") % {
        "version": version,
        "number": milliseconds,
    }
    if milliseconds > SLOW_MILLISECONDS:
        return Finding(Level.YELLOW, figure, gettext("The database is slow to answer."))
    return Finding(Level.GREEN, figure)


@probe(_("Migrations"), reads_database=True)
def migrations() -> Finding:
    """Check that all migrations are applied."""
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        figure = ngettext("%(number)d is not applied", "%(number)d are not applied", missing) % {"number": missing}
        return Finding(Level.RED, figure, gettext("Run: manage.py migrate"))
    return Finding(Level.GREEN, gettext("all applied"))


@probe(_("Worker"), reads_database=True, may_be_starting=True)
def worker() -> Finding:
    """Report how long ago the worker last wrote a heartbeat."""
    last = Heartbeat.last(Heartbeat.WORKER)
    hint = gettext("Nothing is sent to the site or to Telegram. Start: manage.py qcluster")
    if last is None:
        return Finding(Level.RED, gettext("has never run"), hint)
    silence = (timezone.now() - last).total_seconds()
    figure = gettext("last alive %(time)s ago") % {"time": duration(max(silence, 0))}
    if silence > SILENCE.total_seconds():
        return Finding(Level.RED, figure, hint)
    if silence > MISSED_BEATS_SECONDS:
        return Finding(Level.YELLOW, figure, gettext("It is late, or busy with a long task."))
    return Finding(Level.GREEN, figure)


@probe(_("Monitoring from outside"), reads_database=True, may_be_starting=True)
def outside() -> Finding:
    """Report whether the worker's pings reach `HEARTBEAT_URL`."""
    if not settings.HEARTBEAT_URL:
        return Finding(Level.GREEN, gettext("HEARTBEAT_URL is not set"))
    last = Heartbeat.last(OUTSIDE)
    hint = gettext("The service refuses the worker's pings, or does not answer. See the log of the worker.")
    if last is None:
        return Finding(Level.YELLOW, gettext("no ping was accepted yet"), hint)
    silence = timezone.now() - last
    figure = gettext("last ping accepted %(time)s ago") % {"time": duration(max(silence.total_seconds(), 0))}
    return Finding(Level.YELLOW, figure, hint) if silence > SILENCE else Finding(Level.GREEN, figure)


@probe(_("Contradictions in the data"), reads_database=True)
def sanity() -> Finding:
    """Report the result of the last nightly run of the sanity checks."""
    checked, clean = Heartbeat.last(CHECKED), is_clean()
    if checked is None:
        return Finding(Level.GREEN, gettext("not yet"))
    ago = duration(max((timezone.now() - checked).total_seconds(), 0))
    if clean:
        return Finding(Level.GREEN, gettext("none, checked %(time)s ago") % {"time": ago})
    hint = gettext("Run: manage.py sanity_check. It names the rows and says how each is fixed.")
    return Finding(Level.YELLOW, gettext("found %(time)s ago") % {"time": ago}, hint)
