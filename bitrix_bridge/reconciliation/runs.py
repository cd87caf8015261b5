"""The rules for runs of the comparison."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bitrix_bridge.models import Difference, Reconciliation
from bitrix_bridge.models.reconciliation import OPEN
from bitrix_bridge.reconciliation.recent import lost_webhooks
from cvety_crm.alerts import Alert
from cvety_crm.long_runs.engine import RunEngine, State
from cvety_crm.long_runs.holders import is_dead
from cvety_crm.users import User
from orders.models import Order

Origin = Reconciliation.Origin


ALERT_PERIOD = timedelta(hours=6)
"""The time after an alert about lost webhooks in which no other alert about them is raised."""


class ComparisonEngine(RunEngine[Reconciliation]):
    """The engine of comparisons. Only one comparison runs at a time. A worker resumes a run whose worker has ended."""

    model = Reconciliation
    already_running_text = _("A comparison is running already: wait for its end, or stop it.")
    lease = timedelta(minutes=3)
    """The lease is longer than a step can take. A step reads a page of the list twice and fetches missing orders."""
    pick_up_within = timedelta(minutes=15)
    abandoned_state = State.FAILED
    abandoned_text = _("The process that worked on it has ended.")
    retry_delays = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 120))

    def is_abandoned(self, run: Reconciliation) -> bool:
        """Return whether the run's process has ended. No worker resumes a run that was started on the command line."""
        now = timezone.now()
        if run.lease_until is None:
            return run.updated_at <= now - self.pick_up_within
        if run.origin == Origin.COMMAND and (run.lease_until <= now or is_dead(run.process)):
            return True
        return super().is_abandoned(run)

    def alert(self, run: Reconciliation) -> Alert | None:
        """Return an alert about a nightly run or about lost webhooks, or None.

        A user who starts a run sees the result on the run's page.
        """
        if run.origin == Origin.RECENT and run.state == State.DONE:
            return _lost_alert(run)
        if run.origin != Origin.SCHEDULE:
            return None
        return _failure_alert(run) if run.state == State.FAILED else _result_alert(run)


comparisons = ComparisonEngine()


def start(
    *,
    origin: Reconciliation.Origin,
    is_repair: bool,
    since: datetime | None = None,
    first_id: int | None = None,
    started_by: User | None = None,
    is_claimed: bool = False,
) -> Reconciliation:
    """Start a run over all orders, over orders that the site saved after `since`, or over orders from `first_id` on.

    A run over recent orders is stopped for any other run, because it starts again a few minutes later. Raise
    `AlreadyRunningError` if another comparison is running.
    """
    if origin != Origin.RECENT:
        for recent in Reconciliation.objects.filter(state=State.RUNNING, origin=Origin.RECENT):
            comparisons.stop(recent)
    known = Order.objects.filter(bitrix_order_id__isnull=False)
    if since is not None:
        known = known.filter(bitrix_updated_at__gte=since)
    if first_id is not None:
        known = known.filter(bitrix_order_id__gte=first_id)
    return comparisons.start(
        is_claimed=is_claimed,
        origin=origin,
        is_repair=is_repair,
        since=since,
        first_id=first_id,
        after_id=first_id - 1 if first_id is not None else 0,
        started_by=started_by,
        expected=known.count(),
    )


def open_differences(run: Reconciliation) -> int:
    """Return how many of the run's differences are not decided yet."""
    return Difference.objects.filter(run=run, outcome__in=OPEN).count()


def _result_alert(run: Reconciliation) -> Alert | None:
    if not run.need_person:
        return None
    text = ngettext("%(number)d difference needs a person.", "%(number)d differences need a person.", run.need_person)
    return Alert(title=gettext("Comparison with the site"), text=text % {"number": run.need_person}, about=run)


def _lost_alert(run: Reconciliation) -> Alert | None:
    """Return an alert about the first lost webhooks. While more are lost, the system status counts them."""
    number = lost_webhooks(run=run)
    if not number or lost_webhooks(run__started_at__gte=run.started_at - ALERT_PERIOD) > number:
        return None
    text = ngettext(
        "%(number)d order was saved on the site, and no event of it came. It was fetched. Does the site send events?",
        "%(number)d orders were saved on the site, and no events of them came. They were fetched. Does the site send"
        " events?",
        number,
    )
    return Alert(title=gettext("Events of the site are lost"), text=text % {"number": number}, about=run)


def _failure_alert(run: Reconciliation) -> Alert | None:
    before = Reconciliation.objects.filter(origin=Origin.SCHEDULE, started_at__lt=run.started_at).first()
    # If the same error occurs each night, only the first night raises an alert.
    if before is not None and before.error == run.error:
        return None
    return Alert(title=gettext("The comparison with the site has failed"), text=run.error, about=run)
