"""The whole way: a week of orders from a real MariaDB into a real PostgreSQL, in two versions of the site's tables."""

from collections import Counter

import pytest

from bitrix_bridge.history import walk
from bitrix_bridge.history.reading import Selection
from bitrix_bridge.models import ImportRow, ImportRun
from orders.models import Order
from tests.bitrix_bridge.history.week import ORDERS, RUNNING, SYSTEM_SHIPMENTS, expected

pytestmark = pytest.mark.django_db


def test_all_54_come_over_each_with_what_is_odd_about_it(source, schema):
    run = walk.begin(source, Selection())
    assert walk.work(run, source)
    rows = {row.bitrix_order_id: row for row in ImportRow.objects.all()}
    assert Counter(row.outcome for row in rows.values()) == {"created": 54, "skipped": 1}, [
        row.reasons for row in rows.values() if row.outcome == "failed"
    ]
    assert rows[RUNNING.id].outcome == "skipped"
    reported = {key: {reason["code"] for reason in row.reasons} for key, row in rows.items()}
    assert {order.id: reported[order.id] for order in ORDERS} == {order.id: expected(order, schema) for order in ORDERS}
    run.refresh_from_db()
    assert (run.state, run.come_over, run.skipped, run.failed, run.carts) == ("done", 54, 1, 0, 3)
    assert run.system_shipments == SYSTEM_SHIPMENTS
    assert Order.objects.count() == 54
    assert ImportRun.objects.count() == 1
