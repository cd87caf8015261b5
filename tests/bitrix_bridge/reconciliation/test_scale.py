"""Tests that memory does not grow with the number of orders, and that each page needs the same number of queries."""

import gc
import json
import tracemalloc
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bitrix_bridge.payloads.listing import read_page
from bitrix_bridge.reconciliation import comparing

pytestmark = pytest.mark.django_db

PAGE = 100
STATE = {
    "agreed": {"status": "accepted", "postcard_text": "С днём рождения! " * 20},
    "site_status": "AP",
    "received_version": 3,
}
ROW: dict[str, Any] = {
    "xml_id": "bx_1",
    "version": 3,
    "status_id": "AP",
    "price": "9000.0000",
    "payed": "N",
    "canceled": "N",
}


@pytest.fixture
def large_site(monkeypatch):
    """Return a function that creates a number of equal orders on both sides.

    With `has_differences`, every hundredth order has a different price on the site.
    """

    monkeypatch.setattr(comparing, "PAGE", PAGE)

    def make(number, *, has_differences=False):
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO orders
                    (order_number, bitrix_order_id, status, source, total_amount, bitrix_version, bitrix_state)
                SELECT id::text, id, 'accepted', 'bitrix', 9000, 3, %s::jsonb
                FROM generate_series((SELECT coalesce(max(bitrix_order_id), 0) + 1 FROM orders), %s::bigint) AS id
                """,
                [json.dumps(STATE), number],
            )

        def list_orders(_client, *, since, after_id, limit):
            ids = range(after_id + 1, min(after_id + limit, number) + 1)
            rows = [{"order_id": one, **ROW} for one in ids]
            for row in rows:
                if has_differences and row["order_id"] % 100 == 0:
                    row["price"] = "9001.0000"
            return read_page(rows, after_id=after_id, is_last=after_id + limit >= number)

        monkeypatch.setattr(comparing.SiteClient, "list_orders", list_orders)

    return make


@pytest.fixture
def garbage_is_collected_often():
    """Collect garbage as often as Python does by default. The other tests collect it rarely."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("garbage_is_collected_often")
@pytest.mark.parametrize("has_differences", [False, True], ids=["alike", "differing"])
def test_memory_does_not_grow_with_orders(large_site, compare_sides, has_differences):
    peaks = []
    for number in (4 * PAGE, 4 * PAGE, 32 * PAGE):  # the first comparison fills the caches of the process
        large_site(number, has_differences=has_differences)
        tracemalloc.start()
        try:
            run = compare_sides()
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert (run.compared, run.differences) == (number, number // 100 if has_differences else 0)
    # When garbage is collected changes a peak by a factor of up to 1.9 (128 pages, several runs). Memory that grew with
    # the number of orders would be eight times as large.
    assert peaks[2] < 2.5 * peaks[1], peaks


def test_query_count_of_a_page_is_constant(large_site, compare_sides):
    counts = []
    for pages in (4, 8, 16):
        large_site(pages * PAGE)
        with CaptureQueriesContext(connection) as captured:
            compare_sides()
        counts.append(len(captured))
    for_each_page = (counts[1] - counts[0]) / 4
    assert (counts[2] - counts[1]) / 8 == for_each_page
    assert for_each_page <= 7  # two are for a savepoint, because a test is one transaction
