"""Tests of the day board's buttons: the next step of an order at risk, its undo, and a tap that fails."""

import re

import pytest
from playwright.sync_api import expect

from cvety_crm.models import Session
from orders import services
from orders.models import Order
from tests.browser.conftest import overflow_width, serious_violations

pytestmark = [pytest.mark.django_db(transaction=True)]
BOARD = "/crm/board/"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_step_on_the_board_is_done_and_undone_without_leaving_it(screen, shop, settings, theme):
    settings.STATUS_HOLD_SECONDS = 60
    order = shop.order(1001, properties={"addressRecipient": ""})
    screen.page.emulate_media(color_scheme=theme)
    page = screen.open(BOARD)
    page.evaluate("window.stays = true")
    button = page.get_by_role("button", name=re.compile("^Принять, № 1001"))
    if screen.is_touchscreen:
        assert button.bounding_box()["height"] >= 48
    assert overflow_width(page) <= 0
    assert not serious_violations(page)

    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#crm-messages")).to_contain_text("№ 1001: Принят")
    expect(page.get_by_role("button", name=re.compile("^Взять себе, № 1001"))).to_be_visible()
    assert Order.objects.get(pk=order.pk).status_id == "accepted"

    page.get_by_role("button", name=re.compile("Отменить")).click()
    expect(page.get_by_role("button", name=re.compile("^Принять, № 1001"))).to_be_visible()
    assert Order.objects.get(pk=order.pk).status_id == "new"
    assert page.evaluate("window.stays")
    expect(page.locator("[data-board-stale]")).to_be_hidden()


@pytest.mark.parametrize("size", ["phone", "desktop"], indirect=True)
def test_failed_tap_on_the_board_says_why_beside_the_button(screen, shop):
    order = shop.order(1001, properties={"addressRecipient": ""})
    page = screen.open(BOARD)
    button = page.get_by_role("button", name=re.compile("^Принять, № 1001"))
    page.context.set_offline(True)
    button.click()
    message = page.locator(".crm-tap-failed")
    expect(message).to_contain_text("Нет связи")
    page.context.set_offline(False)
    Session.objects.all().delete()
    button.click()
    expect(message).to_contain_text("Вы вышли из CRM: ничего не сохранено")
    assert Order.objects.get(pk=order.pk).status_id == "new"


@pytest.mark.parametrize("size", ["tablet"], indirect=True)
def test_courier_is_chosen_in_a_dialog_on_the_board(screen, shop, courier, manager):
    order = shop.order(1001, properties={"addressRecipient": ""})
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    services.take_order(order_id=order.pk, actor=manager)
    services.mark_ready(order_id=order.pk, actor=manager)
    page = screen.open(BOARD)
    page.get_by_role("link", name=re.compile("№ 1001")).and_(page.locator("[data-dialog]")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("Ерлан")).click()
    expect(page.get_by_role("button", name=re.compile("№ 1001"))).to_be_visible()
    assert Order.objects.get(pk=order.pk).courier == courier
