"""Work on comparisons to their end or slice by slice, start scheduled runs, and delete old runs."""

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
from bitrix_bridge.reconciliation.comparing import step
from bitrix_bridge.reconciliation.repair import next_to_repair, repair
from bitrix_bridge.reconciliation.runs import Origin, comparisons, start
from bitrix_bridge.site_client.transports import SiteClient
from cvety_crm.long_runs.engine import AlreadyRunningError, LeaseLostError, State
from cvety_crm.long_runs.slices import IsOverTime, SliceTask
from cvety_crm.outbox import DeliveryError, TemporaryDeliveryError
from orders.models import Order

logger = logging.getLogger(__name__)

SLICE_SECONDS = 40.0
"""The time limit of one task: shorter than django-q's timeout, and short enough for other tasks to run in between."""
KEEP_RUNS = timedelta(days=90)
KEEP_QUIET = timedelta(days=3)
"""The time for which an hourly run without differences is kept."""
RECENT = timedelta(days=14)
"""The age up to which the hourly run compares an order even if it is final."""


def work(
    run: Reconciliation,
    is_over_time: IsOverTime = lambda: False,
    *,
    on_progress: Callable[[Reconciliation], None] = lambda run: None,
) -> timedelta | None:
    """Work on a claimed run to its end, or until `is_over_time` returns True.

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
    """Repair or compare the next orders; return whether the run is finished."""
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
    """Start a repairing run; return None when no site is configured or another run is active. Called each night."""
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
    """Start a repairing run over active and recent orders; return None as `start_nightly` does. Called each hour.

    The run compares complete rows of the site's list, whenever they were saved, so that it also finds changes that move
    neither the version nor the date of an order.
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
    """Return the lowest site id of the recent or active orders; None when there are none."""
    recent = Q(created_at__gte=timezone.now() - RECENT)
    active = Q(status__is_final=False, is_cancelled=False, is_deleted_on_site=False, is_archived_on_site=False)
    open_orders = Order.objects.filter(recent | active, bitrix_order_id__isnull=False)
    first: int | None = open_orders.aggregate(first=Min("bitrix_order_id"))["first"]
    return first


def prune() -> None:
    """Delete old runs and their differences, except runs with open differences. Called daily."""
    still_open = Difference.objects.filter(run=OuterRef("pk"), outcome__in=OPEN)
    now = timezone.now()
    quiet = Q(origin=Origin.HOURLY, state=State.DONE, differences=0, started_at__lt=now - KEEP_QUIET)
    old = Reconciliation.objects.filter(quiet | Q(started_at__lt=now - KEEP_RUNS)).exclude(state=State.RUNNING)
    keys = list(old.exclude(Exists(still_open)).values_list("pk", flat=True))
    Difference.objects.filter(run__in=keys).delete()
    Reconciliation.objects.filter(pk__in=keys).delete()
