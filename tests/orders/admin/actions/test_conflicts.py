"""The site had another status: the manager decides with one tap."""

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


def test_the_page_asks(browser, order):
    html = browser.get(change_url(order)).content.decode()
    assert "Принят" in html
    assert "Отклонён" in html
    assert address(order, "apply-pending-change") in html
    assert address(order, "accept-site") in html


def test_the_wish_is_applied(browser, order, manager):
    browser.post(address(order, "apply-pending-change"))
    order.refresh_from_db()
    assert (order.status_id, order.sync_state) == ("accepted", SyncState.PENDING)
    assert order.events.filter(kind=EventKind.STATUS).first().actor == manager
    assert Push.objects.filter(state="pending").count() == 1


def test_the_site_is_right(browser, order, manager):
    browser.post(address(order, "accept-site"))
    order.refresh_from_db()
    assert (order.status_id, order.sync_state) == ("declined", SyncState.SYNCED)
    assert order.events.first().actor == manager
    assert not Push.objects.filter(state="pending").exists()
    html = browser.get(change_url(order)).content.decode()
    assert address(order, "apply-pending-change") not in html


def test_what_else_is_unsent_goes_out_when_the_site_is_right(browser, order):
    Order.objects.filter(pk=order.pk).update(recipient_name="Анна")
    browser.post(address(order, "accept-site"))
    order.refresh_from_db()
    assert order.sync_state == SyncState.PENDING
    assert Push.objects.filter(state="pending").count() == 1


def test_the_wish_holds_even_against_a_final_status(browser, order):
    Order.objects.filter(pk=order.pk).update(status="finished")
    browser.post(address(order, "apply-pending-change"))
    order.refresh_from_db()
    assert (order.status_id, order.sync_state) == ("accepted", SyncState.PENDING)


def test_without_a_conflict_nothing_happens(browser, make_order):
    order = make_order(1001)
    assert browser.post(address(order, "apply-pending-change"), follow=True).status_code == 200
    assert browser.post(address(order, "accept-site"), follow=True).status_code == 200
    assert not order.events.exclude(kind=EventKind.CREATED).exists()


def test_a_visit_changes_nothing(browser, order):
    for name in ("apply-pending-change", "accept-site"):
        assert browser.get(address(order, name)).status_code == 405
    assert Order.objects.get(pk=order.pk).sync_state == SyncState.CONFLICT


def test_a_reader_may_not(browser_of, order):
    reader = browser_of("orders.view_order")
    for name in ("apply-pending-change", "accept-site"):
        assert reader.post(address(order, name)).status_code == 403
    assert "apply-pending-change" not in reader.get(change_url(order)).content.decode()
    assert Order.objects.get(pk=order.pk).sync_state == SyncState.CONFLICT


def test_an_order_that_is_not_there(browser):
    assert browser.post("/crm/orders/order/00000000-0000-0000-0000-000000000000/accept-site/").status_code == 404
