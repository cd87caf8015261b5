"""What a shop misses first, in that order: each point done as a person does it, on three sizes of screen."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from bitrix_bridge.models import Push
from orders.models import EventKind, Order
from tests.browser.conftest import LIST

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_01_a_new_order_appears_by_itself(desk, shop):
    shop.order(1001)
    page = desk.open()
    expect(desk.row(1001)).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(1\)"))
    page.locator("#crm-sound").click()  # one tap unlocks the sound, and plays it
    expect(page.locator("#crm-sound")).to_have_attribute("data-played", "1")
    top = desk.row(1001).bounding_box()

    shop.order(1002, hours=-1)  # it belongs above the other one
    expect(page.get_by_role("button", name="1 новый заказ")).to_be_visible(timeout=10_000)
    expect(page).to_have_title(re.compile(r"^\(2\)"))
    expect(page.locator("#crm-sound")).to_have_attribute("data-played", "2")
    moved = desk.row(1001).bounding_box()["y"] - top["y"]
    assert desk.row(1002).count() == 0 and moved < 90  # the rows moved by no more than the news' own height

    page.get_by_role("button", name="1 новый заказ").click()
    expect(desk.row(1002)).to_be_visible()
    page.reload()
    expect(desk.row(1002)).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(2\)"))
    desk.check()


def test_02_the_list_opens_on_today_and_tomorrow_is_a_tap_away(desk, shop):
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    shop.order(1001, hours=2)
    shop.order(1002, hours=1)
    shop.order(1003, properties={"data": tomorrow, "when": "18"}, hours=None)
    page = desk.open()
    numbers = page.locator(".crm-row-number")
    expect(numbers).to_have_text([re.compile("1002"), re.compile("1001")])
    page.get_by_role("navigation", name="День").get_by_role("link", name=re.compile("Завтра")).click()
    expect(numbers).to_have_text([re.compile("1003")])
    page.get_by_role("navigation", name="День").get_by_role("link", name=re.compile("Сегодня")).click()
    expect(numbers).to_have_count(2)


@pytest.mark.parametrize("typed", ["8 (701) 123-45-67", "+7 701 123 45 67", "4567", "1001", "мария", "айгер"])
def test_03_search_finds_an_order_by_whatever_is_known(desk, shop, typed):
    shop.order(1001)
    other = {"nameRecipient": "Олег", "phoneRecipient": "87050000000", "name": "Пётр", "phone": "87051111111"}
    shop.order(2002, properties=other, USER_ID="5", user={"ID": "5", "NAME": "Пётр", "PERSONAL_PHONE": "87051111111"})
    page = desk.open()
    page.locator("#searchbar").fill(typed)
    page.keyboard.press("Enter")
    expect(page.locator(".crm-row-number")).to_have_text([re.compile("1001")])


def test_04_one_tap_moves_an_order_on_and_the_row_says_whether_the_site_knows(desk, shop, settings):
    settings.STATUS_GRACE_SECONDS = 10
    first, second = shop.order(1001), shop.order(1002)
    page = desk.open()
    desk.row(1001).get_by_role("button", name="Принят").click()
    expect(desk.row(1001)).to_contain_text("ждёт отправки")
    expect(desk.row(1001).get_by_role("button", name="Доставляется")).to_be_visible()
    expect(page.locator("#crm-messages")).to_contain_text("Отменить")
    assert page.url.endswith(LIST)  # no other page in between
    assert Order.objects.get(pk=first.pk).status_id == "accepted"
    assert Push.objects.filter(order=first).count() == 1

    Order.objects.filter(pk=second.pk).update(sync_state="failed", updated_at=timezone.now())
    expect(desk.row(1002)).to_contain_text("сайт отказал", timeout=10_000)

    # Many at once
    for number in (1001, 1002):
        desk.row(number).get_by_role("checkbox").check()
    page.locator("select[name=action]").select_option(label="Следующий шаг")
    page.locator("#changelist-actions-wrapper button[type=submit]").first.click()
    expect(page.locator("#crm-messages")).to_contain_text("Изменено: 2")
    assert Order.objects.get(pk=second.pk).status_id == "accepted"
    assert first.events.filter(kind=EventKind.STATUS).count() == 2
