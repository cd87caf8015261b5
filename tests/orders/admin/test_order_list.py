"""The order list: what a row says, what is found, and what a page costs."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import Order, SyncState
from tests.orders.admin.conftest import LIST, numbers


def test_a_row_says_what_staff_ask_for(browser, make_order):
    make_order(properties={"data": timezone.localdate().isoformat()}, SUM_PAID="4000")
    html = browser.get(LIST).content.decode()

    for text in ("Новый", "crm-stage-new", "●", "Мария", 'href="tel:+77011234567"', "ул. Абая 150", "15:00–16:00",
                 "сегодня", "9\xa0000\xa0₸", "5\xa0000\xa0₸", "crm-sync-synced", "Алматы"):  # fmt: skip
        assert text in html


def test_marks_say_what_is_wrong(browser, make_order, post_webhook):
    order = make_order(CANCELED="Y")
    Order.objects.filter(pk=order.pk).update(is_stub=True, is_deleted_on_site=True)
    assert browser.get(LIST).content.decode().count("crm-mark-") == 3


@pytest.mark.parametrize(
    "typed",
    ["122183", "мария", "Абая", "+7 701 123-45-67", "8 (701) 123 45 67", "4567", "Айгерим", "+7 777 123 45 67"],
)
def test_search_finds_any_spelling(browser, make_order, typed):
    make_order()
    other = {"nameRecipient": "Олег", "phoneRecipient": "87050000000", "addressRecipient": "Сатпаева 1"}
    make_order(
        122999,
        properties=other | {"name": "Пётр", "phone": "87051111111"},
        USER_ID="5",
        user={"ID": "5", "NAME": "Пётр", "PERSONAL_PHONE": "87051111111"},
    )
    assert numbers(browser.get(LIST, {"q": typed}).content) == ["122183"]


def test_search_uses_no_scan(browser, make_order):
    make_order()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        browser.get(LIST, {"q": "Мария 4567"})
    assert not [query["sql"] for query in queries if "UPPER(" in query["sql"] or "LIKE" in query["sql"]]


def test_filters(browser, make_order):
    make_order(1001, properties={"data": "2025-08-25"})
    make_order(1002, properties={"data": "2025-08-26", "city": "3"}, STATUS_ID="AP")
    make_order(1003, properties={"data": "2025-08-27", "shopId": "5"})
    Order.objects.filter(bitrix_order_id=1003).update(sync_state=SyncState.FAILED)

    def found(**query):
        return sorted(numbers(browser.get(LIST, query).content))

    assert found(delivery_date_on="26.08.2025") == ["1002"]
    assert found(delivery_date_from="25.08.2025", delivery_date_to="26.08.2025") == ["1001", "1002"]
    assert found(delivery_date_from="26.08.2025") == ["1002", "1003"]
    assert found(status__code__exact="accepted") == ["1002"]
    assert found(stage="new") == ["1001", "1003"]
    assert found(city__bitrix_id__exact="3") == ["1002"]
    assert found(shop__bitrix_id__exact="5") == ["1003"]
    assert found(sync_state__exact="failed") == ["1003"]
    assert found(source__exact="admin") == []
    assert found(day="today") == []


def test_near_days(browser, make_order):
    today = timezone.localdate()
    make_order(1001, properties={"data": today.isoformat()})
    make_order(1002, properties={"data": (today + timedelta(days=1)).isoformat()})
    make_order(1003, properties={"data": ""})
    assert numbers(browser.get(LIST, {"day": "tomorrow"}).content) == ["1002"]
    assert numbers(browser.get(LIST, {"day": "none"}).content) == ["1003"]


def test_what_is_no_date_finds_nothing_and_says_so(browser, make_order):
    make_order()
    page = browser.get(LIST, {"delivery_date_from": "позавчера"}).content
    assert numbers(page) == []
    assert "позавчера" in page.decode()


def test_newest_first_and_next_page(browser, make_order):
    for number in range(1001, 1053):
        make_order(number, DATE_INSERT=f"2025-08-24 12:{number % 60:02}:00")
    first = browser.get(LIST).content
    assert len(numbers(first)) == 50
    assert 'rel="next"' in first.decode() and 'rel="prev"' not in first.decode()
    second = browser.get(LIST, {"p": 2}).content
    assert len(numbers(second)) == 2
    assert 'rel="next"' not in second.decode()
    assert set(numbers(first)).isdisjoint(numbers(second))
    assert browser.get(LIST, {"p": 0}).status_code == 200
    assert browser.get(LIST, {"p": 10**30}).status_code == 200


def test_a_page_costs_the_same_with_any_number_of_orders(browser, make_order):
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(LIST).status_code == 200
        return [query["sql"] for query in captured]

    for number in range(1001, 1006):
        make_order(number)
    queries()
    few = queries()
    for number in range(1006, 1051):
        make_order(number)
    many = queries()

    assert len(numbers(browser.get(LIST).content)) == 50
    assert len(many) == len(few)
    assert len(many) <= 10
    assert not [sql for sql in many if "COUNT(" in sql and '"orders"' in sql]


def test_facets_do_not_count_the_table(browser, make_order):
    make_order()
    with CaptureQueriesContext(connection) as queries:
        browser.get(LIST, {"_facets": "True"})
    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"] and " WHERE " not in query["sql"]]


def test_whoever_may_not_see_orders_does_not(browser_of):
    assert browser_of().get(LIST).status_code == 403
