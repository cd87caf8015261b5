"""Tests of every page with an order whose texts a customer of the site has made as long and as hostile as possible.

Each page must answer within a limit of processor time, and the cost of a list must not depend on the length of texts.
"""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from orders import services
from orders.admin.rows.row_context import TEXT_LENGTH
from orders.models import Courier, Order, OrderNote, PhotoApproval
from orders.photos.links import new_nonce, photo_token
from tests.admin_pages import address_of, make_samples, registered
from tests.hostile_texts import limited
from tests.orders.admin.conftest import LIST, change_url

LIMIT = 2.0
"""The limit of processor time for one page, in seconds. Usually a page takes a tenth of it."""
LENGTH = 9_900
RUNS = {
    "commas": ",",
    "brackets": "(",
    "numbers": "7, ",
    "phones": "+7 701 123-45-67, ",
    "syllables": "ский",
    "hyphens": "а-",
    "lines": "\n",
    "mixed": " <,;(-&",
}
PAPERS = ("work_order:a5", "route_sheet:a4", "postcard:a6")


def hostile(unit):
    return "Абая 10" + (unit * LENGTH)[:LENGTH] + "кв"


def hostile_order(make_order, number, text, **changes):
    today = timezone.localdate().isoformat()
    return make_order(
        number,
        USER_DESCRIPTION=text,
        COMMENTS=text,
        properties={"addressRecipient": text, "postcardText": text, "nameRecipient": text, "data": today},
        basket=[{"ID": str(number * 10), "PRODUCT_ID": "1", "NAME": text, "PRICE": "7500", "QUANTITY": "1"}],
        user={"ID": str(number), "NAME": text, "PERSONAL_PHONE": "87011234567"},
        USER_ID=str(number),
        **changes,
    )


def read(answer):
    assert answer.status_code == 200
    return b"".join(answer) if answer.streaming else answer.content


def open_pages(client, order, courier):
    """Open the pages that contain the texts of the order, each within the limit."""
    chosen = {ACTION_CHECKBOX_NAME: [str(order.pk)]}
    for page in (
        lambda: client.get(LIST),
        lambda: client.get(LIST, {"preset": "all", "q": "Абая"}),
        lambda: client.get(change_url(order)),
        lambda: client.get(reverse("day_board")),
        lambda: client.post(LIST, {**chosen, "action": "courier_texts_of_selected"}),
        lambda: client.get(f"/crm/orders/courier/{courier.pk}/route/"),
    ):
        with limited(LIMIT):
            read(page())


@pytest.mark.parametrize("name", RUNS)
def test_every_page_answers_with_hostile_texts(browser, browser_of, make_order, manager, name):
    courier = Courier.objects.create(name="Ерлан", phone="+77770001122")
    with limited(LIMIT):
        order = hostile_order(make_order, 1001, hostile(RUNS[name]))
    assert len(order.delivery_address) > 9_900
    services.assign_courier(order_id=order.pk, courier=courier, actor=manager)

    open_pages(browser, order, courier)
    # For a user who may not see phones, they are masked in every text.
    open_pages(browser_of("orders.view_order", "orders.view_courier"), order, courier)
    for paper in PAPERS:
        with limited(LIMIT):
            read(browser.post(f"{LIST}print/", {"paper": paper, "order": str(order.pk)}))
    for kind in ("csv", "xlsx"):
        with limited(LIMIT):
            read(browser.get(f"{LIST}export/", {"format": kind, "preset": "all"}))


def test_customers_page_does_not_read_long_texts(browser, make_order, manager):
    order = hostile_order(make_order, 1001, hostile(","))
    # The link needs a photo, and this test needs no image file.
    approval = PhotoApproval.objects.create(order=order, nonce=new_nonce(), expires_at=timezone.now() + timedelta(1))
    with limited(LIMIT), CaptureQueriesContext(connection) as queries:
        read(Client().get(f"/p/{photo_token(approval)}/"))
    assert not [query["sql"] for query in queries if "delivery_address" in query["sql"]]


def test_cost_of_list_does_not_depend_on_length_of_texts(browser, make_order, manager):
    def page(length):
        """Return the number of queries, the length of the list and its longest tooltip, for texts of this length."""
        text = ("ул. Абая, " * length)[:length]
        for number in range(1001, 1006):
            order = hostile_order(make_order, number, text, VERSION=str(length), DATE_UPDATE=...)
            assert len(order.comment) == len(text.strip())
            OrderNote.objects.filter(order=order).delete()
            OrderNote.objects.create(order=order, author=manager, text=text)
        with CaptureQueriesContext(connection) as queries:
            html = read(browser.get(LIST, {"preset": "all"})).decode()
        return len(queries), len(html), max(map(len, re.findall(r"title=\"([^\"]*)\"", html)))

    page(10)
    short, long, hostile_ones = page(100), page(TEXT_LENGTH), page(LENGTH)
    assert short[0] == long[0] == hostile_ones[0]
    assert abs(hostile_ones[1] - long[1]) < long[1] / 50
    assert hostile_ones[2] <= TEXT_LENGTH + 20


def test_list_shows_the_beginning_of_texts(browser, make_order):
    hostile_order(make_order, 1001, "Сатпаева " + "б" * TEXT_LENGTH)
    html = read(browser.get(LIST)).decode()
    assert html.count("Сатпаева ббббб") >= 3  # the address, the comment and the item
    assert "б" * 70 not in html


def test_list_shows_no_part_of_phone_that_is_cut(browser_of, make_order):
    text = "я" * (TEXT_LENGTH - 8) + " +7 701 123-45-67"
    hostile_order(make_order, 1001, text)
    html = read(browser_of("orders.view_order").get(LIST)).decode()
    assert "я" * 50 in html
    assert "701" not in html


@pytest.mark.parametrize("model", registered(), ids=lambda model: model._meta.label)
def test_no_list_reads_long_texts_of_orders(browser, post_webhook, manager, model):
    make_samples(post_webhook, manager)
    Order.objects.update(delivery_address="длинный " * 1000, courier_comment="длинный " * 1000)
    with CaptureQueriesContext(connection) as queries:
        html = read(browser.get(address_of(model, "changelist"))).decode()
    read_columns = [re.sub(r"LEFT\([^)]*\)", "", query["sql"]) for query in queries]
    assert not [sql for sql in read_columns if '"delivery_address"' in sql or '"courier_comment"' in sql]
    assert html.count("длинный") < 100
