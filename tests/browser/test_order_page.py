"""Tests of the order's page in a browser: what each role sees first, the folds, and the place that is kept."""

import re
from collections.abc import Callable
from io import BytesIO
from itertools import combinations

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from playwright.sync_api import Page, expect

from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER, OWNER
from cvety_crm.users import User
from orders import services
from orders.models import Courier, Order
from tests.browser.conftest import LIST, Screen, edit, overflow_width, serious_violations, unfold
from tests.browser.screenshots import DETAILS, DETAILS_OF_ITEM, bouquet
from tests.browser.touch_targets import small_targets

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
ROLES = {"florist": FLORIST, "dispatcher": DISPATCHER, "manager": MANAGER, "owner": OWNER, "accountant": ACCOUNTANT}


@pytest.fixture
def order(shop, slots, courier, manager) -> Order:
    """Return an order with all that a page may have: two items, a card, requests, details, notes, a photo, messages."""
    for name in ("Марат Ахметов", "Саша"):
        Courier.objects.create(name=name, phone="+77017770011")
    florist = User.objects.create_user("florist-janar", first_name="Жанар", is_staff=True)
    basket = [
        {"ID": "1", "PRODUCT_ID": "701", "NAME": "51 красная роза", "PRICE": "42000", "QUANTITY": "1",
         "CURRENCY": "KZT", "PROPS": DETAILS_OF_ITEM},
        {"ID": "2", "PRODUCT_ID": "799", "NAME": "Ваза", "PRICE": "3500", "QUANTITY": "2", "CURRENCY": "KZT"},
    ]  # fmt: skip
    properties = {"addressRecipient": "Бостандыкский р-н, пр. Аль-Фараби 77/8, кв 112",
                  "postcardText": "С днём рождения, мама! 🌹", **DETAILS}  # fmt: skip
    shop.order(1000)
    found = shop.order(1001, basket=basket, PRICE="50500", properties=properties)
    services.change_status(order_id=found.pk, status="accepted", actor=manager)
    Order.objects.filter(pk=found.pk).update(responsible=florist, is_anonymous=True)
    services.assign_courier(order_id=found.pk, courier=courier, actor=manager)
    for text in ("Клиент просил фото до отправки", "Лента бордовая"):
        services.add_note(order_id=found.pk, text=text, actor=manager)
    content = bouquet()
    services.add_photo(order_id=found.pk, upload=BytesIO(content), size=len(content), actor=manager)
    services.take_order(order_id=found.pk, actor=florist)
    cache.clear()
    return found


def person(role: str) -> User:
    user = User.objects.create_user(f"{role}-1", first_name="Айша", is_staff=True)
    user.groups.add(Group.objects.get(name=ROLES[role].name))
    return user


FIRST_SCREEN = 740  # pixels
TWO_SCREENS = 2 * FIRST_SCREEN
phone = pytest.mark.parametrize("size", ["phone"], indirect=True)
phone_and_desktop = pytest.mark.parametrize("size", ["phone", "desktop"], indirect=True)
desktop = pytest.mark.parametrize("size", ["desktop"], indirect=True)


@pytest.fixture
def page_of(screen_of: Callable[[User], Screen], order: Order) -> Callable[[str], Screen]:
    """Return a function that opens the order's page as a user with a role. The florist makes the bouquet."""

    def opened(role: str) -> Screen:
        user = person(role)
        if role == "florist":
            Order.objects.filter(pk=order.pk).update(responsible=user, taken_by=user)
        screen = screen_of(user)
        screen.open(f"{LIST}{order.pk}/change/")
        return screen

    return opened


def assert_on_first_screen(page: Page, parts: list[str]) -> None:
    """Check that these elements are visible and end within the first screen, and are below the bar."""
    for part in parts:
        shown = page.locator(part).first
        expect(shown).to_be_visible()
        box = shown.bounding_box()
        assert box["y"] + box["height"] <= FIRST_SCREEN, (part, box)


def overlap(a: dict[str, float], b: dict[str, float]) -> bool:
    """Return whether two boxes have a part in common."""
    return all(a[at] < b[at] + b[size] and b[at] < a[at] + a[size] for at, size in (("x", "width"), ("y", "height")))


# --- by role


