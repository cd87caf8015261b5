"""Tests of the timeline entry about details, such as the flat or the size of a bouquet, that the site has changed."""

import pytest

from orders.models import Order
from tests.orders.admin.conftest import change_url
from tests.roles import browser_of, everything_but
from tests.samples import order_data


def basket(**columns):
    line = {"ID": "1", "PRODUCT_ID": "696613", "NAME": "Букет «Утро»", "PRICE": "7500", "QUANTITY": "1"}
    return [line | columns]


def size(value):
    return [{"NAME": "Размер", "CODE": "SIZE", "VALUE": value}]


@pytest.fixture
def send(post_webhook):
    """Return a function that sends the next version of the same order."""
    version = iter(range(1, 100))

    def send(event="order.update", *, properties=None, **changes):
        data = order_data(VERSION=str(next(version)), **changes)
        data["properties"] = {**data["properties"], **(properties or {})}
        return post_webhook(event, data).json()["action"]

    return send


def entries():
    return [event for event in Order.objects.get().events.order_by("happened_at") if event.kind == "changed"]


def page(browser):
    return browser.get(change_url(Order.objects.get())).content.decode()


def test_timeline_shows_changed_details_of_an_item_alone(db, send, browser):
    send("order.create", basket=basket(PROPS=size("61 см"), NOTES="без лилий"))
    assert send(basket=basket(PROPS=size("71 <см>"), NOTES="")) == "updated"
    (entry,) = entries()
    assert (entry.source, [change["field"] for change in entry.changes]) == ("bitrix", ["details"])
    html = page(browser)
    assert "Ещё с сайта:</span> <del>Букет «Утро», Размер: 61 см" in html
    assert "<ins>Букет «Утро», Размер: 71 &lt;см&gt;" in html


def test_timeline_shows_changed_property_of_the_order(db, send, browser):
    send("order.create", properties={"apartment": {"NAME": "Кв./офис", "VALUE": "25"}, "shopId": None})
    assert send(properties={"apartment": {"NAME": "Кв./офис", "VALUE": "26"}}) == "updated"
    assert "<del>Кв./офис: 25</del> → <ins>Кв./офис: 26</ins>" in page(browser)
    assert send(properties={"apartment": {"NAME": "Кв./офис", "VALUE": ""}}) == "updated"
    assert "<del>Кв./офис: 26</del> → <ins>Кв./офис: —</ins>" in page(browser)


@pytest.mark.parametrize(
    "again",
    [
        {"basket": basket(PROPS={"SIZE": {"NAME": "Размер", "VALUE": "61 см"}})},
        {"basket": basket(PROPS=size("61 см"), XML_ID="x1", PRODUCT_XML_ID="p1")},
        {"basket": basket(PROPS=size("61 см")), "PS_STATUS": "Y", "DATE_BILL": "2025-08-24"},
    ],
)
def test_same_details_in_another_format_make_no_entry(db, send, again):
    send("order.create", basket=basket(PROPS=size("61 см")))
    send(**again)
    assert entries() == []


def test_first_details_of_a_stub_make_no_entry(db, post_webhook, send):
    post_webhook("order.status.change", {"ID": "122183", "STATUS_ID": "N"})
    send(basket=basket(PROPS=size("61 см")))
    assert not [entry for entry in entries() if "details" in str(entry.changes)]


def test_phones_and_prices_in_changed_details_are_hidden(db, send):
    for phone, price in (("8 701 555 66 77", "2468"), ("8 701 555 88 99", "1357")):
        properties = [
            {"NAME": "Кому", "CODE": "FOR", "VALUE": f"Маме {phone}"},
            {"NAME": "Kaspi", "CODE": "KASPI_PHONE", "VALUE": phone},
            {"NAME": "Надбавка", "CODE": "EXTRA_PRICE", "VALUE": price},
        ]
        send("order.update", basket=basket(PROPS=properties))
    assert len(entries()) == 1
    html = page(browser_of(everything_but("view_phones", "view_all_prices")))
    for text in ("555 66", "555-66", "555 88", "555-88", "1357", "2468", "1\xa0357", "2\xa0468"):
        assert text not in html, text
    for text in ("Надбавка: •••", "Маме •••", "Kaspi: •••\xa08899"):
        assert text in html, text
