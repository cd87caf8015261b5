"""Tests that what a user has typed survives an ended session, a failed network and a reload."""

import re

import pytest
from django.test import Client
from playwright.sync_api import expect

from cvety_crm.models import Session
from cvety_crm.users import User
from orders import services
from orders.models import Courier, Order
from tests.browser.conftest import LIST, serious_violations
from tests.browser.test_failed_tap import distance

pytestmark = [pytest.mark.django_db(transaction=True)]
phone_and_desktop = pytest.mark.parametrize("size", ["phone", "desktop"], indirect=True)
desktop = pytest.mark.parametrize("size", ["desktop"], indirect=True)


@pytest.fixture
def order(shop) -> Order:
    return shop.order(1001)


def open_order(screen, order):
    """Open the page of the order, with the inputs of all its blocks."""
    page = screen.open(f"{LIST}{order.pk}/change/")
    page.evaluate("document.querySelectorAll('.crm-edit').forEach((one) => { one.open = true; })")
    return page


def save_button(page):
    return page.locator("[name=_continue]").locator("visible=true").last


def comment(page):
    return page.locator("#id_comment")


def restored(page):
    return page.locator(".crm-restored")


def log_in(screen, user) -> None:
    """Give the browser a new session of the user, as a login in another tab does."""
    client = Client()
    client.force_login(user)
    screen.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": screen.url}])


def wait_until_saved(page) -> None:
    """Wait for the page that follows a save, until its scripts have run."""
    page.wait_for_function(
        "document.readyState === 'complete' && document.getElementById('crm-texts').dataset.saved !== ''"
    )


def expect_drafts(page, number: int) -> None:
    """Check that the browser stores this number of drafts. The next page deletes the saved ones when it is parsed."""
    page.wait_for_function(
        """(number) => document.readyState === "complete"
             && Object.keys(localStorage).filter((key) => key.startsWith("crm-draft")).length === number""",
        arg=number,
    )


@phone_and_desktop
def test_typed_text_is_there_again_after_a_login_when_the_session_had_ended(screen, order, manager):
    manager.set_password("made-up")
    manager.save()
    log_in(screen, manager)
    page = open_order(screen, order)
    comment(page).fill("без лилий, две ленты")
    Session.objects.all().delete()
    button = save_button(page)
    button.click()
    message = page.locator(".crm-tap-failed")
    expect(message).to_contain_text("Вы вышли из CRM: ничего не сохранено")
    assert distance(page, button, message) < 30
    screen.check_accessibility()
    expect(comment(page)).to_have_value("без лилий, две ленты")

    message.get_by_role("link", name="Войти снова").click()
    page.locator("[name=username]").fill(manager.username)
    page.locator("[name=password]").fill("made-up")
    page.locator("[type=submit]").click()
    expect(restored(page)).to_contain_text("Восстановлено несохранённое")
    expect(comment(page)).to_have_value("без лилий, две ленты")
    screen.check_accessibility()
    save_button(page).click()
    expect(page.locator("#crm-messages, .messagelist").first).to_be_visible()
    expect(restored(page)).to_have_count(0)
    order.refresh_from_db()
    assert order.comment == "без лилий, две ленты"
    expect_drafts(page, 0)


@desktop
def test_login_in_another_tab_lets_the_same_page_save(screen, order, manager):
    page = open_order(screen, order)
    comment(page).fill("без лилий")
    Session.objects.all().delete()
    save_button(page).click()
    expect(page.locator(".crm-tap-failed")).to_be_visible()
    log_in(screen, manager)
    screen.context.clear_cookies(name="csrftoken")  # a login replaces it
    save_button(page).click()
    expect(page.locator(".crm-tap-failed")).to_have_count(0)
    wait_until_saved(page)
    order.refresh_from_db()
    assert order.comment == "без лилий"


