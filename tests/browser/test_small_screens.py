"""Tests of what a phone must show whole: large sums, suggestions above the bar, and the button of a bulk action."""

import pytest
from playwright.sync_api import expect

from orders.models import Order, Product
from tests.browser.conftest import LIST, overflow_width

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.parametrize("size", ["phone"], indirect=True)]


@pytest.mark.parametrize("amount", [1_234_500, 12_345_600])
def test_sum_of_millions_fits_its_card(screen, shop, amount):
    shop.order(1001)
    Order.objects.update(total_amount=amount)
    page = screen.open("/crm/")
    figure = page.locator(".crm-start-figures strong", has_text="₸").first
    expect(figure).to_contain_text("₸")
    inside = figure.evaluate(
        """(one) => { const range = document.createRange(); range.selectNodeContents(one);
             const text = range.getBoundingClientRect(), card = one.closest(".crm-start-card").getBoundingClientRect();
             return text.left >= card.left && text.right <= card.right; }"""
    )
    assert inside
    assert overflow_width(page) <= 0


def test_suggestions_of_a_new_order_are_not_under_the_bar(screen, shop):
    for number in range(8):
        Product.objects.create(name=f"Роза {number}", price=1000, bitrix_product_id=900 + number, is_active=True)
    page = screen.open(f"{LIST}add/")
    field = page.get_by_role("combobox", name="Товар")
    field.click()
    field.press_sequentially("роза")
    options = page.locator(".crm-suggestion").locator("visible=true")
    expect(options.first).to_be_visible()
    last = options.last
    last.scroll_into_view_if_needed()
    is_on_top = last.evaluate(
        """(one) => { const box = one.getBoundingClientRect();
             const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
             return one === hit || one.contains(hit); }"""
    )
    assert is_on_top
    last.click()
    expect(page.locator("[data-line]")).to_have_count(1)


def test_button_of_a_bulk_action_is_large_enough_for_a_finger(screen, shop):
    shop.order(1001)
    page = screen.open(f"{LIST}?preset=all")
    page.locator("input.action-select").first.check()
    button = page.locator(".crm-bulk button[type=submit]").first
    expect(button).to_be_visible()
    assert button.bounding_box()["height"] >= 48
