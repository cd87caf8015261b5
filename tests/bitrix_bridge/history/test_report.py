"""Tests of the report of a run: it groups reasons without personal data, for any number of orders."""

import pytest
from django.db import connection

from bitrix_bridge.history import report
from bitrix_bridge.models import ImportRow, ImportRun
from orders import services
from orders.models import Order, OrderEvent
from tests.bitrix_bridge.history.tables import Schema
from tests.bitrix_bridge.history.test_import import imported, refuse
from tests.bitrix_bridge.history.week import ORDERS

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    """Create a run with 700 orders of two unknown products each.

    The run also has five orders that failed for different reasons.
    """
    run = ImportRun.objects.create(state="done")
    products = [(2000 + number, (number, number + 1)) for number in range(700)]
    rows = [
        ImportRow(run=run, bitrix_order_id=key, outcome="created", reasons=[unknown(one) for one in sold])
        for key, sold in products
    ]
    rows += [
        ImportRow(run=run, bitrix_order_id=9000 + number, outcome="failed", reasons=[failure(number)])
        for number in range(5)
    ]
    ImportRow.objects.bulk_create(rows)
    return run


def unknown(product):
    return {"code": "unknown_product", "subject": str(product)}


def failure(number):
    return {"code": "failed", "subject": f"made-up error {number}"}


def test_report_lists_failures_before_all_other_reasons(run):
    lines = list(report.lines(report.grouped_reasons(run)))
    assert [line.code for line in lines[:5]] == ["failed"] * 5
    assert [line.orders for line in lines[5:15]] == [2] * 10
    assert len(lines) == 16


def test_report_line_of_other_subjects_counts_each_order_once(run):
    (rest,) = [line for line in report.lines(report.grouped_reasons(run)) if "…" in line.text]
    named = {one["subject"] for one in report.grouped_reasons(run) if "others" not in one}
    having = {
        row.bitrix_order_id
        for row in ImportRow.objects.filter(outcome="created")
        if not {reason["subject"] for reason in row.reasons} <= named
    }
    assert rest.orders == len(having)
    assert len(rest.examples) == 5
    assert set(rest.examples) <= having
    assert rest.text.count(",") == 9


@pytest.mark.parametrize("schema", [Schema.NEW])
def test_failure_reason_has_no_customer_data_and_is_stored_once(source, post_webhook, caplog):
    """The reason also has no customer data if the batch is repeated order by order."""
    refuse("122106")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders ADD CONSTRAINT made_up CHECK (order_number <> '122107')")
    imported(source, order_ids=(ORDERS[0].id,))
    post_webhook("order.update", {"ID": ORDERS[0].id, "VERSION": 99, "PRICE": "1.00"})
    rows = ImportRow.objects.filter(run=imported(source, count=10))
    assert rows.get(bitrix_order_id=ORDERS[0].id).reasons == [{"code": "newer_here", "subject": ""}]
    (reason,) = rows.get(bitrix_order_id=122107).reasons
    assert "made_up" in reason["subject"]
    assert "+7" not in reason["subject"]
    assert "\n" not in reason["subject"]
    assert rows.filter(outcome="failed").count() == 2


@pytest.mark.parametrize("schema", [Schema.NEW])
def test_order_whose_history_cannot_be_written_fails_without_others(source, monkeypatch, caplog):
    write = services.record_history_changes

    def refuse(histories):
        if any(order.bitrix_order_id == 122107 for order, _entries in histories):
            raise ValueError("made-up error")
        return write(histories)

    monkeypatch.setattr(services, "record_history_changes", refuse)
    run = imported(source, count=10)
    assert (run.created, run.failed, run.state) == (9, 1, "done")
    assert not Order.objects.filter(bitrix_order_id=122107).exists()
    assert OrderEvent.objects.filter(order__bitrix_order_id=122106, kind="status").exists()