@phone_and_desktop
def test_save_without_a_connection_is_reported_beside_the_button_and_repeated_by_a_press(screen, order):
    page = open_order(screen, order)
    comment(page).fill("без лилий")
    page.context.set_offline(True)
    button = save_button(page)
    button.click()
    message = page.locator(".crm-tap-failed")
    expect(message).to_contain_text("Нет связи")
    assert distance(page, button, message) < 30
    expect(comment(page)).to_have_value("без лилий")
    page.context.set_offline(False)
    button.click()
    wait_until_saved(page)
    order.refresh_from_db()
    assert order.comment == "без лилий"
    expect_drafts(page, 0)


@desktop
def test_another_user_does_not_see_the_draft_and_a_logout_deletes_it(screen, order, manager):
    colleague = User.objects.create_superuser("aliya", password="made-up")
    page = open_order(screen, order)
    comment(page).fill("секрет")
    page.reload()
    expect(comment(page)).to_have_value("секрет")
    log_in(screen, colleague)
    page.reload()
    expect(comment(page)).not_to_have_value("секрет")
    expect(restored(page)).to_have_count(0)
    log_in(screen, manager)
    page.reload()
    expect(comment(page)).to_have_value("секрет")
    page.on("dialog", lambda dialog: dialog.accept())
    page.evaluate("document.getElementById('logout-form').requestSubmit()")
    page.wait_for_url(re.compile("login|logout"))
    log_in(screen, manager)
    open_order(screen, order)
    expect(comment(page)).not_to_have_value("секрет")
    expect_drafts(page, 0)


@desktop
def test_page_of_another_user_does_not_save(screen, order):
    page = open_order(screen, order)
    comment(page).fill("без лилий")
    log_in(screen, User.objects.create_superuser("aliya", password="made-up"))
    save_button(page).click()
    expect(page.locator(".crm-tap-failed")).to_contain_text("вошёл другой сотрудник")
    order.refresh_from_db()
    assert order.comment != "без лилий"


@phone_and_desktop
def test_restored_text_can_be_discarded(screen, order):
    page = open_order(screen, order)
    before = comment(page).input_value()
    comment(page).fill("не то")
    page.reload()
    note = restored(page)
    expect(note).to_contain_text("Восстановлено несохранённое")
    note.get_by_role("button", name="Выбросить").click()
    expect(restored(page)).to_have_count(0)
    expect(comment(page)).to_have_value(before)
    expect_drafts(page, 0)


@desktop
def test_draft_older_than_a_day_is_deleted(screen, order):
    page = open_order(screen, order)
    comment(page).fill("вчерашнее")
    page.reload()
    expect(restored(page)).to_be_visible()
    page.goto(screen.url + LIST)
    page.evaluate(
        """() => { for (const key of Object.keys(localStorage).filter((one) => one.startsWith("crm-draft"))) {
             const kept = JSON.parse(localStorage[key]);
             localStorage[key] = JSON.stringify({ ...kept, at: kept.at - 25 * 3600 * 1000 }); } }"""
    )
    open_order(screen, order)
    expect(comment(page)).not_to_have_value("вчерашнее")
    expect_drafts(page, 0)


@desktop
def test_restored_value_meets_the_change_of_a_colleague(screen, order, manager):
    page = open_order(screen, order)
    comment(page).fill("моё")
    page.reload()
    page.goto(screen.url + LIST)
    services.edit_order(order_id=order.pk, changes={"comment": "коллеги"}, actor=manager)
    open_order(screen, order)
    expect(comment(page)).to_have_value("моё")
    save_button(page).click()
    expect(page.locator(".crm-both")).to_contain_text("коллеги")
    order.refresh_from_db()
    assert order.comment == "коллеги"
    page.reload()  # the browser may ask to post again; the values are those of the refused form
    expect(comment(page)).to_have_value("моё")
    open_order(screen, order)
    expect(comment(page)).to_have_value("моё")
    expect(restored(page)).to_be_visible()
    save_button(page).click()  # the refused page has shown the colleague's value
    wait_until_saved(page)
    order.refresh_from_db()
    assert order.comment == "моё"


