"""Tests of the command palette (Ctrl+K): it finds orders, customers and lists that the user may see."""

from tests.orders.admin.conftest import change_url

SEARCH = "/crm/search/"


def test_palette_finds_orders_customers_and_presets(browser, make_order):
    order = make_order()
    page = browser.get(SEARCH, {"extended": 1, "s": "122183"}).content.decode()
    assert change_url(order) in page
    assert "№ 122183 · Мария" in page
    assert "Айгерим" in browser.get(SEARCH, {"extended": 1, "s": "4567"}).content.decode()
    assert "preset=late" in browser.get(SEARCH, {"extended": 1, "s": "опазд"}).content.decode()
    assert "По вашему запросу" in browser.get(SEARCH, {"extended": 1, "s": "нет такого"}).content.decode()


def test_palette_shows_no_phones_and_requires_permissions(browser_of, make_order):
    make_order()
    page = browser_of().get(SEARCH, {"extended": 1, "s": "122183"}).content.decode()
    assert "Мария" not in page
    page = browser_of("orders.view_order", "orders.view_customer").get(SEARCH, {"extended": 1, "s": "7012"})
    assert "701" not in page.content.decode().replace('value="7012"', "")


def test_palette_takes_constant_number_of_statements(browser, make_order, django_assert_max_num_queries):
    for number in range(1001, 1031):
        make_order(number)
    with django_assert_max_num_queries(15):
        page = browser.get(SEARCH, {"extended": 1, "s": "мария"}).content.decode()
    assert page.count("Мария") <= 20
