"""Tests of the button that undoes a status change: where it is shown, its permissions and its messages."""

import html
import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bitrix_bridge.models import Push
from orders import services
from orders.models import Order, OrderEvent, SyncState
from tests.orders.admin.actions.test_status import run, status
from tests.orders.admin.conftest import LIST, change_url


def undo_urls(response):
    """Return the URLs of the undo buttons of a page."""
    return [html.unescape(url) for url in re.findall(r'form="crm-undo-form" formaction="([^"]+)"', text_of(response))]


def text_of(response):
    return response.content.decode()


def undo_url(response):
    (url,) = undo_urls(response)
    return url


def change_status_in_dialog(client, order, wanted):
    url = change_url(order).replace("change/", "status/")
    client.post(url, {"_form_submitted": "True", "status": wanted, "comment": ""}, headers={"HX-Request": "true"})


def test_undo_button_reverts_all_orders_of_action(browser, make_order, hold_clock):
    orders = [make_order(number) for number in (1001, 1002, 1003)]
    other = make_order(1004)
    run(browser, "accept_selected", other)
    page = run(browser, "accept_selected", *orders)
    assert "Изменено: 3" in text_of(page)
    assert "Отменить" in text_of(page)
    assert "(10 с)" in text_of(page)
    answer = browser.post(undo_url(page), {"next": f"{LIST}?o=1"}, follow=True)
    assert answer.redirect_chain == [(f"{LIST}?o=1", 302)]
    assert "Отменено 3 статуса" in text_of(answer)
    assert [status(order) for order in (*orders, other)] == ["new"] * 3 + ["accepted"]
    assert Push.objects.count() == 1
    assert OrderEvent.objects.filter(kind="status").count() == 1


def test_undo_reports_orders_that_can_not_be_reverted(browser, make_order, hold_clock):
    early, late = make_order(1001), make_order(1002)
    page = run(browser, "accept_selected", early, late)
    change_status_in_dialog(browser, early, "delivering")
    answer = text_of(browser.post(undo_url(page), follow=True))
    assert [status(order) for order in (early, late)] == ["delivering", "new"]
    assert "заказ №\xa01002 снова «Новый»" in answer
    assert "№ 1001: Статус с тех пор уже сменили" in answer


def test_undo_is_refused_after_hold_period(browser, make_order, hold_clock):
    order = make_order()
    page = run(browser, "accept_selected", order)
    hold_clock.let_pass(11)
    assert "Поздно: статус уже отправлен на сайт" in text_of(browser.post(undo_url(page), follow=True))
    assert status(order) == "accepted"


def test_second_undo_reports_that_nothing_is_left(browser, make_order, hold_clock):
    order = make_order()
    url = undo_url(run(browser, "accept_selected", order))
    browser.post(url)
    assert "Отменять уже нечего" in text_of(browser.post(url, follow=True))
    assert status(order) == "new"


def test_undo_button_is_in_message_and_on_order_page(browser, make_order, hold_clock):
    order = make_order()
    change_status_in_dialog(browser, order, "accepted")
    hold_clock.let_pass(2.5)
    page = browser.get(change_url(order))
    in_message, on_page = undo_urls(page)
    assert "Отменить «Принят»" in text_of(page)
    assert "(8 с)" in text_of(page)
    answer = browser.post(on_page, {"next": change_url(order)}, follow=True)
    assert answer.redirect_chain == [(change_url(order), 302)]
    assert "заказ №\xa0122183 снова «Новый»" in text_of(answer)
    assert (status(order), undo_urls(answer)) == ("new", [])
    assert "Отменять уже нечего" in text_of(browser.post(in_message, follow=True))


def test_undo_button_disappears_from_order_page_after_hold_period(browser, make_order, hold_clock):
    order = make_order()
    services.change_status(order_id=order.pk, status="accepted", actor=None)
    url = undo_url(browser.get(change_url(order)))
    hold_clock.let_pass(10.5)
    assert undo_urls(browser.get(change_url(order))) == []
    assert "Поздно" in text_of(browser.post(url, follow=True))
    assert status(order) == "accepted"


def test_undo_restores_conflict_after_pending_change_was_applied(browser, make_order, hold_clock, settings, manager):
    order = make_order()
    settings.STATUS_HOLD_SECONDS = 0
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    services.record_site_status(order_id=order.pk, site_status="DE", version=7, push_id=Push.objects.get().pk)
    Push.objects.update(state="delivered")
    settings.STATUS_HOLD_SECONDS = 10
    page = browser.post(f"{LIST}{order.pk}/apply-pending-change/", follow=True)
    assert status(order) == "accepted"
    page = browser.post(undo_urls(page)[0], {"next": change_url(order)}, follow=True)
    assert "снова «Отклонён»" in text_of(page)
    assert "apply-pending-change" in text_of(page)
    assert Order.objects.get().sync_state == SyncState.CONFLICT


