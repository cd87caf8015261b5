"""Tests of the message beside a control whose tap fails, and of the sound of a new order."""

import re

import pytest
from playwright.sync_api import expect

from cvety_crm.models import Session
from orders import services
from orders.models import Order
from tests.browser.conftest import LIST, Screen, serious_violations

pytestmark = [pytest.mark.django_db(transaction=True)]
phone_and_desktop = pytest.mark.parametrize("size", ["phone", "desktop"], indirect=True)
desktop = pytest.mark.parametrize("size", ["desktop"], indirect=True)


def distance(page, control, message) -> float:
    """Return the number of pixels between a control and a message above or below it."""
    first, second = control.bounding_box(), message.bounding_box()
    above, below = sorted((first, second), key=lambda box: box["y"])
    return below["y"] - above["y"] - above["height"]


@phone_and_desktop
def test_logged_out_user_is_informed_beside_the_button_and_returns_to_the_same_place(screen, shop):
    order = shop.order(1001)
    page = screen.open(f"{LIST}?preset=all")
    Session.objects.all().delete()
    button = screen.row(1001).get_by_role("button", name="Принят").locator("visible=true").first
    button.click()
    message = page.locator(".crm-tap-failed")
    expect(message).to_contain_text("Вы вышли из CRM: ничего не сохранено")
    expect(message).to_have_attribute("role", "alert")
    assert distance(page, button, message) < 30
    expect(page.locator("#result_list tbody[data-busy]")).to_have_count(0)  # the row is pale until then
    assert not serious_violations(page)
    assert Order.objects.get(pk=order.pk).status_id == "new"
    expect(page.locator("#crm-lost")).to_contain_text("список не обновляется")
    link = message.get_by_role("link", name="Войти снова")
    assert link.get_attribute("href") == "/crm/login/?next=%2Fcrm%2Forders%2Forder%2F%3Fpreset%3Dall"
    message.get_by_role("button", name="Закрыть").click()
    expect(message).to_be_hidden()


@desktop
def test_lost_connection_is_reported_beside_the_note_and_the_text_stays(screen, shop):
    order = shop.order(1001)
    page = screen.open(f"{LIST}{order.pk}/change/")
    page.locator("#crm-note-text").fill("перезвонить")
    page.context.set_offline(True)
    button = page.locator(".crm-note-form button[type=submit]")
    button.click()
    message = page.locator(".crm-tap-failed")
    expect(message).to_contain_text("Нет связи")
    assert distance(page, button, message) < 30
    expect(page.locator("#crm-note-text")).to_have_value("перезвонить")
    page.context.set_offline(False)
    button.click()
    expect(page.locator("#crm-notes")).to_contain_text("перезвонить")
    expect(message).to_be_hidden()


@desktop
def test_error_of_the_server_is_shown_in_its_own_words(screen, shop):
    shop.order(1001)
    page = screen.open()
    page.context.clear_cookies(name="csrftoken")
    screen.row(1001).get_by_role("button", name="Принят").click()
    expect(page.locator(".crm-tap-failed")).to_contain_text("Страница устарела. Ничего не сохранено")
    page.keyboard.press("Escape")
    expect(page.locator(".crm-tap-failed")).to_be_hidden()


def played(screen: Screen) -> int:
    """Return how often the sound was played."""
    return int(screen.page.locator("#crm-sound").get_attribute("data-played") or 0)


@desktop
def test_new_order_rings_until_it_is_accepted(screen, shop, manager):
    page = screen.open()
    page.locator("#crm-sound").click()
    expect(page.locator("#crm-sound")).to_have_attribute("data-played", "1")
    order = shop.order(1001)
    expect(page.locator("#crm-sound")).to_have_attribute("data-played", re.compile("[3-9]"))  # it rings again
    expect(page.get_by_role("button", name="Выключить звонок")).to_be_visible()
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    expect(page.get_by_role("button", name="Выключить звонок")).to_be_hidden()
    before = played(screen)
    page.wait_for_timeout(4500)
    assert played(screen) == before


@desktop
def test_silenced_order_rings_no_more_and_the_sound_stays_on(screen, shop):
    page = screen.open()
    page.locator("#crm-sound").click()
    shop.order(1001)
    page.get_by_role("button", name="Выключить звонок").click()
    before = played(screen)
    page.wait_for_timeout(6000)
    assert played(screen) == before
    expect(page.locator("#crm-sound")).to_have_attribute("aria-pressed", "true")
    shop.order(1002)
    expect(page.get_by_role("button", name="Выключить звонок")).to_be_visible()
