"""What a shop misses first, in that order: each point done as a person does it, on three sizes of screen."""

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
from tests.browser.conftest import LIST, SIZES

pytestmark = [pytest.mark.django_db(transaction=True)]


def test_01_a_new_order_appears_by_itself(desk, shop):
    shop.order(1001)
    page = desk.open()
    expect(desk.row(1001)).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(1\)"))
    page.locator("#crm-sound").click()  # one tap unlocks the sound, and plays it
    expect(page.locator("#crm-sound")).to_have_attribute("data-played", "1")
    top = desk.row(1001).bounding_box()

    shop.order(1002, hours=-1)  # it belongs above the other one
    expect(page.get_by_role("button", name="1 новый заказ")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(2\)"))
    expect(page.locator("#crm-sound")).to_have_attribute("data-played", "2")
    moved = desk.row(1001).bounding_box()["y"] - top["y"]
    assert desk.row(1002).count() == 0
    assert moved < 90

    page.get_by_role("button", name="1 новый заказ").click()
    expect(desk.row(1002)).to_be_visible()
    page.reload()
    expect(desk.row(1002)).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(2\)"))
    desk.check()


def test_02_the_list_opens_on_today_and_tomorrow_is_a_tap_away(desk, shop):
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    shop.order(1001, hours=2)
    shop.order(1002, hours=1)
    shop.order(1003, properties={"data": tomorrow, "when": "18"}, hours=None)
    page = desk.open()
    numbers = page.locator(".crm-row-number")
    expect(numbers).to_have_text([re.compile("1002"), re.compile("1001")])
    page.get_by_role("navigation", name="День").get_by_role("link", name=re.compile("Завтра")).click()
    expect(numbers).to_have_text([re.compile("1003")])
    page.get_by_role("navigation", name="День").get_by_role("link", name=re.compile("Сегодня")).click()
    expect(numbers).to_have_count(2)


def test_03_search_finds_an_order_by_whatever_is_known(desk, shop):
    shop.order(1001)
    other = {"nameRecipient": "Олег", "phoneRecipient": "87050000000", "name": "Пётр", "phone": "87051111111"}
    shop.order(2002, properties=other, USER_ID="5", user={"ID": "5", "NAME": "Пётр", "PERSONAL_PHONE": "87051111111"})
    page = desk.open()
    for typed in ("8 (701) 123-45-67", "+7 701 123 45 67", "4567", "1001", "мария", "айгер"):
        page.locator("#searchbar").fill(typed)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url, typed=typed: "q=" in url)
        expect(page.locator("#searchbar")).to_have_value(typed)
        expect(page.locator(".crm-row-number")).to_have_text([re.compile("1001")])


def test_04_one_tap_moves_an_order_on_and_the_row_says_whether_the_site_knows(desk, shop, settings):
    settings.STATUS_HOLD_SECONDS = 10
    first, second = shop.order(1001), shop.order(1002)
    page = desk.open()
    desk.row(1001).get_by_role("button", name="Принят").click()
    desk.sees(1001, "ждёт отправки")
    expect(desk.row(1001).get_by_role("button", name="Доставляется")).to_be_visible()
    expect(page.locator("#crm-messages")).to_contain_text("Отменить")
    assert page.url.endswith(LIST)  # no other page in between
    assert Order.objects.get(pk=first.pk).status_id == "accepted"
    assert Push.objects.filter(order=first).count() == 1

    Order.objects.filter(pk=second.pk).update(sync_state="failed", updated_at=timezone.now())
    desk.sees(1002, "сайт отказал")

    # Many at once
    for number in (1001, 1002):
        desk.row(number).get_by_role("checkbox").check()
    page.locator("select[name=action]").select_option(label="Следующий шаг")
    page.locator("#changelist-actions-wrapper button[type=submit]").first.click()
    expect(page.locator("#crm-messages")).to_contain_text("Изменено: 2")
    assert Order.objects.get(pk=second.pk).status_id == "accepted"
    assert first.events.filter(kind=EventKind.STATUS).count() == 2


