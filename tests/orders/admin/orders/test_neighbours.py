"""Tests of the links from an order's page to the previous and the next order of the list."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import Order
from tests.orders.admin.conftest import LIST, change_url, numbers

ALL = {"_changelist_filters": "preset=all"}


@pytest.fixture
def orders(make_order):
    """Return five orders by their numbers. The list of all orders shows the latest first."""
    found = {number: make_order(number, DATE_INSERT=f"2025-08-24 12:0{number % 10}:00") for number in range(1001, 1006)}
    return {str(number): order for number, order in found.items()}


def neighbours(browser, url, data=None):
    """Return the number and the URL of the previous and of the next order, by the `rel` of the link."""
    page = browser.get(url, data).content.decode()
    links = re.findall(r'rel="(prev|next)" data-neighbour="\w+" href="([^"]*)"\s+aria-label="[^"]*№\xa0(\d+)"', page)
    return {rel: (number, html.unescape(link)) for rel, link, number in links}


def shown(browser, url, data=None):
    return {rel: number for rel, (number, _url) in neighbours(browser, url, data).items()}


def test_page_links_to_the_orders_beside_it_in_the_order_of_the_list(browser, orders):
    assert numbers(browser.get(LIST, {"preset": "all"}).content) == ["1005", "1004", "1003", "1002", "1001"]
    assert shown(browser, change_url(orders["1003"]), ALL) == {"prev": "1004", "next": "1002"}
    assert shown(browser, change_url(orders["1005"]), ALL) == {"next": "1004"}
    assert shown(browser, change_url(orders["1001"]), ALL) == {"prev": "1002"}


def test_filters_and_search_choose_the_neighbours(browser, orders):
    Order.objects.filter(order_number__in=["1002", "1004"]).update(status="accepted")
    page = change_url(orders["1003"])
    Order.objects.filter(order_number="1005").update(problem="нет цветка")
    assert shown(browser, page, {"_changelist_filters": "preset=problems"}) == {}
    assert shown(browser, page, {"_changelist_filters": "q=1003"}) == {}
    assert set(shown(browser, page, {"_changelist_filters": "preset=all&stage=new"}).values()) == {"1001", "1005"}


def test_neighbour_on_another_page_of_the_list_has_a_link_with_its_page(browser, orders, monkeypatch):
    monkeypatch.setattr(admin.site._registry[Order], "list_per_page", 2)
    url, seen = change_url(orders["1005"]), ["1005"]
    url += "?_changelist_filters=preset%3Dall"
    while "next" in (found := neighbours(browser, url)):
        number, url = found["next"]
        seen.append(number)
    assert seen == ["1005", "1004", "1003", "1002", "1001"]
    (filters,) = parse_qs(urlsplit(url).query)["_changelist_filters"]
    assert parse_qs(filters) == {"preset": ["all"], "p": ["3"]}
    assert numbers(browser.get(f"{LIST}?{filters}").content) == ["1001"]


def test_row_of_the_default_list_leads_to_a_page_with_neighbours(browser, orders):
    today = browser.get(LIST).content.decode()
    assert numbers(today.encode()) == []
    row = browser.get(LIST, {"preset": "all"}).content.decode()
    link = html.unescape(re.search(rf'href="([^"]*{orders["1003"].pk}/change/[^"]*)"', row)[1])
    assert shown(browser, link) == {"prev": "1004", "next": "1002"}


@pytest.mark.parametrize(
    "filters",
    ["", "preset=tomorrow", "q=nothing", "recipient_phone__startswith=7", "status__code__exact=nothing", "p=77"],
)
def test_page_has_no_links_if_the_list_does_not_contain_the_order(browser, orders, filters):
    answer = browser.get(change_url(orders["1003"]), {"_changelist_filters": filters})
    assert answer.status_code == 200
    assert b"data-neighbour" not in answer.content


def test_links_stay_when_a_form_is_shown_again(browser, orders, save):
    page = f"{change_url(orders['1003'])}?_changelist_filters=preset%3Dall"
    before = shown(browser, page)
    answer = browser.post(page, {"recipient_phone": "12"}).content.decode()
    assert all(f"№\xa0{number}" in answer for number in before.values())
    assert len(before) == 2


def test_links_take_a_constant_number_of_queries(browser, orders, make_order):
    def cost(data):
        with CaptureQueriesContext(connection) as queries:
            browser.get(change_url(orders["1003"]), data)
        return len(queries)

    cost(ALL)
    few = cost(ALL)
    for number in range(1010, 1020):
        make_order(number)
    assert cost(ALL) == few
