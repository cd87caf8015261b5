"""Tests that the memory and the statements of an import do not grow with the number of orders."""

import gc
import tracemalloc
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench import history
from bitrix_bridge.history import importing
from bitrix_bridge.history.reading import Selection
from bitrix_bridge.history.source import Source
from bitrix_bridge.models import ImportRun
from orders.models import Order, OrderEvent

pytestmark = pytest.mark.django_db

BATCH = 25


@pytest.fixture
def large_copy(mariadb, settings) -> Iterator[Source]:
    """Yield the connection to a copy with twenty batches of orders."""
    copy = mariadb.database("large_copy")
    history.prepare(copy)
    history.add_orders(copy, 1, 20 * BATCH)
    settings.BITRIX_MYSQL_URL = copy.url("reader")
    with Source.configured() as opened:
        yield opened
    copy.drop()


@pytest.fixture
def garbage_is_collected_often():
    """Collect garbage as often as Python does by default. The other tests collect it rarely."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def imported(source: Source, first_id: int, batches: int) -> ImportRun:
    run = importing.start(source, Selection(first_id=first_id, count=batches * BATCH), batch_size=BATCH)
    assert importing.work(run, source)
    run.refresh_from_db()
    return run


@pytest.mark.usefixtures("garbage_is_collected_often")
def test_memory_does_not_grow_with_orders(large_copy):
    imported(large_copy, 0, 4)  # all products, and names that are remembered
    peaks = []
    for first_id, batches in ((4 * BATCH + 1, 4), (8 * BATCH + 1, 12)):
        tracemalloc.start()
        try:
            run = imported(large_copy, first_id, batches)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert run.created == batches * BATCH
    # Memory that grew with the number of orders would be three times as large.
    assert peaks[1] < 1.5 * peaks[0]


def test_batch_needs_few_statements(large_copy):
    counts = []
    for first_id, batches in ((1, 8), (8 * BATCH + 1, 12)):  # the orders of eight batches have all products
        with CaptureQueriesContext(connection) as captured:
            imported(large_copy, first_id, batches)
        counts.append(len(captured))
    assert counts[1] - counts[0] <= 4 * 20
    assert Order.objects.count() == 20 * BATCH
    assert OrderEvent.objects.filter(kind="status").count() == 3 * 20 * BATCH