def test_05_everything_about_an_order_is_on_one_screen_of_a_phone(desk, shop, manager):
    order = shop.order(1001)
    Order.objects.filter(pk=order.pk).update(is_anonymous=True, is_surprise=True)
    services.add_note(order_id=order.pk, text="Звонил, заберут позже", actor=manager)
    desk.open()
    desk.sees(1001, "аноним")
    desk.sees(1001, "сюрприз, не звонить")
    desk.open_order(1001)
    head = desk.page.get_by_role("region", name="Заказ", exact=True)
    for words in ("Айгерим", "+7 777 123-45-67", "Мария", "+7 701 123-45-67", "ул. Абая 150, кв 25", "сегодня",
                  "С днём рождения, мама! 🌹", "без лилий, аллергия", "позвонить за час", "Звонил, заберут позже",
                  "аноним", "сюрприз, не звонить"):  # fmt: skip
        place = head.get_by_text(words).first
        expect(place).to_be_in_viewport(ratio=1)
        box = place.bounding_box()
        assert box["y"] + box["height"] <= SIZES[desk.size][1], words
    desk.check()


def test_09_notes_say_who_and_when_and_a_problem_is_seen_until_it_is_solved(desk, shop, manager):
    order = shop.order(1001)
    page = desk.open()
    desk.open_order(1001)
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
    desk.sees(1001, "проблема: Нет цветка: кончились пионы")
    desk.sees(1001, "Домофон не работает")
    page.get_by_role("link", name=re.compile("Проблемные.*1")).click()
    desk.open_order(1001)
    page.get_by_label("Как решили").fill("поставили розы")
    page.get_by_role("button", name="Решено").click()
    expect(page.locator("#crm-messages")).to_contain_text("Проблема решена")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert Order.objects.get(pk=order.pk).problem == ""
    expect(page.locator("#timeline")).to_contain_text("поставили розы")
    desk.check()


def test_10_whether_it_is_paid_is_said_in_the_list_on_the_order_and_to_the_courier(desk, shop):
    shop.order(1001)
    shop.order(1002, SUM_PAID="6000.00")
    shop.order(1003, PAYED="Y", SUM_PAID="9000.00")
    said = {
        1001: ("9\xa0000\xa0₸", "наличные 9\xa0000\xa0₸", "Наличные, получить 9\xa0000\xa0₸"),
        1002: ("9\xa0000\xa0₸", "доплата 3\xa0000\xa0₸", "Доплата, получить 3\xa0000\xa0₸"),
        1003: ("9\xa0000\xa0₸", "оплачен", "ОПЛАЧЕН"),
    }
    page = desk.open()
    for number, (amount, words, to_courier) in said.items():
        desk.sees(number, amount)
        desk.sees(number, words)
        desk.open_order(number)
        head = page.get_by_role("region", name="Заказ", exact=True)
        expect(head).to_contain_text(f"{amount} · {words}")
        page.get_by_role("button", name="Скопировать полностью").click()
        expect(page.get_by_role("status").filter(has_text="Скопировано")).to_have_count(1)
        assert to_courier in desk.clipboard()
        page.get_by_role("link", name="К списку").click()


def test_14_the_customers_history_stands_beside_the_order(desk, shop):
    for number in range(1001, 1008):
        order = shop.order(number)
    page = desk.open(f"{LIST}{order.pk}/change/")
    history = page.get_by_role("region", name="Заказы клиента")
    expect(history).to_contain_text("7 заказов на 63\xa0000\xa0₸")
    expect(history).to_contain_text("постоянный клиент")
    expect(history.get_by_role("listitem")).to_have_count(5)
    history.get_by_role("link", name="№ 1004").click()
    expect(page.get_by_role("region", name="Заказ", exact=True)).to_contain_text("№\xa01004")


def test_15_the_list_opens_in_excel_without_tricks(desk, shop):
    formula = '=HYPERLINK("http://x","y")'
    shop.order(1001, properties={"nameRecipient": formula})
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    shop.order(1002, properties={"data": tomorrow, "when": "18"}, hours=None)
    page = desk.open()
    with page.expect_download() as download:
        page.get_by_role("link", name="Excel").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    head, *rows = load_workbook(BytesIO(Path(download.value.path()).read_bytes())).active.iter_rows()
    (row,) = [dict(zip([cell.value for cell in head], row, strict=True)) for row in rows]
    assert row["Номер"].value == "1001"
    assert (row["Телефон получателя"].value, row["Телефон получателя"].data_type) == ("+77011234567", "s")
    assert (row["Получатель"].value, row["Получатель"].data_type) == (formula, "s")

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(codecs.BOM_UTF8)
    assert "Букет Стандарт" in content.decode()
    assert content.decode().splitlines()[0].count(";") > 10