@phone_and_desktop
def test_florist_sees_what_to_make_on_the_first_screen(page_of, order, monkeypatch):
    monkeypatch.setattr("orders.admin.orders.composition.item_picture", lambda item: f"/no/picture/?{item.pk}")
    page = page_of("florist").page
    assert_on_first_screen(page, [
        ".crm-composition .crm-picture-96", ".crm-composition li:nth-child(2)", "text=51 красная роза", "text=61 см",
        "text=молочный", "text=С днём рождения, мама!", "text=без лилий, аллергия", ".crm-head-when",
        "button[name=step]:has-text('Готов')", ".crm-camera label",
    ])  # fmt: skip
    expect(page.locator("#order_form")).to_have_count(0)
    boxes = [part.bounding_box() for part in page.locator(".crm-head > .crm-step .crm-button").all()]
    assert [a for a, b in combinations(boxes, 2) if overlap(a, b)] == []


@phone_and_desktop
def test_dispatcher_sees_where_whom_when_and_the_courier_on_the_first_screen(page_of, order):
    page = page_of("dispatcher").page
    assert_on_first_screen(page, [
        "text=пр. Аль-Фараби 77/8, кв 112", "#block-recipient >> text=Мария", "#block-recipient a[href^='tel:']",
        ".crm-head-when", "#delivery select[name=courier]", "#delivery button[name=notified]",
        "#delivery >> text=Ещё не предупреждён", "[data-copy-from=courier-short]", "[data-copy-from=courier-full]",
    ])  # fmt: skip


@phone_and_desktop
def test_manager_sees_composition_and_money_first_and_no_inputs(page_of, order):
    page = page_of("manager").page
    parts = [".crm-head", "#block-composition", "#block-money", "#block-delivery"]
    assert_on_first_screen(page, parts)
    tops = [page.locator(part).bounding_box()["y"] for part in parts]
    assert tops == sorted(tops)
    expect(page.locator("#order_form :is(input:not([type=hidden]), select, textarea) >> visible=true")).to_have_count(0)
    expect(page.locator(".crm-save")).to_be_hidden()


@phone_and_desktop
def test_accountant_sees_the_money_first(page_of, order):
    page = page_of("accountant").page
    assert_on_first_screen(page, ["#block-money", "#block-composition", "#block-customer"])
    assert page.locator("#block-money").bounding_box()["y"] < page.locator("#block-composition").bounding_box()["y"]


@phone
@pytest.mark.parametrize("role", ROLES)
def test_page_of_each_role_has_at_most_two_screens_on_a_phone(page_of, order, role):
    screen = page_of(role)
    height = screen.page.evaluate("document.documentElement.scrollHeight")
    assert height <= TWO_SCREENS
    screen.check()
    screen.page.evaluate("document.documentElement.classList.add('dark')")
    assert not serious_violations(screen.page, only=["color-contrast"])


@phone
@pytest.mark.parametrize("role", ["florist", "dispatcher", "manager"])
def test_every_control_of_the_page_is_large_enough_for_a_finger(page_of, order, role):
    page = page_of(role).page
    assert not small_targets(page, 48)
    page.evaluate("document.querySelectorAll('.crm-page details').forEach((one) => { one.open = true; })")
    assert not small_targets(page, 48)
    assert overflow_width(page) <= 0


# --- blocks that open in place


def test_block_is_edited_in_place_and_saved(page_of, order):
    screen = page_of("manager")
    page = screen.page
    edit(page, "recipient")
    name = page.get_by_label("Получатель", exact=True)
    expect(name).to_be_focused()
    assert name.bounding_box()["height"] <= 50
    name.fill("Анна")
    expect(page.locator(".crm-save")).to_be_in_viewport()
    assert overflow_width(page) <= 0
    page.get_by_role("button", name="Сохранить", exact=True).click()
    expect(page.locator("#block-recipient .crm-block-values")).to_contain_text("Анна")
    expect(page.locator(".crm-edit[open]")).to_have_count(0)
    order.refresh_from_db()
    assert order.recipient_name == "Анна"


@phone_and_desktop
def test_every_block_opens_without_sideways_scrolling_and_with_enough_contrast(page_of, order):
    screen = page_of("manager")
    page = screen.page
    for summary in page.locator(".crm-edit > summary").all():
        summary.click()
    screen.check()
    page.add_style_tag(content="* { transition: none !important; }")
    page.evaluate("document.documentElement.classList.add('dark')")
    assert not serious_violations(page, only=["color-contrast"])


