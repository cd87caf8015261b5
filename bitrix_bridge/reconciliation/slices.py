"""Run comparisons to their end or in slices, start scheduled comparisons, and delete old runs."""

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
from bitrix_bridge.reconciliation import recent
from bitrix_bridge.reconciliation.comparing import step
from bitrix_bridge.reconciliation.repair import next_to_repair, repair
from bitrix_bridge.reconciliation.runs import Origin, comparisons, start
from bitrix_bridge.site_client.limits import refresh_limits
from bitrix_bridge.site_client.transports import SiteClient
from cvety_crm.long_runs.engine import AlreadyRunningError, LeaseLostError, State
from cvety_crm.long_runs.slices import IsOverTime, SliceTask
from cvety_crm.outbox import DeliveryError, TemporaryDeliveryError
from orders.models import Order

logger = logging.getLogger(__name__)

SLICE_SECONDS = 40.0
"""The time limit of one task. It is shorter than django-q's timeout, and other tasks can run between two slices."""
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
    """Work on a run that this process has leased to its end, or until `is_over_time` returns True.

    Return the delay after which the work must continue, or None if the run has ended. Raise `LeaseLostError` if the
    lease is lost, and `OperationalError` or `InterfaceError` if the database does not answer.
    """
    client = SiteClient()
    while not is_over_time():
        try:
            if _take_step(run, client):
                return None
        except TemporaryDeliveryError as failure:
            if run.origin != Origin.RECENT:
                return comparisons.back_off(run, failure.message)
            comparisons.fail(run, failure.message)  # the next one starts within minutes
            return None
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
    """Repair or compare the next orders. Return whether the run is finished."""
    if run.is_repair and (todo := next_to_repair(run)):
        repair(run, todo, client)
    elif run.phase == Reconciliation.Phase.OVER:
        comparisons.finish(run)
        if run.origin != Origin.RECENT:  # which should need only one request
            refresh_limits()
        return True
    else:
        step(run, client)
    return False


slice_task = SliceTask(comparisons, work, path="bitrix_bridge.reconciliation.slices.work_slice", seconds=SLICE_SECONDS)
work_slice = slice_task.run
pick_up = slice_task.pick_up


def start_nightly() -> Reconciliation | None:
    """Start a repairing run. Return None if no site is configured or a comparison is running.

    This function is called each night.
    """
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
    """Start a repairing run over active and recent orders. Return None if it can't be started or has no orders.

    This function is called each hour. The run compares rows of the site's list without regard to when they were saved,
    so that it also finds changes after which the version and the date of an order are still the same.
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


def start_recent() -> Reconciliation | None:
    """Start a repairing run over orders that the site saved lately. Return None if none is due or can be started.

    This function is called each minute, and starts a run each `recent.PERIOD`.
    """
    if not (settings.BITRIX_API_URL or settings.BITRIX_REST_URL) or not recent.is_due():
        return None
    try:
        run = start(origin=Origin.RECENT, is_repair=True, since=recent.compared_since())
    except AlreadyRunningError:
        return None
    recent.forget_quiet_runs()
    slice_task.schedule(run)
    return run


def first_open_id() -> int | None:
    """Return the lowest id on the site of all recent or active orders, or None if there are no such orders."""
    recent = Q(created_at__gte=timezone.now() - RECENT)
    active = Q(status__is_final=False, is_cancelled=False, is_deleted_on_site=False, is_archived_on_site=False)
    open_orders = Order.objects.filter(recent | active, bitrix_order_id__isnull=False)
    first: int | None = open_orders.aggregate(first=Min("bitrix_order_id"))["first"]
    return first


def prune() -> None:
    """Delete old runs and their differences, except runs with open differences. This function is called each day."""
    still_open = Difference.objects.filter(run=OuterRef("pk"), outcome__in=OPEN)
    now = timezone.now()
    quiet = Q(origin=Origin.HOURLY, state=State.DONE, differences=0, started_at__lt=now - KEEP_QUIET)
    old = Reconciliation.objects.filter(quiet | Q(started_at__lt=now - KEEP_RUNS)).exclude(state=State.RUNNING)
    keys = list(old.exclude(Exists(still_open)).values_list("pk", flat=True))
    Difference.objects.filter(run__in=keys).delete()
    Reconciliation.objects.filter(pk__in=keys).delete()