@desktop
def test_changed_and_new_items_are_restored_once(screen, order):
    page = open_order(screen, order)
    page.locator("#id_items-0-quantity").fill("3")
    page.locator("#items-group .add-row").click()
    page.locator("#id_items-1-name").fill("Открытка")
    page.locator("#id_items-1-price").fill("500")
    page.reload()
    expect(restored(page)).to_be_visible()
    expect(page.locator("#id_items-0-quantity")).to_have_value("3")
    expect(page.locator("#id_items-1-name")).to_have_value("Открытка")
    save_button(page).click()
    wait_until_saved(page)
    assert [item.name for item in order.items.order_by("position")] == ["Букет Стандарт", "Открытка"]
    expect(restored(page)).to_have_count(0)
    page.reload()
    expect(restored(page)).to_have_count(0)
    expect(page.locator("#id_items-2-name")).to_have_count(0)


@desktop
def test_note_and_reason_of_a_problem_are_restored_and_gone_after_saving(screen, order):
    page = open_order(screen, order)
    page.locator("#crm-note-text").fill("перезвонить вечером")
    page.get_by_text("Проблема…").click()
    page.locator("[name=text]:not(#crm-note-text)").first.fill("нет пионов")
    page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    page.goto("about:blank")
    open_order(screen, order)
    expect(page.locator("#crm-note-text")).to_have_value("перезвонить вечером")
    reason = page.locator("[name=text]:not(#crm-note-text)").first
    expect(reason).to_have_value("нет пионов")
    expect(reason).to_be_visible()  # its part of the page is unfolded
    page.locator(".crm-note-form button[type=submit]").click()
    expect(page.locator("#crm-notes .crm-notes")).to_contain_text("перезвонить вечером")
    expect_drafts(page, 1)
    page.locator("[name=reason][value=other]").click()
    wait_until_saved(page)
    order.refresh_from_db()
    assert order.problem == "нет пионов"
    expect_drafts(page, 0)


@desktop
def test_dialog_of_the_status_keeps_what_was_typed(screen, order, manager):
    page = open_order(screen, order)
    open_dialog = page.get_by_role("button", name="Другой статус…")
    text = page.locator("#dialog textarea")
    submit = page.locator("#dialog button[type=submit]")
    open_dialog.click()
    text.fill("клиент передумал")
    page.locator("#dialog").get_by_label("Отклонён").check()
    page.context.set_offline(True)
    submit.click()
    expect(page.locator(".crm-tap-failed")).to_contain_text("Нет связи")
    page.context.set_offline(False)
    Session.objects.all().delete()
    submit.click()
    message = page.locator(".crm-tap-failed")
    expect(message).to_contain_text("Вы вышли из CRM")
    log_in(screen, manager)
    page.reload()
    open_dialog.click()
    expect(page.locator("#dialog .crm-restored")).to_contain_text("Восстановлено несохранённое")
    expect(text).to_have_value("клиент передумал")
    expect(page.locator("#dialog").get_by_label("Отклонён")).to_be_checked()
    assert not serious_violations(page)
    submit.click()
    expect(page.locator("#crm-messages, .messagelist").first).to_contain_text("Отклонён")
    assert order.events.get(kind="status").details["comment"] == "клиент передумал"
    expect_drafts(page, 0)


@desktop
def test_text_that_is_typed_while_the_order_is_being_saved_is_restored(screen, order):
    page = open_order(screen, order)
    comment(page).fill("без лилий")
    # The browser has collected the values of the form when this timer runs, and still shows the page.
    page.evaluate(
        """() => document.addEventListener("submit", (event) => { if (!event.defaultPrevented) setTimeout(() => {
             const field = document.getElementById("id_comment");
             field.value = "без лилий, две ленты";
             field.dispatchEvent(new Event("input", { bubbles: true })); }); })"""
    )
    save_button(page).click()
    wait_until_saved(page)
    expect(restored(page)).to_be_visible()
    expect(comment(page)).to_have_value("без лилий, две ленты")
    order.refresh_from_db()
    assert order.comment == "без лилий"