@desktop
def test_error_opens_its_block(page_of, order):
    page = page_of("manager").page
    edit(page, "recipient")
    page.get_by_label("Телефон получателя").fill("12")
    page.locator("#block-recipient .crm-edit > summary").click()
    expect(page.locator(".crm-save")).to_be_visible()  # the change is folded, but not saved
    page.get_by_role("button", name="Сохранить", exact=True).click()
    expect(page.locator("#id_recipient_phone")).to_be_visible()
    expect(page.locator(".crm-edit[open]")).to_have_count(1)
    expect(page.locator("#id_recipient_phone_error")).to_be_visible()


@desktop
def test_blocks_and_sections_open_with_the_keyboard(page_of, order):
    page = page_of("manager").page
    page.locator("#block-card .crm-edit > summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#id_postcard_text")).to_be_focused()
    page.locator("#details > details > summary").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("ТОО «Ромашка и партнёры»")).to_be_visible()


# --- the place


@phone_and_desktop
def test_assignment_and_note_keep_the_place_and_the_open_sections(page_of, order):
    page = page_of("manager").page
    page.locator("#crm-people-messages > details > summary").click()
    panel = unfold(page, "Флорист и курьер")
    panel.get_by_label("Курьер", exact=True).select_option(label="Саша")
    button = panel.get_by_role("button", name="Назначить курьера")
    button.scroll_into_view_if_needed()
    page.evaluate("window.scrollBy(0, 150)")
    button.click(trial=True)  # a click may scroll the page first
    before = panel.bounding_box()["y"]
    with page.expect_navigation():
        button.click()
    expect(page.locator("#delivery")).to_contain_text("Саша")
    page.wait_for_load_state("load")
    page.wait_for_timeout(300)
    assert page.locator("#delivery > details").get_attribute("open") is not None
    assert page.locator("#crm-people-messages > details").get_attribute("open") is not None
    assert abs(page.locator("#delivery").bounding_box()["y"] - before) < 40
    expect(page.locator("#delivery").get_by_role("button", name="Назначить курьера")).to_be_focused()
    order.refresh_from_db()
    assert order.courier.name == "Саша"

    expect(page.locator(".crm-answer-below")).to_have_count(0)  # the answer to the assignment
    notes = unfold(page, "Заметки")
    page.get_by_label("Заметка для коллег").fill("Позвонить за час")
    add = page.get_by_role("button", name="Добавить заметку")
    add.scroll_into_view_if_needed()
    add.click(trial=True)
    top = page.evaluate("window.scrollY")
    add.click()
    expect(notes).to_contain_text("Позвонить за час")
    expect(notes.locator("[data-count]")).to_have_text("3")
    assert abs(page.evaluate("window.scrollY") - top) < 40


@phone
def test_photo_of_the_first_screen_is_added_without_leaving_it(page_of, order):
    page = page_of("florist").page
    camera = page.locator(".crm-camera")
    camera.locator("input[type=file]").set_input_files({"name": "1.jpg", "mimeType": "image/jpeg", "buffer": bouquet()})
    expect(camera.get_by_role("status")).to_contain_text("Добавлено 1 фото")
    assert page.evaluate("window.scrollY") == 0
    expect(page.locator("#crm-photos [data-count]")).to_have_text("2")
    assert order.photos.count() == 2


@phone
def test_index_sticks_jumps_to_a_section_and_unfolds_it(page_of, order):
    screen = page_of("manager")
    page = screen.page
    index = page.get_by_role("navigation", name="Разделы страницы")
    index.get_by_role("link", name=re.compile("^Сообщения")).click()
    section = page.locator("#crm-people-messages")
    expect(section.get_by_role("link", name=re.compile("^WhatsApp")).first).to_be_visible()
    expect(section).to_be_in_viewport()
    bar = page.locator(".crm-bar").bounding_box()
    assert bar["y"] == 0
    assert section.bounding_box()["y"] >= 0
    index.get_by_role("link", name="Доставка").click()
    expect(page.locator("#block-delivery")).to_be_in_viewport(ratio=1)
    assert page.locator("#block-delivery").bounding_box()["y"] >= bar["height"]
