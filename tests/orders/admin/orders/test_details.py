"""Tests of the details from the site on the order's page: what is shown, to whom, escaped and cut."""

from decimal import Decimal

import pytest

from orders.models import Order, OrderItem
from tests.orders.admin.conftest import change_url
from tests.roles import browser_of, everything_but

BASKET = [
    {
        "ID": "1",
        "PRODUCT_ID": "696613",
        "NAME": "Букет",
        "PRICE": "7500",
        "QUANTITY": "1",
        "PROPS": [
            {"NAME": "Размер", "CODE": "SIZE", "VALUE": "61 <см>"},
            {"NAME": "Кому", "CODE": "FOR", "VALUE": "Маме 8 701 555 66 77"},
            {"NAME": "Надбавка", "CODE": "EXTRA_PRICE", "VALUE": "2468"},
        ],
    }
]
PROPERTIES = {
    "apartment": {"NAME": "Кв./офис", "VALUE": "25 <script>"},
    "kaspiPhone": "8 701 555 66 77",
    "bonusSum": "4321",
    "notes": "д" * 200 + "конец",
    "pickup": "N",
}


def page(browser, order):
    answer = browser.get(change_url(order))
    assert answer.status_code == 200
    return answer.content.decode()


def block(html):
    return html.partition('id="details"')[2].partition("</section>")[0]


@pytest.fixture
def order(make_order):
    return make_order(
        properties=PROPERTIES, basket=BASKET, ADDITIONAL_INFO="со склада", DATE_PAYED="2025-08-24 10:00:00"
    )


def test_page_shows_details_with_labels_and_escaped(browser, order):
    shown = block(page(browser, order))
    for text in ("Ещё с сайта", "Кв./офис", "25 &lt;script&gt;", "+7 701 555-66-77", "4\xa0321\xa0₸", "Дополнительно",
                 "со склада", "Показать целиком", "д" * 200 + "конец", "д" * 159 + "…"):  # fmt: skip
        assert text in shown, text
    for text in ("<script>", "DATE_PAYED", "VERSION", "pickup", "checksum"):
        assert text not in shown, text


def test_item_shows_its_details_to_those_who_edit_and_who_read(browser, order):
    for reader in (browser, browser_of(everything_but("change_order"))):
        html = page(reader, order)
        for text in ("61 &lt;см&gt;", "Надбавка", "2\xa0468\xa0₸", "Маме 8 701 555 66 77"):
            assert text in html, text


@pytest.mark.parametrize(
    "rights", [("view_phones",), ("view_phones", "change_order"), ("view_phones", "view_all_prices")]
)
def test_phones_are_masked_for_users_who_may_not_see_them(order, rights):
    html = page(browser_of(everything_but(*rights)), order)
    assert "555" not in html
    assert "•••\xa06677" in block(html)
    assert "Маме •••" in html


@pytest.mark.parametrize("rights", [("view_all_prices",), ("view_all_prices", "change_order")])
def test_prices_are_masked_for_users_who_may_not_see_them(order, rights):
    html = page(browser_of(everything_but(*rights)), order)
    for price in ("4321", "4\xa0321", "2468", "2\xa0468"):
        assert price not in html, price
    assert "•••" in block(html)
    assert "Надбавка" in html


def test_order_without_details_has_no_block(browser, make_order):
    assert 'id="details"' not in page(browser, make_order(properties={"name": None, "phone": None, "email": None}))


def test_many_details_are_shown_on_demand(browser, make_order):
    order = make_order(properties={f"property{n}": str(n) for n in range(41)})
    shown = block(page(browser, order))
    head, _summary, rest = shown.rpartition("<details>")
    assert (head.count("<dt"), rest.count("<dt")) == (30, 11)
    assert "Ещё 11 значений" in rest


def test_number_of_queries_does_not_depend_on_details(browser, order, django_assert_max_num_queries):
    page(browser, order)
    with django_assert_max_num_queries(60) as few:
        page(browser, order)
        count = len(few)
    assert count > 5
    for n in range(5):
        OrderItem.objects.create(
            order=order,
            position=n + 2,
            price=Decimal(1),
            product_snapshot={"name": "Х", "properties": {"size": str(n)}},
        )
    Order.objects.update(metadata={"properties": {f"own{n}": "x" for n in range(50)}})
    with django_assert_max_num_queries(count):
        page(browser, order)