@desktop
def test_note_sent_with_the_order_is_not_restored(screen, order):
    page = open_order(screen, order)
    page.locator("#crm-note-text").fill("перезвонить")
    save_button(page).click()
    expect(page.locator("#crm-notes .crm-notes")).to_contain_text("перезвонить")
    expect_drafts(page, 0)
    expect(page.locator("#crm-note-text")).to_have_value("")


@desktop
def test_forms_of_other_pages_keep_what_was_typed(screen, courier):
    page = screen.open(f"/crm/orders/courier/{courier.pk}/change/")
    page.locator("#id_name").fill("Ерлан С.")
    Session.objects.all().delete()
    save_button(page).click()
    expect(page.locator(".crm-tap-failed")).to_contain_text("Вы вышли")
    assert Courier.objects.get().name != "Ерлан С."


@desktop
def test_draft_of_a_new_order_is_deleted_by_a_logout(screen, slots):
    page = screen.open("/crm/orders/order/add/")
    page.locator("[name=phone]").fill("+7 701 123-45-67")
    page.reload()
    expect(page.locator("[name=phone]")).to_have_value("+7 701 123-45-67")
    page.evaluate("document.getElementById('logout-form').requestSubmit()")
    page.wait_for_url(re.compile("login|logout"))
    assert page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('crm-draft'))") == []


@desktop
def test_new_order_with_an_ended_session_is_reported_beside_the_button(screen, slots):
    page = screen.open("/crm/orders/order/add/")
    page.locator("[name=name]").fill("Айгерим")
    Session.objects.all().delete()
    page.locator("[data-submit]").click()
    expect(page.locator(".crm-tap-failed")).to_contain_text("Вы вышли")
    expect(page.locator("[name=name]")).to_have_value("Айгерим")


@phone_and_desktop
def test_past_date_is_asked_about_and_saved_by_its_button(screen, order):
    page = open_order(screen, order)
    page.locator("#id_delivery_date").fill("12.11.2025")
    comment(page).fill("уже забрали")
    save_button(page).click()
    note = page.locator(".crm-questions")
    expect(note).to_contain_text("Дата уже прошла: ср 12 ноября 2025")
    screen.check()
    note.get_by_role("link", name="Исправить").click()
    expect(page.locator("#id_delivery_date")).to_be_focused()
    order.refresh_from_db()
    assert order.delivery_date.year != 2025
    note.get_by_role("button", name="Сохранить так").click()
    wait_until_saved(page)
    order.refresh_from_db()
    assert (order.delivery_date.isoformat(), order.comment) == ("2025-11-12", "уже забрали")
    expect_drafts(page, 0)


@phone_and_desktop
def test_past_date_in_the_list_is_asked_about_in_the_dialog(screen, order):
    page = screen.open(f"{LIST}?preset=all")
    screen.row(1001).locator(".c-when a").locator("visible=true").first.click()
    dialog = page.locator("#crm-dialog")
    dialog.get_by_label("Дата").fill("2025-11-12")
    dialog.get_by_role("button", name="Сохранить").click()
    expect(dialog).to_contain_text("Дата уже прошла: ср 12 ноября 2025. Сохранить так?")
    screen.check()
    dialog.get_by_role("link", name="Исправить").click()
    expect(dialog.get_by_label("Дата")).to_be_focused()
    dialog.get_by_role("button", name="Сохранить так").click()
    expect(dialog).to_be_hidden()
    order.refresh_from_db()
    assert order.delivery_date.isoformat() == "2025-11-12"


@phone_and_desktop
def test_long_text_is_counted_near_the_limit_and_not_cut(screen, order):
    page = open_order(screen, order)
    text = page.locator("#id_postcard_text")
    text.fill("я" * 440)
    expect(page.locator(".crm-count")).to_have_count(0)
    text.fill("я" * 460)
    expect(page.locator(".crm-count")).to_have_text("460 из 500 знаков")
    text.fill("я" * 1734)
    expect(page.locator(".crm-count")).to_have_text(re.compile(r"1\s734 из 500 знаков: лишние 1\s234"))
    assert text.input_value() == "я" * 1734
    screen.check()
    text.fill("коротко")
    expect(page.locator(".crm-count")).to_be_hidden()
