"""The probe of the comparison with the site."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bitrix_bridge.models import Difference, Reconciliation, WebhookEvent
from bitrix_bridge.reconciliation.recent import lost_webhooks, recent_runs
from cvety_crm.formatting import duration
from cvety_crm.ops.health import Finding, Level, probe

OLD = timedelta(hours=36)
"""The age at which the last complete run is too old. A complete run is started each night."""
RECENT_OLD = timedelta(minutes=20)
"""The age at which the last comparison of recent orders is too old. One is started every five minutes."""
DAY = timedelta(days=1)


@probe(_("Comparison with the site"), reads_database=True)
def last_run() -> Finding:
    """Return when all orders were last compared, and how many differences need a person."""
    now = timezone.now()
    if not (settings.BITRIX_API_URL or settings.BITRIX_REST_URL):
        return Finding(Level.GREEN, gettext("no site to compare with"))
    whole = Reconciliation.objects.filter(state=Reconciliation.State.DONE, since=None, first_id=None)
    last = whole.order_by("-started_at").values_list("finished_at", flat=True).first()
    hint = gettext("Open “Comparison”: the last run says why. Start one by hand.")
    if last is None:
        first = WebhookEvent.objects.order_by("created_at").values_list("created_at", flat=True).first()
        is_new = first is None or now - first < OLD
        return Finding(Level.GREEN if is_new else Level.YELLOW, gettext("not yet"), "" if is_new else hint)
    age = now - last
    waiting = Difference.objects.filter(outcome=Difference.Outcome.PERSON).count()
    figure = gettext("%(time)s ago, %(waiting)s") % {
        "time": duration(max(age.total_seconds(), 0)),
        "waiting": ngettext("%(number)d difference waits", "%(number)d differences wait", waiting)
        % {"number": waiting},
    }
    if age > OLD:
        return Finding(Level.YELLOW, figure, hint)
    if waiting:
        return Finding(Level.YELLOW, figure, gettext("Open “Comparison” and take a side of each."))
    return Finding(Level.GREEN, figure)


@probe(_("Lost events of the site"), reads_database=True, may_be_starting=True)
def lost_events() -> Finding:
    """Return how many orders of the last day were saved on the site without an event that reached the CRM."""
    now = timezone.now()
    if not (settings.BITRIX_API_URL or settings.BITRIX_REST_URL):
        return Finding(Level.GREEN, gettext("no site to compare with"))
    done = recent_runs().filter(state=Reconciliation.State.DONE)
    last = done.order_by("-started_at").values_list("started_at", flat=True).first()
    if last is None:
        return Finding(Level.GREEN, gettext("not yet"))
    age = now - last
    lost = lost_webhooks(created_at__gte=now - DAY)
    figure = gettext("lost in a day: %(number)d, orders of the last hour compared %(time)s ago") % {
        "number": lost,
        "time": duration(max(age.total_seconds(), 0)),
    }
    if lost:
        hint = gettext("The orders were fetched from the site. Does its handler send every event?")
        return Finding(Level.YELLOW, figure, hint)
    if age > RECENT_OLD and not Reconciliation.objects.filter(state=Reconciliation.State.RUNNING).exists():
        return Finding(Level.YELLOW, figure, gettext("The worker does not compare, or the site does not answer."))
    return Finding(Level.GREEN, figure)
