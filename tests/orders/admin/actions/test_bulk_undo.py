"""Tests of the undo of bulk actions, and of the deletion of old runs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders import services
from orders.models import BulkResult, BulkRun, Courier, EventKind, Order, Selection
from orders.services.bulk import slices
from tests.orders.admin.actions.test_bulk import outcomes, run, select_all, statuses, work

pytestmark = pytest.mark.usefixtures("few_are_many")


def undo(client, one):
    """Press “Undo all that can be undone”, and return the run that has undone it."""
    client.post(f"/crm/orders/bulkrun/{one.pk}/undo/")
    return work(BulkRun.objects.get(undoes=one))


def test_held_statuses_are_undone_without_a_trace(browser, orders, hold_clock):
    run(browser, "accept_selected", select_all(browser), orders[0])
    one = work()
    assert (undo(browser, one).done, statuses(orders)) == (5, ["new"] * 5)
    assert not orders[0].events.filter(kind=EventKind.STATUS).exists()
    assert outcomes(one) == ["undone"] * 5
    browser.post(f"/crm/orders/bulkrun/{one.pk}/undo/")
    assert BulkRun.objects.count() == 2


def test_sent_statuses_are_set_back_if_the_rules_allow_it(browser, orders, hold_clock):
    run(browser, "accept_selected", select_all(browser), orders[0])
    one = work()
    hold_clock.let_pass(60)
    services.change_status(order_id=orders[0].pk, status="declined", actor=None)
    undone = undo(browser, one)
    assert (undone.done, undone.refused) == (4, 1)
    assert statuses(orders) == ["declined", *["new"] * 4]
    assert orders[1].events.filter(kind=EventKind.STATUS).count() == 2
    assert "ещё раз" in BulkResult.objects.get(run=undone, outcome="refused").reason


def test_assignments_are_undone_unless_they_were_changed_since(browser, orders, manager):
    first, second = Courier.objects.create(name="Ерлан"), Courier.objects.create(name="Асель")
    services.assign_courier(order_id=orders[0].pk, courier=second, actor=None)
    data = {"apply": "1", "assignee": str(first.pk)}
    run(browser, "assign_courier_to_selected", select_all(browser), orders[0], **data)
    one = work()
    services.assign_courier(order_id=orders[1].pk, courier=second, actor=None)
    undone = undo(browser, one)
    assert (undone.done, undone.refused) == (4, 1)
    found = dict(Order.objects.values_list("pk", "courier__name"))
    assert [found[order.pk] for order in orders] == ["Асель", "Асель", None, None, None]


@pytest.mark.parametrize("action", ["take_selected", "mark_notified_selected"])
def test_taking_and_notifying_are_undone(browser, orders, action):
    Order.objects.update(courier=Courier.objects.create(name="Ерлан"), status="accepted")
    run(browser, action, select_all(browser), orders[0])
    assert undo(browser, work()).done == 5
    assert set(Order.objects.values_list("responsible", "courier_notified_at")) == {(None, None)}


def test_sending_to_the_site_can_not_be_undone(browser, orders):
    run(browser, "accept_selected", select_all(browser), orders[0])
    work()
    run(browser, "send_selected_again", select_all(browser), orders[0])
    one = work()
    assert f"{one.pk}/undo/" not in browser.get(f"/crm/orders/bulkrun/{one.pk}/change/").content.decode()
    browser.post(f"/crm/orders/bulkrun/{one.pk}/undo/")
    assert not BulkRun.objects.filter(is_undo=True).exists()


def test_old_runs_and_selections_are_deleted(browser, orders):
    run(browser, "accept_selected", select_all(browser), orders[0])
    old = work()
    run(browser, "complete_selected", select_all(browser), orders[0])
    work()
    slices.prune()
    assert (BulkRun.objects.count(), Selection.objects.count()) == (2, 2)
    BulkRun.objects.filter(pk=old.pk).update(started_at=timezone.now() - timedelta(days=91))
    Selection.objects.update(created_at=timezone.now() - timedelta(days=2))
    slices.prune()
    assert old.pk not in BulkRun.objects.values_list("pk", flat=True)
    assert (BulkRun.objects.count(), BulkResult.objects.count(), Selection.objects.count()) == (1, 5, 0)
