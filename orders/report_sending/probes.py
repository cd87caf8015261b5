"""The health probes of e-mail and of scheduled reports."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm import mail
from cvety_crm.ops.health import Finding, Level, probe
from cvety_crm.outbox import State
from orders.models import ReportDelivery, ReportSchedule

RECENT = timedelta(days=7)


@probe(_("Mail server"), reads_database=True)
def email() -> Finding:
    """Report whether e-mail is set up, and the last failure of an e-mail within a week."""
    is_needed = ReportSchedule.objects.filter(is_active=True).exclude(emails=[]).exists()
    if not mail.is_configured():
        if is_needed:
            return Finding(Level.RED, gettext("not set up"), gettext("Scheduled reports need it. Set EMAIL_URL."))
        return Finding(Level.GREEN, gettext("not set up"))
    failed = ReportDelivery.objects.filter(
        channel=ReportDelivery.Channel.EMAIL, updated_at__gte=timezone.now() - RECENT
    ).exclude(last_error="")
    last = failed.exclude(state__in=(State.DELIVERED, State.CANCELLED)).order_by("-updated_at").first()
    if last is not None:
        return Finding(Level.YELLOW, gettext("set up; the last failure: %(error)s") % {"error": last.last_error})
    return Finding(Level.GREEN, gettext("set up"))


@probe(_("Reports not delivered"), reads_database=True)
def undelivered() -> Finding:
    """Count the deliveries that failed within a week and are not retried any more."""
    number = failed_reports()
    if number:
        hint = gettext("Open “Deliveries of reports”: each shows the reason. Then retry it.")
        return Finding(Level.YELLOW, str(number), hint)
    return Finding(Level.GREEN, "0")


def failed_reports() -> int:
    """Return the number of deliveries that failed within a week. The query uses a partial index."""
    since = timezone.now() - RECENT
    return ReportDelivery.objects.filter(state=State.FAILED, finished_at__gte=since).count()
