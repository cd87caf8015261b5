"""The page `/metrics` for Prometheus, and the metrics of the CRM itself.

Lengths and ages are read from the database at each scrape, so they are the same on each machine. Counters and durations
are those of this machine (`cvety_crm.measurements`), of all its processes.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_q.models import OrmQ
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from cvety_crm.measurements import BUCKETS, measured
from cvety_crm.models import Heartbeat
from cvety_crm.outbox import LIVE, State, outbox_models

SECONDS = 5
"""The time limit of one query."""
PREFIX = "cvety_crm"

MEASURED = {
    "webhook": ("Webhooks of the site, by outcome.", ("outcome",)),
    "delivery": ("Delivery attempts to other systems, by kind of entry and outcome.", ("kind", "outcome")),
}
"""The first word of a name in `cvety_crm.measurements` -> the help text and the labels, which are the other words."""


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return all metrics to a program that sends `METRICS_TOKEN` in the header `Authorization`."""
    if not settings.METRICS_TOKEN:
        return HttpResponse(status=404)
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_compare(credentials.strip(), settings.METRICS_TOKEN):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Everything())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def gauge(name: str, text: str, rows: Iterable[tuple[tuple[str, ...], float]], *labels: str) -> Metric:
    """Return a metric with the value of each row. The first part of a row are the values of the labels."""
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


class _Everything(Collector):
    """All metrics. If the database does not answer, only those of this machine."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of this machine and of each function in `settings.METRICS`."""
        yield from _durations()
        started = time.perf_counter()
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SECONDS}s"])
                seconds = time.perf_counter() - started
                found = [one for path in settings.METRICS for one in _imported(path)()]
        except DatabaseError:
            yield gauge("database_up", "Whether the database answers.", [((), 0)])
            return
        yield gauge("database_up", "Whether the database answers.", [((), 1)])
        yield gauge("database_seconds", "The time of a transaction's first statement.", [((), seconds)])
        yield from found


def worker_metrics() -> Iterator[Metric]:
    """Yield the age of the worker's heartbeat and the number of its tasks."""
    if last := Heartbeat.last(Heartbeat.WORKER):
        age = (timezone.now() - last).total_seconds()
        yield gauge("worker_heartbeat_age_seconds", "The time since the worker's last heartbeat.", [((), age)])
    due = OrmQ.objects.filter(Q(lock=None) | Q(lock__lte=timezone.now())).count()
    yield gauge("tasks_due", "Tasks that wait for a worker.", [((), due)])


def outbox_metrics() -> Iterator[Metric]:
    """Yield the number, the age and the retries of entries that are not delivered yet, one query for each kind."""
    now = timezone.now()
    numbers, ages, retries = [], [], []
    for model in outbox_models():
        kind = model._meta.db_table
        rows = model._default_manager.filter(state__in=(*LIVE, State.FAILED)).aggregate(
            **{state.value: Count("pk", filter=Q(state=state)) for state in (*LIVE, State.FAILED)},
            retried=Count("pk", filter=Q(state__in=LIVE, failures__gt=0)),
            oldest=Min("created_at", filter=Q(state__in=LIVE)),
        )
        numbers += [((kind, state.value), rows[state.value]) for state in (*LIVE, State.FAILED)]
        age = (now - rows["oldest"]).total_seconds() if rows["oldest"] else 0.0
        ages.append(((kind,), max(age, 0.0)))
        retries.append(((kind,), rows["retried"]))
    yield gauge("outbox_entries", "Entries that are not delivered, by kind and state.", numbers, "kind", "state")
    yield gauge("outbox_oldest_seconds", "The age of the oldest entry that waits.", ages, "kind")
    yield gauge("outbox_retried_entries", "Waiting entries with a failed attempt.", retries, "kind")


def _durations() -> Iterator[Metric]:
    families = {
        word: HistogramMetricFamily(f"{PREFIX}_{word}_duration_seconds", text, labels=labels)
        for word, (text, labels) in MEASURED.items()
    }
    for name, found in sorted(measured().items()):
        word, *values = name.split(" ")
        if word in families and len(values) == len(MEASURED[word][1]):
            cumulated = zip(map(str, BUCKETS), accumulate(found.buckets), strict=True)
            families[word].add_metric(values, [*cumulated, ("+Inf", found.count)], sum_value=found.seconds)
    yield from families.values()


def _imported(path: str) -> Callable[[], Iterable[Metric]]:
    function: Callable[[], Iterable[Metric]] = import_string(path)
    return function
