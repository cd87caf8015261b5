"""Tests of the order list: orders in sight, bytes and elements of a page, and changes by a tap on a value."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from orders.models import Order
from tests.browser.conftest import LIST, serious_violations

pytestmark = [pytest.mark.django_db(transaction=True)]

LEAST_IN_SIGHT = {"phone": 2.5, "tablet": 7, "desktop": 12}
MOST_BYTES = 150_000  # of HTML before compression, for a page of 50 orders
MOST_ELEMENTS = 1500
IN_SIGHT = """() => [...document.querySelectorAll('#result_list tr[data-row]')].reduce((sum, row) => {
  const box = row.getBoundingClientRect();
  return sum + Math.max(0, Math.min(box.bottom, innerHeight) - Math.max(box.top, 0)) / box.height;
}, 0)"""


def test_orders_are_in_sight_without_scrolling(screen, shop):
    for number in range(1001, 1021):
        shop.order(number, hours=number % 6)
    page = screen.open()
    assert page.evaluate(IN_SIGHT) >= LEAST_IN_SIGHT[screen.size]
    for text in ("№\xa01001", "Новый", "Букет Стандарт", "Абая 150", "Мария", "9\xa0000\xa0₸"):
        screen.shows(1001, text)
    assert not serious_violations(page)


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_a_page_of_fifty_orders_is_light(screen, shop, manager):
    for number in range(1001, 1051):
        shop.order(number, hours=number % 6)
    client = Client()
    client.force_login(manager)
    assert len(client.get(LIST).content) <= MOST_BYTES
    page = screen.open()
    assert page.locator("#result_list tr[data-row]").count() == 50
    assert page.evaluate("document.querySelectorAll('*').length") <= MOST_ELEMENTS


@pytest.mark.parametrize("size", ["phone", "desktop"], indirect=True)
def test_courier_and_day_are_changed_by_a_tap_and_undone(screen, shop, courier, slots):
    order = shop.order(1001)
    page = screen.open()
    screen.row(1001).get_by_role("link", name="нет курьера").click()
    dialog = page.locator("#crm-dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Ерлан Сапаров").click()
    expect(dialog).to_be_hidden()
    screen.shows(1001, "Ерлан Сапаров")
    page.get_by_role("button", name="Отменить").click()
    expect(screen.row(1001).get_by_role("link", name="нет курьера")).to_be_visible()

    tomorrow = timezone.localdate() + timedelta(days=1)
    screen.row(1001).locator(".c-when a").click()
    dialog.get_by_label("Дата").fill(tomorrow.isoformat())
    dialog.get_by_label("Интервал").select_option("18:00-19:00")
    dialog.get_by_role("button", name="Сохранить").click()
    screen.shows(1001, re.compile(r"завтра, 18:00–19:00"))
    stored = Order.objects.get(pk=order.pk)
    assert (stored.delivery_date, stored.delivery_slot.bitrix_id) == (tomorrow, "18:00-19:00")


@pytest.mark.parametrize("size", ["phone", "desktop"], indirect=True)
def test_lists_without_orders_fold_and_rows_stay_comfortable(screen, shop):
    shop.order(1001)
    page = screen.open()
    presets = page.get_by_role("navigation", name="Списки")
    expect(presets.get_by_role("link", name="Сегодня")).to_be_visible()
    expect(presets.get_by_role("link", name="В пути")).to_be_hidden()
    presets.get_by_role("button", name="ещё").click()
    expect(presets.get_by_role("link", name="В пути")).to_be_visible()
    height = screen.row(1001).bounding_box()["height"]
    page.locator(".crm-menu summary").click()
    page.get_by_role("button", name="Плотные строки").click()
    page.reload()
    if screen.size == "desktop":
        assert screen.row(1001).bounding_box()["height"] > height
    expect(page.locator("#crm-density")).to_have_attribute("aria-pressed", "false")


def test_filters_open_in_a_dialog_and_are_applied(screen, shop):
    shop.order(1001)
    shop.order(1002, STATUS_ID="AP")
    page = screen.open()
    page.locator("#crm-filters").click()
    page.locator("#crm-dialog select[name='status__code__exact']").select_option("accepted")
    page.locator("#crm-dialog").get_by_role("button", name="Применить").click()
    expect(screen.row(1002)).to_be_visible()
    expect(screen.row(1001)).to_have_count(0)
    expect(page.locator("#crm-filters")).to_contain_text("1")
