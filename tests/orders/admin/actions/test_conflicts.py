"""Tests of the manager's decision after both sides have changed the status."""

import pytest

from bitrix_bridge.models import Push
from orders import services
from orders.models import EventKind, Order, SyncState
from tests.orders.admin.conftest import change_url


@pytest.fixture
def order(make_order, manager):
    order = make_order()
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    push = Push.objects.get()
    services.record_site_status(order_id=order.pk, site_status="DE", version=7, push_id=push.pk)
    Push.objects.update(state="delivered")
    order.refresh_from_db()
    assert (order.status_id, order.sync_state) == ("declined", SyncState.CONFLICT)
    return order


def address(order, name):
    return f"/crm/orders/order/{order.pk}/{name}/"


def test_order_page_shows_both_decisions_of_conflict(browser, order):
    html = browser.get(change_url(order)).content.decode()
    assert "Принят" in html
    assert "Отклонён" in html
    assert address(order, "apply-pending-change") in html
    assert address(order, "accept-site") in html


def test_pending_change_is_applied_and_sent_again(browser, order, manager):
    browser.post(address(order, "apply-pending-change"))
    order.refresh_from_db()
    assert (order.status_id, order.sync_state) == ("accepted", SyncState.PENDING)
    assert order.events.filter(kind=EventKind.STATUS).first().actor == manager
    assert Push.objects.filter(state="pending").count() == 1


def test_site_status_is_accepted_and_conflict_ends(browser, order, manager):
    browser.post(address(order, "accept-site"))
    order.refresh_from_db()
    assert (order.status_id, order.sync_state) == ("declined", SyncState.SYNCED)
    assert order.events.first().actor == manager
    assert not Push.objects.filter(state="pending").exists()
    html = browser.get(change_url(order)).content.decode()
    assert address(order, "apply-pending-change") not in html


def test_other_pending_changes_are_sent_when_site_status_is_accepted(browser, order):
    Order.objects.filter(pk=order.pk).update(recipient_name="Анна")
    browser.post(address(order, "accept-site"))
    order.refresh_from_db()
    assert order.sync_state == SyncState.PENDING
    assert Push.objects.filter(state="pending").count() == 1


def test_pending_change_is_applied_over_final_status(browser, order):
    Order.objects.filter(pk=order.pk).update(status="finished")
    browser.post(address(order, "apply-pending-change"))
    order.refresh_from_db()
    assert (order.status_id, order.sync_state) == ("accepted", SyncState.PENDING)


def test_decisions_change_nothing_without_conflict(browser, make_order):
    order = make_order(1001)
    assert browser.post(address(order, "apply-pending-change"), follow=True).status_code == 200
    assert browser.post(address(order, "accept-site"), follow=True).status_code == 200
    assert not order.events.exclude(kind=EventKind.CREATED).exists()


def test_decisions_refuse_get(browser, order):
    for name in ("apply-pending-change", "accept-site"):
        assert browser.get(address(order, name)).status_code == 405
    assert Order.objects.get(pk=order.pk).sync_state == SyncState.CONFLICT


def test_reader_can_not_resolve_conflict(browser_of, order):
    reader = browser_of("orders.view_order")
    for name in ("apply-pending-change", "accept-site"):
        assert reader.post(address(order, name)).status_code == 403
    assert "apply-pending-change" not in reader.get(change_url(order)).content.decode()
    assert Order.objects.get(pk=order.pk).sync_state == SyncState.CONFLICT


def test_decision_on_unknown_order_returns_404(browser):
    assert browser.post("/crm/orders/order/00000000-0000-0000-0000-000000000000/accept-site/").status_code == 404
