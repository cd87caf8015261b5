"""Tests of the day board's page and of its updates."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from cvety_crm.roles import ACCOUNTANT, FLORIST, MANAGER
from orders import services
from orders.models import Order
from orders.selectors.board import day_board
from tests.roles import browser_of as browser_of_user
from tests.roles import person

BOARD = "/crm/board/"
UPDATE = {"HX-Request": "true"}


@pytest.fixture
def today_and_tomorrow(make_order):
    today = timezone.localdate()
    for number, day in ((122201, today), (122202, today), (122203, today + timedelta(days=1))):
        make_order(number, properties={"data": day.isoformat(), "addressRecipient": ""})
    return today


def test_board_shows_today_and_links_to_lists(browser, today_and_tomorrow):
    html = browser.get(BOARD).content.decode()
    day = today_and_tomorrow.isoformat()
    # All slots whose time has passed are in one row.
    assert re.search(
        rf'href="/crm/orders/order/\?preset=new&amp;date={day}"\s+aria-label="(15:00|раньше): 2 Новые"', html
    )
    assert ("№&nbsp;122201" in html, "№&nbsp;122202" in html, "№&nbsp;122203" in html) == (True, True, False)
    order = Order.objects.get(bitrix_order_id=122201)
    assert f'href="/crm/orders/order/{order.pk}/change/"' in html
    assert "нет адреса" in html
    assert f'hx-get="{BOARD}"' in html


def test_board_links_to_tomorrow(browser, today_and_tomorrow):
    tomorrow = (today_and_tomorrow + timedelta(days=1)).isoformat()
    assert f'href="{BOARD}?date={tomorrow}"' in browser.get(BOARD).content.decode()
    html = browser.get(BOARD, {"date": tomorrow}).content.decode()
    assert ("№&nbsp;122203" in html, "№&nbsp;122201" in html) == (True, False)
    assert f'hx-get="{BOARD}?date={tomorrow}"' in html
    assert "№&nbsp;122201" in browser.get(BOARD, {"date": "no date"}).content.decode()


def test_board_update_returns_only_the_board_with_new_data(
    browser, make_order, today_and_tomorrow, django_assert_num_queries
):
    browser.get(BOARD)
    for number, status in ((122208, "accepted"), (122209, "delivering")):
        taken = make_order(number, properties={"data": today_and_tomorrow.isoformat(), "addressRecipient": ""})
        for code in dict.fromkeys(("accepted", status)):
            services.change_status(order_id=taken.pk, status=code, actor=None)
    make_order(122204, properties={"data": today_and_tomorrow.isoformat(), "addressRecipient": ""})
    cache.clear()
    # session, user, orders and their items, statuses for the next steps; two queries count the open orders
    with django_assert_num_queries(7):
        answer = browser.get(BOARD, headers=UPDATE)
    html = answer.content.decode().strip()
    assert html.startswith('<div id="crm-board"')
    assert "<html" not in html
    assert re.search("(15:00|раньше): 3 Новые", html)
    assert "no-store" in answer["Cache-Control"]


def test_board_counts_orders_at_risk_beyond_the_limit(browser, make_order):
    for number in range(122300, 122314):
        make_order(number, properties={"data": timezone.localdate().isoformat(), "addressRecipient": ""})
    html = browser.get(BOARD, headers=UPDATE).content.decode()
    assert html.count("crm-board-risk ") + html.count('crm-board-risk"') == 12
    assert "ещё 2" in html


def test_board_of_empty_day_links_to_tomorrow(browser):
    html = browser.get(BOARD).content.decode()
    assert "На сегодня доставок нет" in html
    assert html.count(f"{BOARD}?date=") == 2  # one link is above the board, and one is in the middle of it


def test_board_requires_permission_to_view_orders_and_refuses_post(browser, browser_of, client, db):
    assert browser_of("orders.view_order").get(BOARD).status_code == 200
    stranger = browser_of("orders.view_customer")
    assert stranger.get(BOARD).status_code == 403
    assert stranger.get(BOARD, headers=UPDATE).status_code == 403
    assert f'href="{BOARD}"' not in stranger.get("/crm/").content.decode()
    assert client.get(BOARD)["Location"].startswith("/crm/login/")
    assert browser.post(BOARD).status_code == 405


def test_board_links_to_the_dispatcher_s_page_only_for_users_who_may_assign(browser, browser_of, db):
    link = f'class="crm-button" href="/crm/dispatch/?date={timezone.localdate()}"'
    assert link in browser.get(BOARD).content.decode()
    assert "/crm/dispatch/" not in browser_of("orders.view_order").get(BOARD).content.decode()


def test_board_is_shown_with_permission_to_change_orders(browser_of, db):
    editor = browser_of("orders.change_order")
    assert editor.get("/crm/board/").status_code == 200
    assert '/crm/board/"' in editor.get("/crm/").content.decode()


def test_board_has_the_next_step_of_each_order_at_risk_for_the_role(make_order, db):
    order = make_order(122205, properties={"data": timezone.localdate().isoformat(), "addressRecipient": ""})
    manager, florist = person(MANAGER), person(FLORIST)
    button = rf'formaction="/crm/orders/order/{order.pk}/next/\?seen=new"'
    assert re.search(button, browser_of_user(manager).get(BOARD).content.decode())
    assert not re.search(button, browser_of_user(florist).get(BOARD).content.decode())

    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    html = browser_of_user(florist).get(BOARD).content.decode()
    assert 'name="step" value="take"' in html
    assert f'aria-label="Взять себе, № {order.order_number}"' in html


def test_step_on_the_board_answers_with_messages_and_updates_the_board(make_order, db, settings):
    settings.STATUS_HOLD_SECONDS = 10
    order = make_order(122206, properties={"data": timezone.localdate().isoformat(), "addressRecipient": ""})
    services.change_status(order_id=order.pk, status="accepted", actor=None)
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{BOARD}?date=2030-01-01"}
    url = f"/crm/orders/order/{order.pk}/next/?seen=accepted"
    stranger = browser_of_user(person(ACCOUNTANT))
    assert stranger.post(url, {"step": "take"}, headers=headers).status_code == 403

    answer = browser_of_user(person(FLORIST)).post(url, {"step": "take"}, headers=headers)
    html = answer.content.decode()
    assert (answer.status_code, answer["HX-Trigger"]) == (200, "crm-order-changed")
    assert 'id="crm-messages"' in html
    assert "ваш." in html
    assert "Отменить" in html
    order.refresh_from_db()
    assert order.taken_at is not None


def test_board_counts_by_the_facts_of_the_making(make_order, db, manager):
    order = make_order(122207, properties={"data": timezone.localdate().isoformat()})
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    services.take_order(order_id=order.pk, actor=manager)
    services.mark_ready(order_id=order.pk, actor=manager)
    board = day_board(Order.objects.all(), timezone.localdate())
    assert {cell.column.key: cell.count for cell in board.totals if cell.count} == {"ready": 1}


def test_board_does_not_say_that_all_goes_as_planned_beside_too_much_work(browser, make_order, settings):
    settings.FLORISTS, settings.BOUQUETS_PER_FLORIST_HOUR = 1, 1
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    for number in (122221, 122222, 122223):
        make_order(number, properties={"data": tomorrow})
    html = browser.get(BOARD, {"date": tomorrow}).content.decode()
    assert "не успеваем" in html
    assert "Работы больше, чем можно успеть" in html
    assert "идёт по плану" not in html

    settings.FLORISTS = 10
    assert "идёт по плану" in browser.get(BOARD, {"date": tomorrow}).content.decode()
