"""Tests of the columns and the saved views of the order list in a browser."""

import re

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from cvety_crm.roles import FLORIST, OWNER
from orders.models import SavedView
from tests.browser.conftest import LIST, overflow_width, serious_violations
from tests.browser.test_dense_list import MOST_ELEMENTS
from tests.roles import person

pytestmark = [pytest.mark.django_db(transaction=True)]
BOTH = pytest.mark.parametrize("size", ["phone", "desktop"], indirect=True)


def open_tool(page, name):
    """Open a dialog of the menu of the list, and return the dialog."""
    page.locator(".crm-menu summary").click()
    page.locator(".crm-menu").get_by_role("link", name=name).click()
    dialog = page.locator("#crm-dialog")
    expect(dialog.get_by_role("heading").first).to_be_visible()
    assert not serious_violations(page)
    assert overflow_width(page) <= 0
    return dialog


@BOTH
def test_columns_are_chosen_and_moved_with_buttons(screen, shop):
    shop.order(1001)
    page = screen.open()
    dialog = open_tool(page, "Столбцы…")
    dialog.get_by_label("Клиент", exact=True).check()
    dialog.get_by_label("Заметки", exact=True).uncheck()
    for place in (2, 3):
        dialog.get_by_role("button", name="Статус: ниже").press("Enter")
        expect(dialog.locator("li").nth(place)).to_contain_text("Статус")
        expect(dialog.get_by_role("button", name="Статус: ниже")).to_be_focused()
    expect(dialog.get_by_label("Клиент", exact=True)).to_be_checked()
    dialog.get_by_role("button", name="Сохранить", exact=True).click()
    expect(screen.row(1001).locator(".c-customer")).to_be_visible()
    cells = [re.search(r"c-(\w+)", cell.get_attribute("class"))[1] for cell in screen.row(1001).locator("> *").all()]
    assert cells[:5] == ["number", "when", "composition", "recipient", "status"]
    assert "notes" not in cells
    assert overflow_width(page) <= 0


@BOTH
def test_a_view_of_the_shop_is_saved_shared_and_changed(screen_of, shop):
    shop.order(1001)
    shop.order(1002, STATUS_ID="AP")
    boss = screen_of(person(OWNER, "boss"))
    page = boss.open(f"{LIST}?preset=today&stage=new")
    dialog = open_tool(page, "Сохранить вид…")
    dialog.get_by_label("Название").fill("Ждут ответа")
    expect(dialog.get_by_label("Флорист")).to_be_hidden()
    dialog.get_by_label("Весь магазин").check()
    dialog.get_by_label("Флорист").check()
    dialog.get_by_role("button", name="Сохранить").click()
    chip = page.get_by_role("navigation", name="Виды списка").get_by_role("link", name="Ждут ответа")
    expect(chip).to_have_attribute("aria-current", "page")
    expect(chip.locator("b")).to_have_text("1")
    assert SavedView.objects.get().roles.get().role == Group.objects.get(name=FLORIST.name)

    florist = screen_of(person(FLORIST, "florist"))
    page = florist.open()
    expect(florist.row(1001)).to_be_visible()
    expect(florist.row(1002)).to_have_count(0)
    page.locator("#searchbar").fill("нет такого")
    page.locator("#searchbar").press("Enter")
    chip = page.get_by_role("navigation", name="Виды списка").get_by_role("link", name="Ждут ответа")
    expect(chip).to_contain_text("изменён")
    expect(page.get_by_role("button", name="Сохранить изменения")).to_have_count(0)
    florist.check()
    page.get_by_role("link", name="Сохранить как новый…").click()
    page.locator("#crm-dialog").get_by_label("Название").fill("Мой вид")
    page.locator("#crm-dialog").get_by_role("button", name="Сохранить").click()
    views = page.get_by_role("navigation", name="Виды списка")
    expect(views.get_by_role("link", name="Мой вид")).to_have_attribute("aria-current", "page")
    page.get_by_role("navigation", name="Списки").get_by_role("link", name=re.compile("^Сегодня")).click()
    expect(florist.row(1002)).to_be_visible()


@BOTH
def test_views_are_moved_renamed_and_deleted_in_dialogs(screen, shop, manager):
    shop.order(1001)
    for place, name in enumerate(("Первый", "Второй")):
        SavedView.objects.create(owner=manager, name=name, query="preset=all", columns=["when"], position=place)
    page = screen.open()
    dialog = open_tool(page, "Виды…")
    dialog.get_by_role("button", name="Второй: выше").click()
    expect(dialog.locator("li").first).to_contain_text("Второй")
    dialog.get_by_role("link", name="Первый: переименовать или удалить").click()
    dialog.get_by_label("Название").fill("второй")
    dialog.get_by_role("button", name="Сохранить").click()
    expect(dialog.get_by_role("alert")).to_contain_text("уже есть")
    dialog.get_by_text("Удалить вид…").click()
    dialog.get_by_role("button", name="Удалить", exact=True).click()
    views = page.get_by_role("navigation", name="Виды списка")
    expect(views.get_by_role("link")).to_have_count(1)
    expect(views).to_contain_text("Второй")


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_a_page_with_all_views_is_light(screen, shop, manager):
    for number in range(1001, 1051):
        shop.order(number, hours=number % 6)
    for owner in (manager, None):
        for place in range(20):
            SavedView.objects.create(
                owner=owner, name=f"Вид {place}", query="preset=all", columns=["when"], position=place
            )
    page = screen.open(f"{LIST}?preset=today")
    expect(page.get_by_role("navigation", name="Виды списка").locator("b").first).to_have_text("50")
    assert page.locator("#result_list tr[data-row]").count() == 50
    # Each of the forty views has a chip and its count.
    assert page.evaluate("document.querySelectorAll('*').length") <= MOST_ELEMENTS + 80
    assert overflow_width(page) <= 0
