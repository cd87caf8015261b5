"""The button that takes a status back: where it is, who may press it, what it says."""

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


def buttons(response):
    """Return the addresses of a page's buttons that take something back."""
    return [html.unescape(url) for url in re.findall(r'form="crm-undo-form" formaction="([^"]+)"', text_of(response))]


def text_of(response):
    return response.content.decode()


def undo_url(response):
    (url,) = buttons(response)
    return url


def dialog(client, order, wanted):
    url = change_url(order).replace("change/", "status/")
    client.post(url, {"_form_submitted": "True", "status": wanted, "comment": ""}, headers={"HX-Request": "true"})


def test_many_orders_are_taken_back_with_one_press(browser, make_order, grace):
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


def test_what_can_not_be_taken_back_is_named_and_the_others_are(browser, make_order, grace):
    early, late = make_order(1001), make_order(1002)
    page = run(browser, "accept_selected", early, late)
    dialog(browser, early, "delivering")
    answer = text_of(browser.post(undo_url(page), follow=True))
    assert [status(order) for order in (early, late)] == ["delivering", "new"]
    assert "заказ №\xa01002 снова «Новый»" in answer
    assert "№ 1001: Статус с тех пор уже сменили" in answer


def test_pressed_too_late_it_says_so(browser, make_order, grace):
    order = make_order()
    page = run(browser, "accept_selected", order)
    grace.let_pass(11)
    assert "Поздно: статус уже отправлен на сайт" in text_of(browser.post(undo_url(page), follow=True))
    assert status(order) == "accepted"


def test_pressed_twice_it_says_that_there_is_nothing_left(browser, make_order, grace):
    order = make_order()
    url = undo_url(run(browser, "accept_selected", order))
    browser.post(url)
    assert "Отменять уже нечего" in text_of(browser.post(url, follow=True))
    assert status(order) == "new"


def test_the_dialog_offers_it_and_so_does_the_orders_page(browser, make_order, grace):
    order = make_order()
    dialog(browser, order, "accepted")
    grace.let_pass(2.5)
    page = browser.get(change_url(order))
    in_message, on_page = buttons(page)
    assert "Отменить «Принят»" in text_of(page)
    assert "(8 с)" in text_of(page)
    answer = browser.post(on_page, {"next": change_url(order)}, follow=True)
    assert answer.redirect_chain == [(change_url(order), 302)]
    assert "заказ №\xa0122183 снова «Новый»" in text_of(answer)
    assert (status(order), buttons(answer)) == ("new", [])
    assert "Отменять уже нечего" in text_of(browser.post(in_message, follow=True))


def test_on_the_orders_page_it_vanishes_in_time(browser, make_order, grace):
    order = make_order()
    services.change_status(order_id=order.pk, status="accepted", actor=None)
    url = undo_url(browser.get(change_url(order)))
    grace.let_pass(10.5)
    assert buttons(browser.get(change_url(order))) == []
    assert "Поздно" in text_of(browser.post(url, follow=True))
    assert status(order) == "accepted"


def test_a_decided_conflict_can_be_taken_back(browser, make_order, grace, settings, manager):
    order = make_order()
    settings.STATUS_HOLD_SECONDS = 0
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    services.record_site_status(order_id=order.pk, site_status="DE", version=7, push_id=Push.objects.get().pk)
    Push.objects.update(state="delivered")
    settings.STATUS_HOLD_SECONDS = 10
    page = browser.post(f"{LIST}{order.pk}/apply-pending-change/", follow=True)
    assert status(order) == "accepted"
    page = browser.post(buttons(page)[0], {"next": change_url(order)}, follow=True)
    assert "снова «Отклонён»" in text_of(page)
    assert "apply-pending-change" in text_of(page)
    assert Order.objects.get().sync_state == SyncState.CONFLICT


def test_without_a_grace_time_there_is_no_button(browser, make_order):
    order = make_order()
    assert buttons(run(browser, "accept_selected", order)) == []
    assert buttons(browser.get(change_url(order))) == []


def test_nothing_changed_offers_nothing(browser, make_order, grace):
    order = make_order(1002, STATUS_ID="F")
    assert buttons(run(browser, "accept_selected", order)) == []


def test_a_visit_takes_nothing_back(browser, make_order, grace):
    order = make_order()
    page = run(browser, "accept_selected", order)
    for url in (undo_url(page), undo_url(browser.get(change_url(order)))):
        assert browser.get(url).status_code == 405
    assert status(order) == "accepted"


def test_without_the_secret_of_the_session_it_is_refused(manager, browser, make_order, grace):
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


def test_a_reader_may_not(browser, browser_of, make_order, grace):
    order = make_order()
    url = undo_url(run(browser, "accept_selected", order))
    reader = browser_of("orders.view_order")
    page = reader.get(change_url(order))
    assert (page.status_code, buttons(page)) == (200, [])
    one = undo_url(browser.get(change_url(order)))
    assert (reader.post(url).status_code, reader.post(one).status_code) == (403, 403)
    assert status(order) == "accepted"


def test_the_right_to_change_statuses_is_enough(browser_of, make_order, grace):
    order = make_order()
    florist = browser_of("orders.view_order", "orders.change_order_status")
    florist.post(undo_url(run(florist, "accept_selected", order)))
    assert status(order) == "new"


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_it_leads_to_our_own_pages_only(browser, make_order, grace, wanted):
    order = make_order()
    page = run(browser, "accept_selected", order)
    one = undo_url(browser.get(change_url(order)))
    assert browser.post(undo_url(page), {"next": wanted}).headers["Location"] == LIST
    assert browser.post(one, {"next": wanted}).headers["Location"] == change_url(order)


def test_what_is_not_there(browser, make_order, grace):
    order = make_order()
    assert "Отменять уже нечего" in text_of(browser.post(f"{LIST}take-back/{uuid4()}/", follow=True))
    assert "Статус уже отменён" in text_of(browser.post(f"{LIST}{order.pk}/take-back/{uuid4()}/", follow=True))
    assert browser.post(f"{LIST}{uuid4()}/take-back/{uuid4()}/").status_code == 404


def test_a_message_is_announced_and_what_others_have_written_is_text(browser, make_order, grace):
    order = make_order()
    Order.objects.update(order_number="<b>1</b>")
    page = text_of(run(browser, "accept_selected", order))
    status_region = re.search(r'<div role="status" id="crm-messages"[^>]*>(.*?)<form id="crm-undo-form"', page, re.S)[1]
    assert "Изменено: 1" in status_region
    assert "formaction" in status_region
    dialog(browser, order, "delivering")
    page = text_of(browser.get(LIST))
    assert "<b>1</b>" not in page
    assert "&lt;b&gt;1&lt;/b&gt;" in page


def test_a_message_fits_into_a_cookie(browser, make_order, grace):
    order = make_order()
    browser.post(LIST, {"action": "accept_selected", "_selected_action": [str(order.pk)], "index": 0})
    assert len(browser.cookies["messages"].value) < 1000


def test_each_order_taken_back_costs_the_same(browser, make_order, grace):
    def cost(count, first):
        orders = [make_order(first + n) for n in range(count)]
        url = undo_url(run(browser, "accept_selected", *orders))
        with CaptureQueriesContext(connection) as queries:
            browser.post(url)
        assert [status(order) for order in orders] == ["new"] * count
        return len(queries)

    one, two, three = cost(1, 2001), cost(2, 3001), cost(3, 4001)
    assert three - two == two - one
