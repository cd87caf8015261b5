"""Tests of delivery in a browser: calls, couriers and printing.

The tests are numbered by importance, together with those in test_first_working_day.py.
"""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from orders.models import EventKind, Order
from orders.services import postcard_prints
from tests.browser.conftest import unfold
from tests.orders.paper.pdf import has_missing_glyphs, pdf_text

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def papers(screen):
    """Return the printed PDFs as bytes, the latest last. The browser of the tests does not show PDFs."""
    printed: list[bytes] = []

    def answer(route):
        response = route.fetch()
        if response.headers["content-type"] == "application/pdf":
            printed.append(response.body())
            route.fulfill(status=200, content_type="text/html", body="<p>PDF</p>")
        else:
            route.fulfill(response=response)

    screen.context.route("**/print/", answer)
    return printed


def test_06_row_has_links_to_call_write_and_open_a_map(screen, shop):
    shop.order(1001)
    surprise = shop.order(1002)
    Order.objects.filter(pk=surprise.pk).update(is_surprise=True)
    page = screen.open()
    dialog = page.locator("#crm-dialog")
    expect(screen.row(1001).get_by_role("link", name="+7 701 123-45-67")).to_have_attribute("href", "tel:+77011234567")
    screen.row(1001).get_by_role("link", name="ул. Абая 150").click()
    expect(dialog.get_by_role("link", name="Позвонить получателю")).to_have_attribute("href", "tel:+77011234567")
    chat = dialog.get_by_role("link", name="WhatsApp +7 701 123-45-67")
    expect(chat).to_have_attribute("href", "https://wa.me/77011234567")
    for name, host in (("2ГИС", "https://2gis.kz/"), ("Яндекс", "https://yandex.")):
        link = dialog.get_by_role("link", name=f"{name}: на карте")
        expect(link).to_have_attribute("href", re.compile(re.escape(host)))
        if screen.is_touchscreen:
            assert link.bounding_box()["height"] >= 48, name
    dialog.get_by_role("button", name="Скопировать адрес").click()
    expect(page.get_by_role("status").filter(has_text="Скопировано")).to_have_count(1)
    assert screen.clipboard() == "Алматы, ул. Абая 150, кв 25"
    page.keyboard.press("Escape")
    # If the order is a surprise, the recipient must not be called.
    expect(screen.row(1002).get_by_role("link", name="+7 701 123-45-67")).to_have_count(0)
    screen.row(1002).get_by_role("link", name="ул. Абая 150").click()
    call = dialog.get_by_role("link", name="Позвонить клиенту: получателю звонить нельзя")
    expect(call).to_have_attribute("href", "tel:+77771234567")


def test_07_manager_assigns_and_notifies_a_courier(screen, shop, courier):
    order = shop.order(1001)
    page = screen.open()
    screen.shows(1001, "нет курьера")
    screen.open_order(1001)
    panel = unfold(page, "Флорист и курьер")
    panel.get_by_role("button", name="Скопировать коротко").click()
    expect(page.get_by_role("status").filter(has_text="Скопировано")).to_have_count(1)
    short = screen.clipboard()
    assert "Абая 150" in short
    assert "1 букет" in short
    assert "Мария" not in short
    assert "701" not in short  # the short text for a courier search contains no personal data

    panel.get_by_label("Курьер", exact=True).select_option(label="Ерлан Сапаров")
    panel.get_by_role("button", name="Назначить курьера").click()
    expect(panel).to_contain_text("Ещё не предупреждён")
    panel.get_by_role("button", name="Скопировать полностью").click()
    expect(page.get_by_role("status").filter(has_text="Скопировано")).to_have_count(1)
    full = screen.clipboard().replace("\xa0", " ")
    assert all(part in full for part in ("№ 1001", "кв 25", "Мария, +7 701 123-45-67", "Букет Стандарт", "9 000 ₸"))
    panel.get_by_role("button", name="Отметить: предупреждён").click()
    expect(panel).to_contain_text(re.compile(r"Предупреждён \d\d:\d\d, Данияр"))

    page.get_by_role("link", name="К списку").click()
    screen.shows(1001, "Ерлан Сапаров")
    screen.shows(1001, re.compile("(?<!не )предупреждён"))
    order.refresh_from_db()
    assert order.courier == courier
    assert order.courier_notified_at
    assert order.events.filter(kind=EventKind.NOTIFIED).count() == 1


