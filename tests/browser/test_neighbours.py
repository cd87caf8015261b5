"""Tests of the way from one order of a list to the next one, with the keyboard and with links."""

import pytest
from playwright.sync_api import expect

from orders.models import Order
from tests.browser.conftest import LIST

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_keys_and_links_lead_to_the_orders_beside_it(screen, shop):
    for number in (1001, 1002):
        shop.order(number, hours=0.1 * (number - 1000))
    page = screen.open(
        f"{LIST}{Order.objects.get(order_number='1001').pk}/change/?_changelist_filters=preset%3Dall%26o%3D1"
    )
    head = page.get_by_role("region", name="Заказ", exact=True)
    expect(head).to_contain_text("№\xa01001")
    page.keyboard.press("j")
    expect(head).to_contain_text("№\xa01002")
    page.keyboard.press("j")  # the last order of the list has no next one
    page.get_by_label("Заметка для коллег").fill("jk")
    expect(head).to_contain_text("№\xa01002")
    page.get_by_label("Заметка для коллег").fill("")
    page.get_by_role("link", name="Предыдущий заказ, №\xa01001").click()
    expect(head).to_contain_text("№\xa01001")
    expect(page.get_by_role("link", name="Предыдущий заказ")).to_have_count(0)
