"""Tests of printing from the order's page and from the list: documents, printed postcards and permissions."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bitrix_bridge.models import Push
from notifications.models import TelegramMessage
from orders import services
from orders.models import Courier, EventKind, Order, OrderEvent
from orders.services import AlreadyPrintedError
from tests.orders.admin.conftest import LIST, change_url, numbers
from tests.orders.paper.pdf import page_text, pdf_text, read, size_in_mm

URL = f"{LIST}print/"
ALMATY = ZoneInfo("Asia/Almaty")
PAPERS = ("work_order:a5", "work_order:roll", "route_sheet:a4", "postcard:a6", "postcard:card", "postcard:roll")


def print_paper(client, paper, *orders, **extra):
    keys = [order if isinstance(order, str) else str(order.pk) for order in orders]
    return client.post(URL, {"paper": paper, "order": keys}, **extra)


def printed(order):
    return OrderEvent.objects.filter(order=order, kind=EventKind.PRINTED)


@pytest.mark.parametrize("paper", PAPERS)
def test_each_document_is_returned_as_inline_pdf(browser, make_order, paper):
    order = make_order()
    answer = print_paper(browser, paper, order)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "no-store" in answer.headers["Cache-Control"]
    text = pdf_text(answer.content)
    if paper.startswith("postcard"):
        assert text == "С днём рождения, мама! 🌹"
    else:
        assert "Букет Стандарт" in text
        assert "122183" in text
    widths = {"a4": 210, "a5": 148, "a6": 105, "card": 100, "roll": 80}
    assert size_in_mm(read(answer.content).pages[0])[0] == widths[paper.split(":")[1]]


def test_order_page_offers_all_documents(browser, make_order):
    html = browser.get(change_url(make_order())).content.decode()
    for paper in PAPERS:
        assert f'value="{paper}"' in html
    assert "печаталась" not in html


def test_order_page_offers_no_postcard_without_text(browser, make_order):
    order = make_order(properties={"postcardText": "", "pickup": "Y"})
    html = browser.get(change_url(order)).content.decode()
    assert 'value="work_order:a5"' in html
    assert "route_sheet" not in html
    assert "postcard:" not in html
    assert "нет текста для открытки" in html


def test_printed_postcard_is_recorded_and_sends_nothing(browser, manager, make_order):
    order = make_order()
    before = (Push.objects.count(), TelegramMessage.objects.count(), Order.objects.values().get(pk=order.pk))
    print_paper(browser, "postcard:card", order)

    event = printed(order).get()
    assert (event.actor, event.source, event.details) == (manager, "admin", {"paper_format": "card"})
    after = (Push.objects.count(), TelegramMessage.objects.count(), Order.objects.values().get(pk=order.pk))
    assert after == before
    page = browser.get(change_url(order)).content.decode()
    assert "Открытка напечатана" in page
    assert "Формат: 100 × 70 мм" in page


@pytest.mark.parametrize("paper", ["work_order:a5", "route_sheet:a4"])
def test_printed_work_order_and_route_sheet_are_not_recorded(browser, make_order, paper):
    order = make_order()
    before = OrderEvent.objects.count()
    print_paper(browser, paper, order)
    assert OrderEvent.objects.count() == before


def test_printing_same_postcard_again_shows_warning(browser, browser_of, make_order):
    order = make_order()
    print_paper(browser, "postcard:a6", order)
    printed(order).update(happened_at=datetime(2025, 8, 25, 14, 2, tzinfo=ALMATY))

    # The page that a different user has open does not show this print.
    other = browser_of("orders.view_order", "orders.change_order_status")
    warning = print_paper(other, "postcard:a6", order)
    assert warning.headers["Content-Type"].startswith("text/html")
    html = warning.content.decode()
    assert "уже печаталась 25.08 в 14:02, Данияр" in html
    assert "Напечатать ещё раз" in html
    assert printed(order).count() == 1

    # The button in the warning sends the number of prints that the user has seen, which is one.
    assert f'value="{order.pk}:1"' in html
    assert pdf_text(print_paper(other, "postcard:a6", f"{order.pk}:1").content) == "С днём рождения, мама! 🌹"
    assert printed(order).count() == 2
    assert "печаталась" in print_paper(other, "postcard:a6", f"{order.pk}:1").content.decode()
    assert printed(order).count() == 2


def test_order_page_shows_that_postcard_was_printed(browser, make_order):
    order = make_order()
    print_paper(browser, "postcard:a6", order)
    html = browser.get(change_url(order)).content.decode()
    assert "Уже печаталась" in html
    assert "Данияр" in html
    assert "Напечатать ещё раз" in html
    assert f'value="{order.pk}:1"' in html


def test_concurrent_print_of_same_postcard_is_refused(browser, manager, make_order, monkeypatch):
    order = make_order()
    arguments = {"order_ids": [order.pk], "paper_format": "a6", "actor": manager, "seen": {}}
    services.record_postcards_printed(**arguments)
    with pytest.raises(AlreadyPrintedError) as refusal:
        services.record_postcards_printed(**arguments)
    assert refusal.value.order_ids == [order.pk]

    # The view finds no print. The service, which looks again under its lock, finds one.
    real, looks = services.postcard_prints, [{}]
    monkeypatch.setattr(services, "postcard_prints", lambda keys: looks.pop() if looks else real(keys))
    assert "печаталась" in print_paper(browser, "postcard:a6", order).content.decode()
    assert printed(order).count() == 1


def test_warning_offers_to_print_only_new_postcards(browser, make_order):
    orders = [make_order(n, properties={"postcardText": f"Открытка {n}"}) for n in (1001, 1002, 1003)]
    print_paper(browser, "postcard:a6", orders[1])
    html = print_paper(browser, "postcard:a6", *orders).content.decode()
    assert "№&nbsp;1002" in html
    assert "№&nbsp;1001" not in html
    assert "Напечатать только 2 новые" in html
    assert "Напечатать все 3 ещё раз" in html

    pages = read(print_paper(browser, "postcard:a6", orders[0], orders[2]).content).pages
    assert [page_text(page) for page in pages] == ["Открытка 1001", "Открытка 1003"]
    assert [printed(order).count() for order in orders] == [1, 1, 1]


def choose(client, *orders):
    data = {"action": "print_selected", "_selected_action": [str(order.pk) for order in orders], "index": 0}
    return client.post(LIST, data).content.decode()


def test_bulk_print_page_counts_documents_of_selected_orders(browser, make_order):
    courier = Courier.objects.create(name="Ерлан")
    orders = [make_order(n) for n in (1001, 1002, 1003)]
    Order.objects.filter(pk=orders[0].pk).update(courier=courier)
    without = make_order(1004, properties={"postcardText": "", "pickup": "Y"})
    html = choose(browser, *orders, without)

    for part in ("4 заказа", "Ерлан", "1 адрес", "Без курьера", "2 адреса", "получить: 18\xa0000\xa0₸", "3 открытки",
                 "№&nbsp;1004 — самовывоз", *(f'value="{paper}"' for paper in PAPERS)):  # fmt: skip
        assert part in html, part
    assert html.count('name="order"') == 4
    assert OrderEvent.objects.filter(kind=EventKind.PRINTED).count() == 0


def test_each_courier_gets_own_route_sheet(browser, make_order):
    orders = [make_order(n) for n in (1001, 1002)]
    Order.objects.filter(pk=orders[0].pk).update(courier=Courier.objects.create(name="Ерлан"))
    first, second = read(print_paper(browser, "route_sheet:a4", *orders).content).pages
    assert "Ерлан" in page_text(first)
    assert "1001" in page_text(first)
    assert "Без курьера" in page_text(second)
    assert "1002" in page_text(second)


def test_page_shows_reason_when_nothing_can_be_printed(browser, make_order):
    order = make_order(properties={"postcardText": " ", "pickup": "Y"})
    assert "Текста для открытки нет" in print_paper(browser, "postcard:a6", order).content.decode()
    assert "курьеру везти не нужно" in print_paper(browser, "route_sheet:a4", order).content.decode()
    assert "Таких заказов нет" in print_paper(browser, "work_order:a5").content.decode()
    assert not printed(order).exists()


def test_printing_refuses_more_orders_than_the_limit(browser, make_order, monkeypatch):
    from orders.admin.actions import printing

    monkeypatch.setattr(printing, "MOST_AT_ONCE", 2)
    orders = [make_order(n) for n in (1001, 1002, 1003)]
    for paper in PAPERS:
        assert "печатается не больше" in print_paper(browser, paper, *orders).content.decode()
    assert "печатается не больше" in browser.post(
        LIST, {"action": "print_selected", "_selected_action": [str(o.pk) for o in orders], "index": 0}, follow=True
    ).content.decode()  # fmt: skip


@pytest.mark.parametrize("paper", ["", "postcard", "postcard:a4", "work_order:a6", "invoice:a4", "postcard:a6:x"])
def test_unknown_document_or_size_returns_404(browser, make_order, paper):
    assert print_paper(browser, paper, make_order()).status_code == 404


@pytest.mark.parametrize("key", ["x", "122183", "00000000-0000-0000-0000-000000000000:x"])
def test_malformed_order_id_returns_404(browser, db, key):
    assert print_paper(browser, "work_order:a5", key).status_code == 404


def test_get_prints_nothing_and_preview_has_watermark(browser, make_order):
    order = make_order()
    assert browser.get(URL, {"paper": "postcard:a6", "order": str(order.pk)}).status_code == 405
    preview = reverse("admin:orders_order_postcard", args=[order.pk])
    for size, width in (("", 105), ("card", 100), ("roll", 80), ("a3", 105)):
        content = browser.get(preview, {"size": size}).content
        assert "ПРОСМОТР" in pdf_text(content)
        assert "С днём рождения" in pdf_text(content)
        assert size_in_mm(read(content).pages[0])[0] == width
    assert not printed(order).exists()
    without = make_order(1002, properties={"postcardText": ""})
    assert browser.get(reverse("admin:orders_order_postcard", args=[without.pk])).status_code == 404


def test_printing_requires_permission_to_view_orders(browser_of, client, make_order):
    order = make_order()
    preview = reverse("admin:orders_order_postcard", args=[order.pk])
    stranger = browser_of()
    for paper in PAPERS:
        assert print_paper(stranger, paper, order).status_code == 403
        assert print_paper(client, paper, order).headers["Location"].startswith("/crm/login/")
    assert stranger.get(preview).status_code == 403
    assert client.get(preview).status_code == 302
    assert not printed(order).exists()
    reader = browser_of("orders.view_order")
    assert [print_paper(reader, paper, order).status_code for paper in PAPERS] == [200, 200, 200, 403, 403, 403]


def test_printing_is_refused_without_csrf_token(manager, make_order):
    order = make_order()
    client = Client(enforce_csrf_checks=True)
    client.force_login(manager)
    assert print_paper(client, "postcard:a6", order).status_code == 403
    assert not printed(order).exists()


def test_texts_of_order_are_escaped_on_printing_pages(browser, make_order):
    evil = "<script>alert('x')</script>"
    order = make_order(properties={"postcardText": evil, "nameRecipient": evil})
    Order.objects.filter(pk=order.pk).update(courier=Courier.objects.create(name=evil))
    assert evil not in choose(browser, order)
    assert pdf_text(print_paper(browser, "postcard:a6", order).content).replace(" ", "") == evil
    assert evil not in print_paper(browser, "postcard:a6", order).content.decode()
    assert evil not in browser.get(change_url(order)).content.decode()


@pytest.mark.parametrize("paper", PAPERS)
def test_printing_takes_constant_number_of_queries(browser, make_order, paper):
    def cost(*orders):
        with CaptureQueriesContext(connection) as queries:
            assert print_paper(browser, paper, *orders).headers["Content-Type"] == "application/pdf"
        return len(queries)

    one, few = cost(make_order(1001)), cost(*[make_order(n) for n in range(1002, 1012)])
    assert one == few <= 12


def test_qr_code_of_route_sheet_opens_orders_of_day(browser, make_order):
    from orders.paper.route_sheet import _day_address

    make_order(1001, properties={"data": "2025-08-25"})
    make_order(1002, properties={"data": "2025-08-26"})
    make_order(1003, properties={"data": ""})
    for day, expected in ((date(2025, 8, 25), ["1001"]), (None, ["1003"])):
        address = _day_address(day)
        assert address.startswith("http://localhost:8001/crm/")
        assert numbers(browser.get(address.removeprefix("http://localhost:8001")).content) == expected


def test_reader_can_preview_postcard_but_not_print_it(browser_of, make_order):
    order = make_order()
    reader = browser_of("orders.view_order")
    assert print_paper(reader, "postcard:a6", order).status_code == 403
    assert not printed(order).exists()
    assert print_paper(reader, "work_order:a5", order).status_code == 200
    assert reader.get(f"{LIST}{order.pk}/postcard/").status_code == 200
    page = reader.get(change_url(order)).content.decode()
    assert "postcard:a6" not in page
    assert f"{LIST}{order.pk}/postcard/" in page
    chosen = {"action": "print_selected", "_selected_action": [str(order.pk)]}
    assert "postcard:a6" not in reader.post(LIST, chosen).content.decode()
    florist = browser_of("orders.view_order", "orders.change_order_status")
    assert "postcard:a6" in florist.get(change_url(order)).content.decode()
    assert print_paper(florist, "postcard:a6", order).status_code == 200
    assert printed(order).count() == 1