def test_08_postcard_in_kazakh_and_work_order_are_printed(screen, shop, papers):
    text = "Туған күніңмен, анашым!\nӘрқашан күлімдеп жүр 🌹"
    order = shop.order(1001, properties={"postcardText": text})
    page = screen.open()
    screen.open_order(1001)
    menu = page.locator("summary", has_text="Печать")
    menu.click()
    for paper in ("Наряд, A5", "Открытка, A6"):
        with screen.context.expect_page() as opened:
            page.get_by_role("button", name=paper).click()
        expect(opened.value.get_by_text("PDF")).to_be_visible()
        opened.value.close()
    work_order, postcard = papers
    assert "Букет Стандарт" in pdf_text(work_order)
    assert "Туған күніңмен" in pdf_text(work_order)
    assert "9 000" not in pdf_text(work_order)
    assert "701" not in pdf_text(work_order)
    assert "Әрқашан күлімдеп жүр" in pdf_text(postcard)
    assert not has_missing_glyphs(postcard)

    # When the postcard is printed again, the page asks for a confirmation.
    again = print_again(page, screen)
    expect(again.get_by_role("alert")).to_contain_text(re.compile(r"уже печаталась \d\d\.\d\d в \d\d:\d\d, Данияр"))
    assert len(papers) == 2
    again.get_by_role("button", name="Напечатать ещё раз").click()
    expect(again.get_by_text("PDF")).to_be_visible()
    assert len(papers) == 3
    assert len(postcard_prints([order.pk])[order.pk]) == 2
    page.reload()
    expect(menu).to_contain_text("открытка напечатана")


def print_again(page: Page, screen) -> Page:
    """Print the postcard from a page that was opened before the first print. Return the new page."""
    with screen.context.expect_page() as opened:
        page.get_by_role("button", name="Открытка, A6").click()
    return opened.value


def test_12_route_of_a_courier_is_shown_and_printed(screen, shop, courier, papers):
    orders = [shop.order(1001, hours=2), shop.order(1002, hours=1, PAYED="Y", SUM_PAID="9000.00")]
    Order.objects.update(courier=courier, status="delivering")
    page = screen.open(reverse("admin:orders_courier_changelist"))
    page.get_by_role("link", name="Маршрут на сегодня").click()
    stops = page.locator(".crm-stop")
    expect(stops).to_have_count(2)
    expect(stops.nth(1)).to_contain_text("№\xa01001")
    expect(page.get_by_role("region", name="Маршрут")).to_contain_text("Получить: 9\xa0000\xa0₸")
    call = stops.nth(1).get_by_role("link", name="Позвонить получателю")
    expect(call).to_have_attribute("href", "tel:+77011234567")
    screen.check()

    with screen.context.expect_page() as opened:
        page.get_by_role("button", name="Печать маршрутного листа").click()
    expect(opened.value.get_by_text("PDF")).to_be_visible()
    opened.value.close()
    sheet = pdf_text(papers[-1])
    assert all(part in sheet for part in ("Ерлан Сапаров", "1001", "1002", "кв 25", "ОПЛАЧЕН"))

    stops.nth(1).get_by_role("button", name="Доставлен, № 1001").click()
    expect(stops).to_have_count(1)
    orders[0].refresh_from_db()
    assert orders[0].status.stage == "done"
    expect(page.get_by_text("Доставлен 1 заказ")).to_be_visible()
