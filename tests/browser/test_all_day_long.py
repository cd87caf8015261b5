"""Tests in a browser of common complaints about such systems, such as lost changes and lost scroll positions."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from cvety_crm.users import User
from orders.models import Order, Status
from tests.browser.conftest import LIST, Screen, edit

pytestmark = [pytest.mark.django_db(transaction=True)]

desktop = pytest.mark.parametrize("size", ["desktop"], indirect=True)
phone = pytest.mark.parametrize("size", ["phone"], indirect=True)


@phone
def test_status_can_be_undone_from_the_message_in_the_list(screen, shop, settings):
    settings.STATUS_HOLD_SECONDS = 60
    order = shop.order(1001)
    page = screen.open()
    screen.row(1001).get_by_role("button", name="Принять").click()
    undo = page.locator("#crm-messages").get_by_role("button", name="Отменить")
    expect(undo).to_contain_text(re.compile(r"\(\d+ с\)"))
    assert undo.bounding_box()["height"] >= 48
    undo.click()
    expect(page.locator("#crm-messages")).to_contain_text("снова «Новый»")
    expect(screen.row(1001)).to_contain_text("Новый")
    assert Order.objects.get(pk=order.pk).status_id == "new"


@desktop
def test_two_users_editing_one_order_lose_no_changes(screen, screen_of, shop):
    order = shop.order(1001)
    path = f"{LIST}{order.pk}/change/"
    mine = screen.open(path)
    other = screen_of(User.objects.create_superuser("asel", password="made-up-password", first_name="Асель"))
    theirs = other.open(path)
    expect(theirs.get_by_text("Сейчас здесь: Данияр")).to_be_visible()

    address = "мкр Самал-2, д. 33"
    edit(theirs, "delivery")
    theirs.get_by_label("Адрес", exact=True).fill(address)
    save(theirs)
    expect(theirs.locator("#crm-messages")).to_contain_text("Сохранено")

    edit(mine, "delivery")
    mine.get_by_label("Адрес", exact=True).fill("пр. Достык 5")
    edit(mine, "requests")
    mine.get_by_label("Пожелания клиента").fill("побольше зелени")
    save(mine)
    warning = mine.get_by_role("alert").filter(has_text="Пока не сохранено")
    for words in ("ул. Абая 150, кв 25", address, "пр. Достык 5", "Асель"):
        expect(warning).to_contain_text(words)
    expect(mine.get_by_label("Адрес", exact=True)).to_have_value("пр. Достык 5")
    expect(mine.get_by_label("Пожелания клиента")).to_have_value("побольше зелени")
    order.refresh_from_db()
    assert (order.delivery_address, order.comment) == (address, "без лилий, аллергия")
    screen.check()

    mine.get_by_role("button", name="Сохранить моё").click()
    expect(warning).to_have_count(0)
    order.refresh_from_db()
    assert (order.delivery_address, order.comment) == ("пр. Достык 5", "побольше зелени")


def save(page: Page) -> None:
    page.get_by_role("button", name="Сохранить", exact=True).click()


@desktop
def test_orders_can_be_processed_with_the_keyboard(screen, shop):
    first, _second = shop.order(1001, hours=1), shop.order(1002, hours=3)
    page = screen.open()
    search = page.locator("#searchbar")
    number = page.locator(".crm-no")
    expect(number).to_have_count(2)

    press(page, "j")
    expect(focused(screen, 1001)).to_be_focused()
    press_russian(page, "о", "KeyJ")
    expect(focused(screen, 1002)).to_be_focused()
    press_russian(page, "л", "KeyK")
    expect(focused(screen, 1001)).to_be_focused()
    press_russian(page, "ы", "KeyS")
    expect(screen.row(1001)).to_contain_text("Взять себе")
    assert Order.objects.get(pk=first.pk).status_id == "accepted"
    expect(focused(screen, 1001)).to_be_focused()  # the row is still focused, although it was refreshed

    press(page, "?")
    keys = page.get_by_role("dialog", name="Клавиши")
    expect(keys).to_be_visible()
    press(page, "s")  # the key has no effect while the dialog is open
    press(page, "Escape")
    expect(keys).to_be_hidden()

    press_russian(page, ".", "Slash")
    expect(search).to_be_focused()
    page.keyboard.type("jksp?/")
    expect(search).to_have_value("jksp?/")
    expect(keys).to_be_hidden()
    assert Order.objects.get(pk=first.pk).status_id == "accepted"
    search.fill("")
    search.blur()

    press(page, "j")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(f"{first.pk}/change/"))
    page.wait_for_load_state()
    press(page, "p")
    expect(page.get_by_role("button", name="Наряд, A5")).to_be_focused()
    page.go_back(wait_until="load")
    press(page, "j")
    press(page, "p")
    expect(page.get_by_role("heading", name="Наряды")).to_be_visible()


def focused(screen: Screen, number: int):
    return screen.row(number).locator(".crm-no")


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)


def press_russian(page: Page, letter: str, code: str) -> None:
    """Press the key with this code in the Russian keyboard layout."""
    session = page.context.new_cdp_session(page)
    for kind in ("keyDown", "keyUp"):
        session.send("Input.dispatchKeyEvent", {"type": kind, "key": letter, "code": code, "text": letter})
    session.detach()


@phone
def test_list_keeps_its_page_and_position_after_an_order_was_saved(screen):
    new = Status.objects.get(code="new")
    today = timezone.localdate()
    Order.objects.bulk_create(
        Order(order_number=str(number), status=new, delivery_date=today, recipient_name="Мария", total_amount=9000)
        for number in range(2001, 2121)
    )
    page = screen.open(f"{LIST}?preset=new&q=Мария")
    page.get_by_role("link", name="Следующая").click()
    last = page.locator(".crm-no").nth(15)
    number = int(re.search(r"\d+", last.inner_text())[0])
    last.click(trial=True)  # scrolls as far as the click will
    here = page.url
    row_id, top = screen.row(number).evaluate("(row) => [row.id, row.getBoundingClientRect().top]")
    screen.open_order(number)
    edit(page, "requests")
    page.get_by_label("Пожелания клиента").fill("побольше зелени")
    page.get_by_role("button", name="Сохранить и к списку").click()
    expect(page.locator("#crm-messages")).to_contain_text("Сохранено")
    assert page.url == here
    # The message above the list does not move the row.
    page.wait_for_function(
        "([id, top]) => Math.abs(document.getElementById(id).getBoundingClientRect().top - top) < 2", arg=[row_id, top]
    )
