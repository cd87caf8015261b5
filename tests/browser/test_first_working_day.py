"""Tests of the most important tasks of a shop in a browser of three sizes. They are numbered by importance."""

import codecs
import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.utils import timezone
from openpyxl import load_workbook
from playwright.sync_api import expect

from bitrix_bridge.models import Push
from orders import services
from orders.models import EventKind, Order
from tests.browser.conftest import LIST, SIZES, unfold

pytestmark = [pytest.mark.django_db(transaction=True)]
phone = pytest.mark.parametrize("size", ["phone"], indirect=True)  # where the size of the screen does not matter


def test_01_new_order_is_announced_without_moving_the_rows(screen, shop):
    shop.order(1001)
    page = screen.open()
    expect(screen.row(1001)).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(1\)"))
    page.locator("#crm-sound").click()  # this tap enables the sound and plays it
    expect(page.locator("#crm-sound")).to_have_attribute("data-played", "1")
    top = screen.row(1001).bounding_box()

    shop.order(1002, hours=-1)  # the list shows this order above order 1001
    expect(page.get_by_role("button", name="1 новый заказ")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(2\)"))
    expect(page.locator("#crm-sound")).to_have_attribute("data-played", re.compile("[2-9]"))  # it rings until accepted
    moved = screen.row(1001).bounding_box()["y"] - top["y"]
    assert screen.row(1002).count() == 0
    assert moved < 90  # the rows were moved only by the height of the message

    page.get_by_role("button", name="1 новый заказ").click()
    expect(screen.row(1002)).to_be_visible()
    page.reload()
    expect(screen.row(1002)).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(2\)"))
    screen.check()


def test_02_list_shows_today_and_links_to_tomorrow(screen, shop):
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    shop.order(1001, hours=2)
    shop.order(1002, hours=1)
    shop.order(1003, properties={"data": tomorrow, "when": "18"}, hours=None)
    page = screen.open()
    numbers = page.locator(".crm-no")
    expect(numbers).to_have_text([re.compile("1002"), re.compile("1001")])
    page.get_by_role("navigation", name="День").get_by_role("link", name=re.compile("Завтра")).click()
    expect(numbers).to_have_text([re.compile("1003")])
    page.get_by_role("navigation", name="День").get_by_role("link", name=re.compile("Сегодня")).click()
    expect(numbers).to_have_count(2)


@phone
def test_03_search_finds_an_order_by_phone_number_or_name(screen, shop):
    shop.order(1001)
    other = {"nameRecipient": "Олег", "phoneRecipient": "87050000000", "name": "Пётр", "phone": "87051111111"}
    shop.order(2002, properties=other, USER_ID="5", user={"ID": "5", "NAME": "Пётр", "PERSONAL_PHONE": "87051111111"})
    page = screen.open()
    for typed in ("8 (701) 123-45-67", "+7 701 123 45 67", "4567", "1001", "мария", "айгер"):
        page.locator("#searchbar").fill(typed)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url, typed=typed: "q=" in url)
        expect(page.locator("#searchbar")).to_have_value(typed)
        expect(page.locator(".crm-no")).to_have_text([re.compile("1001")])


def test_04_one_tap_sets_the_next_status_and_the_row_shows_the_sync_state(screen, shop, settings):
    settings.STATUS_HOLD_SECONDS = 10
    first, second = shop.order(1001), shop.order(1002)
    page = screen.open()
    screen.row(1001).get_by_role("button", name="Принять").click()
    screen.shows(1001, "ждёт отправки")
    expect(screen.row(1001).get_by_role("button", name="Взять себе")).to_be_visible()
    expect(page.locator("#crm-messages")).to_contain_text("Отменить")
    assert page.url.endswith(LIST)  # the browser has opened no other page
    assert Order.objects.get(pk=first.pk).status_id == "accepted"
    assert Push.objects.filter(order=first).count() == 1

    Order.objects.filter(pk=second.pk).update(sync_state="failed", updated_at=timezone.now())
    screen.shows(1002, "сайт отказал")

    # The same action for several orders.
    for number in (1001, 1002):
        screen.row(number).get_by_role("checkbox").check()
    page.locator("select[name=action]").select_option(label="Следующий шаг")
    page.locator(".crm-bulk button[type=submit]").first.click()
    expect(page.locator("#crm-messages")).to_contain_text("Изменено: 2")
    assert Order.objects.get(pk=second.pk).status_id == "accepted"
    assert first.events.filter(kind=EventKind.TAKEN).count() == 1


def test_05_all_important_data_of_an_order_fits_one_screen(screen, shop, manager):
    order = shop.order(1001)
    Order.objects.filter(pk=order.pk).update(is_anonymous=True, is_surprise=True)
    services.add_note(order_id=order.pk, text="Звонил, заберут позже", actor=manager)
    screen.open()
    screen.shows(1001, "аноним")
    screen.shows(1001, "сюрприз, не звонить")
    screen.open_order(1001)
    head = screen.page.get_by_role("region", name="Заказ", exact=True)
    for words in ("Айгерим", "+7 777 123-45-67", "Мария", "+7 701 123-45-67", "ул. Абая 150, кв 25", "сегодня",
                  "С днём рождения, мама! 🌹", "без лилий, аллергия", "позвонить за час", "Звонил, заберут позже",
                  "аноним", "сюрприз, не звонить"):  # fmt: skip
        element = head.get_by_text(words).first
        expect(element).to_be_in_viewport(ratio=1)
        box = element.bounding_box()
        assert box["y"] + box["height"] <= SIZES[screen.size][1], words
    screen.check()


