"""Tests of status changes from the list and from the order's page."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bitrix_bridge.models import Push
from orders.models import Courier, EventKind, Order, Source
from tests.orders.admin.conftest import LIST, change_url


def run(client, action, *orders, **data):
    keys = [str(order.pk) for order in orders]
    return client.post(LIST, {"action": action, "_selected_action": keys, "index": 0, **data}, follow=True)


def status(order):
    return Order.objects.values_list("status", flat=True).get(pk=order.pk)


def test_bulk_accept_changes_status_of_all_selected_orders(browser, manager, make_order):
    orders = [make_order(number) for number in (1001, 1002, 1003)]
    page = run(browser, "accept_selected", *orders).content.decode()

    assert [status(order) for order in orders] == ["accepted"] * 3
    assert "Изменено: 3" in page
    assert Push.objects.count() == 3
    event = orders[0].events.get(kind=EventKind.STATUS)
    assert (event.actor, event.source) == (manager, Source.ADMIN)


def test_bulk_next_step_sets_own_next_status_of_each_order(browser, make_order):
    new, made, closed = make_order(1001), make_order(1002, STATUS_ID="P"), make_order(1003, STATUS_ID="F")
    page = run(browser, "advance_selected", new, made, closed).content.decode()
    assert [status(order) for order in (new, made, closed)] == ["accepted", "processing", "finished"]
    assert Order.objects.get(pk=made.pk).ready_at is not None  # its status of the site says that it is taken
    assert "Изменено: 2" in page
    assert "№ 1003: После статуса «Завершён» ничего нет" in page


def test_bulk_accept_reports_refused_orders_and_changes_others(browser, make_order):
    good, bad = make_order(1001), make_order(1002, STATUS_ID="F")
    page = run(browser, "accept_selected", good, bad).content.decode()

    assert (status(good), status(bad)) == ("accepted", "finished")
    assert "Изменено: 1" in page
    assert "№ 1002" in page
    assert "Завершён" in page


def test_bulk_change_shows_form_before_it_changes_status(browser, make_order):
    order = make_order()
    page = run(browser, "change_status_of_selected", order)
    assert page.status_code == 200
    assert status(order) == "new"
    assert "122183" in page.content.decode()

    run(browser, "change_status_of_selected", order, apply="1", status="declined", comment="<b>дубль</b>")
    assert status(order) == "declined"
    assert order.events.get(kind=EventKind.STATUS).details["comment"] == "<b>дубль</b>"


def test_bulk_change_shows_form_again_without_status(browser, make_order):
    order = make_order()
    page = run(browser, "change_status_of_selected", order, apply="1", status="", comment="почему-то").content.decode()
    assert "почему-то" in page
    assert status(order) == "new"


def test_quick_actions_set_their_statuses(browser, make_order):
    order = make_order()
    run(browser, "accept_selected", order)
    assert "Сначала: «Взять себе»" in run(browser, "hand_over_selected", order).content.decode()
    assert status(order) == "accepted"
    Order.objects.update(ready_at=order.created_at, courier=Courier.objects.create(name="Ерлан"))
    assert "Сначала: «В доставку»" in run(browser, "complete_selected", order).content.decode()
    for action, expected in (("hand_over_selected", "delivering"), ("complete_selected", "completed")):
        run(browser, action, order)
        assert status(order) == expected


def test_dialog_offers_only_next_statuses_of_order(browser, make_order):
    order = make_order(STATUS_ID="PD")
    html = browser.get(change_url(order).replace("change/", "status/")).content.decode()
    assert 'value="completed"' in html
    assert 'value="returned"' in html
    assert 'value="accepted"' not in html
    assert "csrfmiddlewaretoken" in html
    assert status(order) == "delivering"


def test_dialog_changes_status_and_refreshes_page(browser, make_order):
    order = make_order()
    url = change_url(order).replace("change/", "status/")
    answer = browser.post(
        url, {"_form_submitted": "True", "status": "accepted", "comment": "звонили"}, headers={"HX-Request": "true"}
    )
    assert answer.headers["HX-Refresh"] == "true"
    assert status(order) == "accepted"
    assert order.events.get(kind=EventKind.STATUS).details == {"comment": "звонили"}


def test_dialog_refuses_status_that_is_not_next(browser, make_order):
    order = make_order()
    url = change_url(order).replace("change/", "status/")
    answer = browser.post(url, {"_form_submitted": "True", "status": "finished", "comment": ""})
    assert answer.status_code == 200
    assert "finished" in answer.content.decode()
    assert status(order) == "new"


def test_dialog_stays_open_when_service_refuses(browser, make_order, monkeypatch):
    from orders import services
    from orders.services import NotAllowedError

    def refuse(**_kwargs):
        raise NotAllowedError("коллега был быстрее")

    monkeypatch.setattr(services, "change_status", refuse)
    order = make_order()
    url = change_url(order).replace("change/", "status/")
    answer = browser.post(url, {"_form_submitted": "True", "status": "accepted", "comment": "мой текст"})
    assert "коллега был быстрее" in answer.content.decode()
    assert "мой текст" in answer.content.decode()


@pytest.mark.parametrize("key", ["00000000-0000-0000-0000-000000000000", "nonsense"])
def test_dialog_of_unknown_order_is_shown_without_error(browser, key):
    assert browser.get(f"{LIST}{key}/status/").status_code == 200
    assert browser.post(f"{LIST}{key}/status/", {"_form_submitted": "True", "status": "accepted"}).status_code == 200


def test_reader_can_not_change_status(browser_of, make_order):
    order = make_order()
    reader = browser_of("orders.view_order")
    assert reader.get(LIST).status_code == 200
    for action in ("accept_selected", "hand_over_selected", "complete_selected", "change_status_of_selected"):
        run(reader, action, order, apply="1", status="accepted")
    url = change_url(order).replace("change/", "status/")
    assert reader.get(url).status_code == 403
    assert reader.post(url, {"_form_submitted": "True", "status": "accepted", "comment": ""}).status_code == 403
    assert status(order) == "new"
    assert url not in reader.get(change_url(order)).content.decode()


def test_permission_for_statuses_allows_status_but_not_fields(browser_of, make_order):
    order = make_order()
    florist = browser_of("orders.view_order", "orders.change_order_status")
    run(florist, "accept_selected", order)
    assert status(order) == "accepted"
    assert florist.post(change_url(order), {"recipient_name": "Другая"}).status_code == 403


def test_bulk_accept_ignores_select_across_without_selection(browser, make_order):
    orders = [make_order(number) for number in (1001, 1002, 1003)]
    run(browser, "accept_selected", orders[0], select_across="1")
    assert [status(order) for order in orders] == ["accepted", "new", "new"]


STATEMENTS = 15
"""The SQL statements of one order in a bulk change of the status, each in its own transaction."""


def test_bulk_accept_takes_same_number_of_queries_per_order(browser, make_order):
    def cost(count, first):
        orders = [make_order(first + n) for n in range(count)]
        with CaptureQueriesContext(connection) as queries:
            browser.post(
                LIST, {"action": "accept_selected", "_selected_action": [str(o.pk) for o in orders], "index": 0}
            )
        return len(queries)

    one, two, three = cost(1, 2001), cost(2, 3001), cost(3, 4001)
    assert three - two == two - one == STATEMENTS


def test_filters_of_the_list_survive_a_bulk_action_with_and_without_a_page(browser, make_order):
    first, second = make_order(1001), make_order(1002)
    filtered = f"{LIST}?preset=all&stage=new"
    posted = {"action": "accept_selected", "_selected_action": [str(first.pk)], "index": 0}
    assert browser.post(filtered, posted)["Location"] == filtered

    posted = {"action": "change_status_of_selected", "_selected_action": [str(second.pk)], "index": 0}
    page = browser.post(filtered, posted).content.decode()
    assert f'action="{filtered.replace("&", "&amp;")}"' in page
    done = browser.post(filtered, {**posted, "apply": "1", "status": "accepted"})
    assert done["Location"] == filtered
    assert [status(order) for order in (first, second)] == ["accepted", "accepted"]
