"""The probes of the import: whether the site's database copy can be read, and how the last run ended."""

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bitrix_bridge.history.report import result_line
from bitrix_bridge.history.source import Source, SourceError
from bitrix_bridge.models import ImportRun
from cvety_crm.formatting import duration
from cvety_crm.ops.health import Finding, Level, probe

COPY_SECONDS = 2


@probe(_("Copy of the site (MySQL)"))
def site_copy() -> Finding:
    """Connect to the site's database copy over a read-only session, and check whether the account may write.

    An error is yellow and not red, because only the import needs the database copy.
    """
    if not settings.BITRIX_MYSQL_URL:
        return Finding(Level.GREEN, gettext("not configured"))
    try:
        with Source.configured(timeout=COPY_SECONDS) as source:
            warning = source.warning()
            where = str(source.where)
    except SourceError as error:
        hint = gettext("Make the copy reachable; after the import, clear BITRIX_MYSQL_URL.")
        return Finding(Level.YELLOW, str(error), hint)
    if warning:
        return Finding(Level.YELLOW, warning, gettext("Use one with SELECT only."))
    return Finding(Level.GREEN, gettext("%(where)s, read-only") % {"where": where})


@probe(_("Last import"), reads_database=True)
def last_import() -> Finding:
    """Return the result of the newest run. Add a hint if the run can be resumed."""
    run = ImportRun.objects.order_by("-started_at").first()
    if run is None:
        return Finding(Level.GREEN, gettext("not yet"))
    age = duration(max((timezone.now() - (run.finished_at or run.started_at)).total_seconds(), 0))
    when = gettext("%(time)s ago") % {"time": age}
    figure = f"{run.get_state_display()}, {when}: {result_line(run)}"
    if run.state in (ImportRun.State.FAILED, ImportRun.State.STOPPED):
        hint = gettext("Open “Imports” and resume it.")
        return Finding(Level.YELLOW, figure, f"{run.error.rstrip('.')}. {hint}" if run.error else hint)
    if run.failed:
        return Finding(Level.YELLOW, figure, gettext("Open “Imports”: it says why some failed, and can repeat them."))
    return Finding(Level.GREEN, figure)
