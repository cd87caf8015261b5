"""Work on comparisons: to their end, or slice by slice in the worker; those that the clock starts; old ones deleted."""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Exists, Min, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.models import Difference, Reconciliation
from bitrix_bridge.models.reconciliation import OPEN
from bitrix_bridge.reconciliation.repair import next_to_repair, repair
from bitrix_bridge.reconciliation.runs import Origin, comparisons, start
from bitrix_bridge.reconciliation.walk import step
from bitrix_bridge.site_client.transports import SiteClient
from cvety_crm.long_runs.engine import AlreadyRunningError, LeaseLostError, State
from cvety_crm.long_runs.slices import IsOverTime, SliceTask
from cvety_crm.outbox import DeliveryError, TemporaryDeliveryError
from orders.models import Order

logger = logging.getLogger(__name__)

SLICE_SECONDS = 40.0
"""How long one task works, so that it ends before django-q's limit and others have their turn."""
KEEP_RUNS = timedelta(days=90)
KEEP_QUIET = timedelta(days=3)
"""How long an hourly run is kept that has found nothing."""
RECENT = timedelta(days=14)
"""How long after it was placed an order is looked at each hour, final or not."""


def work(
    run: Reconciliation,
    is_over_time: IsOverTime = lambda: False,
    *,
    on_progress: Callable[[Reconciliation], None] = lambda run: None,
) -> timedelta | None:
    """Work on a claimed run to its end, or until its time is over.

    Return the delay after which to continue; None when the run has ended. Raises `LeaseLostError`.
    """
    client = SiteClient()
    while not is_over_time():
        try:
            if _take_step(run, client):
                return None
        except TemporaryDeliveryError as failure:
            return comparisons.back_off(run, failure.message)
        except DeliveryError as failure:
            comparisons.fail(run, failure.message)
            return None
        except (LeaseLostError, OperationalError, InterfaceError):
            raise
        except Exception as error:
            logger.exception("the comparison with the site failed")
            comparisons.fail(run, gettext("An error in the CRM itself: %(error)s") % {"error": type(error).__name__})
            return None
        on_progress(run)
    return timedelta(0)


def _take_step(run: Reconciliation, client: SiteClient) -> bool:
    """Repair or compare the next orders; return whether that was all, and the run is done."""
    if run.is_repair and (todo := next_to_repair(run)):
        repair(run, todo, client)
    elif run.phase == Reconciliation.Phase.OVER:
        comparisons.finish(run)
        return True
    else:
        step(run, client)
    return False


slice_task = SliceTask(comparisons, work, path="bitrix_bridge.reconciliation.slices.work_slice", seconds=SLICE_SECONDS)
work_slice = slice_task.run
pick_up = slice_task.pick_up


def start_nightly() -> Reconciliation | None:
    """Begin a run that repairs; None when there is no site to ask, or one runs already. Runs each night."""
    if not (settings.BITRIX_API_URL or settings.BITRIX_REST_URL):
        return None
    try:
        run = start(origin=Origin.SCHEDULE, is_repair=True)
    except AlreadyRunningError:
        logger.warning("the nightly comparison was not started: another one runs")
        return None
    slice_task.schedule(run)
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
    slice_task.schedule(run)
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