def test_undo_button_is_not_shown_without_hold_period(browser, make_order):
    order = make_order()
    assert undo_urls(run(browser, "accept_selected", order)) == []
    assert undo_urls(browser.get(change_url(order))) == []


def test_undo_button_is_not_shown_when_nothing_changed(browser, make_order, hold_clock):
    order = make_order(1002, STATUS_ID="F")
    assert undo_urls(run(browser, "accept_selected", order)) == []


def test_undo_refuses_get(browser, make_order, hold_clock):
    order = make_order()
    page = run(browser, "accept_selected", order)
    for url in (undo_url(page), undo_url(browser.get(change_url(order)))):
        assert browser.get(url).status_code == 405
    assert status(order) == "accepted"


def test_undo_is_refused_without_csrf_token(manager, browser, make_order, hold_clock):
    order = make_order()
    url = undo_url(run(browser, "accept_selected", order))
    stranger = Client(enforce_csrf_checks=True)
    stranger.force_login(manager)
    assert stranger.post(url).status_code == 403
    page = stranger.get(LIST)
    form = re.search(r'<form id="crm-undo-form".*?</form>', text_of(page), re.S)[0]
    assert 'name="next" value="/crm/orders/order/"' in form
    secret = re.search(r'csrfmiddlewaretoken" value="(\w+)"', form)[1]
    assert stranger.post(url, {"csrfmiddlewaretoken": secret}).status_code == 302
    assert status(order) == "new"


def test_reader_can_not_undo_status(browser, browser_of, make_order, hold_clock):
    order = make_order()
    url = undo_url(run(browser, "accept_selected", order))
    reader = browser_of("orders.view_order")
    page = reader.get(change_url(order))
    assert (page.status_code, undo_urls(page)) == (200, [])
    one = undo_url(browser.get(change_url(order)))
    assert (reader.post(url).status_code, reader.post(one).status_code) == (403, 403)
    assert status(order) == "accepted"


def test_permission_for_statuses_allows_undo(browser_of, make_order, hold_clock):
    order = make_order()
    florist = browser_of("orders.view_order", "orders.change_order_status")
    florist.post(undo_url(run(florist, "accept_selected", order)))
    assert status(order) == "new"


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_undo_redirects_only_to_own_pages(browser, make_order, hold_clock, wanted):
    order = make_order()
    page = run(browser, "accept_selected", order)
    one = undo_url(browser.get(change_url(order)))
    assert browser.post(undo_url(page), {"next": wanted}).headers["Location"] == LIST
    assert browser.post(one, {"next": wanted}).headers["Location"] == change_url(order)


def test_undo_of_unknown_action_or_order_is_refused(browser, make_order, hold_clock):
    order = make_order()
    assert "Отменять уже нечего" in text_of(browser.post(f"{LIST}undo/{uuid4()}/", follow=True))
    assert "Статус уже отменён" in text_of(browser.post(f"{LIST}{order.pk}/undo/{uuid4()}/", follow=True))
    assert browser.post(f"{LIST}{uuid4()}/undo/{uuid4()}/").status_code == 404


def test_message_is_in_live_region_and_escapes_texts(browser, make_order, hold_clock):
    order = make_order()
    Order.objects.update(order_number="<b>1</b>")
    page = text_of(run(browser, "accept_selected", order))
    status_region = re.search(r'<div role="status" id="crm-messages"[^>]*>(.*?)<form id="crm-undo-form"', page, re.S)[1]
    assert "Изменено: 1" in status_region
    assert "formaction" in status_region
    change_status_in_dialog(browser, order, "delivering")
    page = text_of(browser.get(LIST))
    assert "<b>1</b>" not in page
    assert "&lt;b&gt;1&lt;/b&gt;" in page


def test_message_with_undo_button_fits_into_cookie(browser, make_order, hold_clock):
    order = make_order()
    browser.post(LIST, {"action": "accept_selected", "_selected_action": [str(order.pk)], "index": 0})
    assert len(browser.cookies["messages"].value) < 1000


def test_undo_takes_same_number_of_queries_per_order(browser, make_order, hold_clock):
    def cost(count, first):
        orders = [make_order(first + n) for n in range(count)]
        url = undo_url(run(browser, "accept_selected", *orders))
        with CaptureQueriesContext(connection) as queries:
            browser.post(url)
        assert [status(order) for order in orders] == ["new"] * count
        return len(queries)

    one, two, three = cost(1, 2001), cost(2, 3001), cost(3, 4001)
    assert three - two == two - one