def test_09_notes_show_author_and_time_and_problems_stay_until_solved(screen, shop, manager):
    order = shop.order(1001)
    page = screen.open()
    screen.open_order(1001)
    unfold(page, "Заметки")
    page.get_by_label("Заметка для коллег").fill("Домофон не работает, звонить снизу")
    page.get_by_role("button", name="Добавить заметку").click()
    notes = page.get_by_role("region", name="Заметки").get_by_role("listitem")
    expect(notes).to_contain_text("Домофон не работает, звонить снизу")
    expect(notes).to_contain_text(re.compile(rf"{timezone.localtime():%d.%m.%Y} \d\d:\d\d · Данияр"))

    page.get_by_text("Проблема…").click()
    page.get_by_label("Что случилось?").fill("кончились пионы")
    page.get_by_role("button", name="Нет цветка").click()
    expect(page.get_by_role("alert")).to_contain_text("Нет цветка: кончились пионы")
    assert Order.objects.get(pk=order.pk).problem == "Нет цветка: кончились пионы"

    page.get_by_role("link", name="К списку").click()
    screen.shows(1001, "проблема: Нет цветка: кончились пионы")
    screen.shows(1001, "Домофон не работает")
    page.get_by_role("link", name=re.compile("Проблемные.*1")).click()
    screen.open_order(1001)
    page.get_by_label("Как решили").fill("поставили розы")
    page.get_by_role("button", name="Решено").click()
    expect(page.locator("#crm-messages")).to_contain_text("Проблема решена")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert Order.objects.get(pk=order.pk).problem == ""
    expect(page.locator("#timeline")).to_contain_text("поставили розы")
    screen.check()


def test_10_payment_is_shown_in_list_order_and_courier_text(screen, shop):
    shop.order(1001)
    shop.order(1002, SUM_PAID="6000.00")
    shop.order(1003, PAYED="Y", SUM_PAID="9000.00")
    expected = {
        1001: ("9\xa0000\xa0₸", "наличные 9\xa0000\xa0₸", "Наличные, получить 9\xa0000\xa0₸"),
        1002: ("9\xa0000\xa0₸", "доплата 3\xa0000\xa0₸", "Доплата, получить 3\xa0000\xa0₸"),
        1003: ("9\xa0000\xa0₸", "оплачен", "ОПЛАЧЕН"),
    }
    page = screen.open()
    for number, (amount, words, to_courier) in expected.items():
        screen.shows(number, amount)
        screen.shows(number, words)
        screen.open_order(number)
        head = page.get_by_role("region", name="Заказ", exact=True)
        expect(head).to_contain_text(f"{amount} · {words}")
        unfold(page, "Флорист и курьер").get_by_role("button", name="Скопировать полностью").click()
        expect(page.get_by_role("status").filter(has_text="Скопировано")).to_have_count(1)
        assert to_courier in screen.clipboard()
        page.get_by_role("link", name="К списку").click()


@phone
def test_14_order_page_shows_the_customers_other_orders(screen, shop):
    for number in range(1001, 1008):
        order = shop.order(number)
    page = screen.open(f"{LIST}{order.pk}/change/")
    orders_of_customer = unfold(page, "Заказы клиента")
    expect(orders_of_customer).to_contain_text("7 заказов на 63\xa0000\xa0₸")
    expect(orders_of_customer).to_contain_text("постоянный клиент")
    expect(orders_of_customer.get_by_role("listitem")).to_have_count(5)
    orders_of_customer.get_by_role("link", name="№ 1004").click()
    expect(page.get_by_role("region", name="Заказ", exact=True)).to_contain_text("№\xa01004")


@phone
def test_15_export_opens_in_excel_and_formulas_stay_text(screen, shop):
    formula = '=HYPERLINK("http://x","y")'
    shop.order(1001, properties={"nameRecipient": formula})
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    shop.order(1002, properties={"data": tomorrow, "when": "18"}, hours=None)
    page = screen.open()
    with page.expect_download() as download:
        page.locator(".crm-menu summary").click()
        page.get_by_role("link", name="Excel").first.click()
    assert download.value.suggested_filename.endswith(".xlsx")
    head, *rows, _totals = load_workbook(BytesIO(Path(download.value.path()).read_bytes())).active.iter_rows()
    (row,) = [dict(zip([cell.value for cell in head], row, strict=True)) for row in rows]
    assert row["Номер"].value == "1001"
    assert (row["Телефон получателя"].value, row["Телефон получателя"].data_type) == ("+77011234567", "s")
    assert (row["Получатель"].value, row["Получатель"].data_type) == (formula, "s")

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").first.click()
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(codecs.BOM_UTF8)
    assert "Букет Стандарт" in content.decode()
    assert content.decode().splitlines()[0].count(";") > 10
