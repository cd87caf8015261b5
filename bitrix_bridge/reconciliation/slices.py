"""Working on a run: for as long as it takes, or a slice at a time, each a task of the worker's queue."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, Min, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext
from django_q.tasks import async_task

from bitrix_bridge.models import Difference, Reconciliation
from bitrix_bridge.models.reconciliation import OPEN
from bitrix_bridge.reconciliation.repair import next_to_repair, repair
from bitrix_bridge.reconciliation.runs import (
    AlreadyRunningError,
    Lost,
    Origin,
    State,
    claim,
    fail,
    fail_abandoned,
    finish,
    keep,
    release,
    start,
)
from bitrix_bridge.reconciliation.walk import step
from bitrix_bridge.site_client.transports import SiteClient
from cvety_crm.outbox import DeliveryError, TemporaryDeliveryError
from orders.models import Order

logger = logging.getLogger(__name__)

SLICE_SECONDS = 40.0
"""How long one task works, so that it ends before django-q's limit and others have their turn."""
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 120))
"""The pause after the first, second, … failure in a row; after the last one the run has failed."""
KEEP_RUNS = timedelta(days=90)
KEEP_QUIET = timedelta(days=3)
"""How long an hourly run is kept that has found nothing."""
RECENT = timedelta(days=14)
"""How long after it was placed an order is looked at each hour, final or not."""


def work(
    run: Reconciliation, *, seconds: float | None = None, on_progress: Callable[[Reconciliation], None] | None = None
) -> timedelta | None:
    """Work on a claimed run to its end, or for so long. Return the pause after which to go on; None when it has ended.

    Raises `Lost` when it was stopped, or another worker has it.
    """
    client = SiteClient()
    until = None if seconds is None else time.monotonic() + seconds
    while until is None or time.monotonic() < until:
        try:
            todo = next_to_repair(run) if run.is_repair else []
            if todo:
                repair(run, todo, client)
            elif run.phase == Reconciliation.Phase.OVER:
                finish(run)
                return None
            else:
                step(run, client)
        except TemporaryDeliveryError as failure:
            if run.failures >= len(PAUSES):
                fail(run, failure.message)
                return None
            pause = PAUSES[run.failures]
            keep(run, failures=run.failures + 1)
            return pause
        except DeliveryError as failure:
            fail(run, failure.message)
            return None
        except (Lost, OperationalError, InterfaceError):
            raise
        except Exception as error:
            logger.exception("the comparison with the site failed")
            fail(run, gettext("An error in the CRM itself: %(error)s") % {"error": type(error).__name__})
            return None
        if on_progress is not None:
            on_progress(run)
    return timedelta(0)


def work_slice(run_id: str) -> None:
    """The task: work on a run for a while, then queue the next slice. Never raises."""
    try:
        run = claim(UUID(run_id))
        if run is None:
            return
        pause = work(run, seconds=SLICE_SECONDS)
        if pause is None:
            return
        release(run, pause=pause)
        if not pause:
            nudge(run)
    except Lost:
        return
    except Exception:
        # Its lease runs out, and it is taken up again.
        logger.exception("a slice of the comparison with the site failed")


def nudge(run: Reconciliation) -> None:
    """Have a worker go on with the run as soon as the current transaction has committed."""
    key = str(run.pk)
    transaction.on_commit(lambda: async_task("bitrix_bridge.reconciliation.slices.work_slice", key), robust=True)


def take_up() -> bool:
    """Go on with a run whose pause is over, or whose worker has died; return whether there is one. Runs each minute."""
    fail_abandoned()
    free = Q(lease_until=None) | Q(lease_until__lte=timezone.now())
    run = Reconciliation.objects.filter(free, state=State.RUNNING).exclude(origin=Origin.COMMAND).first()
    if run is None:
        return False
    nudge(run)
    return True


def start_nightly() -> Reconciliation | None:
    """Begin a run that repairs; None when there is no site to ask, or one runs already. Runs each night."""
    if not (settings.BITRIX_API_URL or settings.BITRIX_REST_URL):
        return None
    try:
        run = start(origin=Origin.SCHEDULE, is_repair=True)
    except AlreadyRunningError:
        logger.warning("the nightly comparison was not started: another one runs")
        return None
    nudge(run)
    return run


def start_hourly() -> Reconciliation | None:
    """Start a run that repairs, over the orders on which somebody may still work; None as for `start_nightly`.

    Runs each hour. Whole rows of the site's list are compared, whenever they were saved: what moves neither version nor
    date of an order is found too.
    """
    first_id = first_open_id()
    if not (settings.BITRIX_API_URL or settings.BITRIX_REST_URL) or first_id is None:
        return None
    try:
        run = start(origin=Origin.HOURLY, is_repair=True, first_id=first_id)
    except AlreadyRunningError:
        logger.info("the hourly comparison was not started: another one runs")
        return None
    nudge(run)
    return run


def first_open_id() -> int | None:
    """Return the lowest id on the site of the orders placed lately or not final; None when there are none."""
    recent = Q(created_at__gte=timezone.now() - RECENT)
    goes_on = Q(status__is_final=False, is_cancelled=False, is_deleted_on_site=False, is_archived_on_site=False)
    open_orders = Order.objects.filter(recent | goes_on, bitrix_order_id__isnull=False)
    first: int | None = open_orders.aggregate(first=Min("bitrix_order_id"))["first"]
    return first


def prune() -> None:
    """Delete old runs with what they found, but for those of which something is still open. Runs daily."""
    waiting = Difference.objects.filter(run=OuterRef("pk"), outcome__in=OPEN)
    now = timezone.now()
    quiet = Q(origin=Origin.HOURLY, state=State.DONE, differences=0, started_at__lt=now - KEEP_QUIET)
    old = Reconciliation.objects.filter(quiet | Q(started_at__lt=now - KEEP_RUNS)).exclude(state=State.RUNNING)
    keys = list(old.exclude(Exists(waiting)).values_list("pk", flat=True))
    Difference.objects.filter(run__in=keys).delete()
    Reconciliation.objects.filter(pk__in=keys).delete()
