"""Tests of the page on which columns are chosen and templates are saved, and of its files."""

import csv
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook

from cvety_crm.roles import ACCOUNTANT, MANAGER
from orders.models import ExportRun, ExportTemplate, Order
from tests.roles import browser_of, person

pytestmark = pytest.mark.django_db
URL = "/crm/exports/new/?table=orders&query=preset%3Dall"
ORDER = {"order": ["status", "number", "day"], "column": ["number", "status"]}


@pytest.fixture
def browser(db):
    Order.objects.create(order_number="77", status_id="new")
    return browser_of(person(MANAGER))


def lines(answer):
    return list(csv.reader(StringIO(b"".join(answer).decode("utf-8-sig")), delimiter=";"))


def test_file_has_chosen_columns_in_chosen_order(browser):
    assert lines(browser.post(URL, ORDER | {"format": "csv"})) == [["Статус", "Номер"], ["Новый", "77"]]
    book = load_workbook(BytesIO(b"".join(browser.post(URL, ORDER | {"format": "xlsx"}))))
    assert [cell.value for cell in book.worksheets[0][1]] == ["Статус", "Номер"]
    assert ExportRun.objects.filter(columns=["status", "number"]).count() == 2


def test_buttons_move_columns_without_script(browser):
    html = browser.post(URL, ORDER | {"move": "down:status"}).content.decode()
    assert html.index('value="number"') < html.index('value="status"') < html.index('value="day"')
    assert 'name="column" value="day"' in html
    assert not ExportRun.objects.exists()


def test_no_column_is_refused(browser):
    answer = browser.post(URL, {"order": ["number"]})
    assert answer.status_code == 422
    assert "Выберите хотя бы один столбец" in answer.content.decode()


def test_template_is_saved_chosen_and_deleted(browser):
    answer = browser.post(URL, ORDER | {"format": "csv", "save": "1", "name": " Для курьера "})
    template = ExportTemplate.objects.get()
    assert (template.name, template.columns, template.format) == ("Для курьера", ["status", "number"], "csv")
    assert f"template={template.pk}" in answer["Location"]
    html = browser.get(answer["Location"]).content.decode()
    assert html.index('value="status" checked') < html.index('value="number" checked')
    assert 'value="csv" checked' in html
    assert 'value="day" checked' not in html
    browser.post(URL, {"order": ["day"], "column": ["day"], "save": "1", "name": "для курьера"})
    assert ExportTemplate.objects.get().columns == ["day"]
    browser.post(answer["Location"], {"delete": str(template.pk)})
    assert not ExportTemplate.objects.exists()


def test_templates_of_others_and_of_the_shop(browser):
    browser.post(URL, ORDER | {"save": "1", "name": "Мой шаблон"})
    browser.post(URL, ORDER | {"save": "1", "name": "Общий", "for_shop": "on"})
    shared, own = ExportTemplate.objects.get(owner=None), ExportTemplate.objects.get(name="Мой шаблон")
    other = browser_of(person(ACCOUNTANT))  # may export, but not share templates
    html = other.get(URL).content.decode()
    assert "Общий" in html
    assert "Мой шаблон" not in html
    other.post(URL, {"delete": str(shared.pk)})
    other.post(URL, {"delete": str(own.pk)})
    other.post(URL, ORDER | {"save": "1", "name": "Ещё", "for_shop": "on"})
    assert sorted(ExportTemplate.objects.values_list("name", flat=True)) == ["Мой шаблон", "Общий"]


@pytest.mark.parametrize("name", ["", "  ", "я" * 61])
def test_template_without_valid_name_is_refused(browser, name):
    assert browser.post(URL, ORDER | {"save": "1", "name": name}).status_code == 422
    assert not ExportTemplate.objects.exists()


def test_unknown_table_is_not_found_and_unknown_columns_are_left_out(browser):
    assert browser.get("/crm/exports/new/?table=nothing").status_code == 404
    answer = browser.post(URL, {"order": ["x", "number"], "column": ["x", "number"], "format": "pdf"})
    assert answer["Content-Type"].startswith("application/vnd")


def test_period_of_payments_is_chosen_on_the_page(browser):
    url = "/crm/exports/new/?table=payments&query=from%3D2025-08-01%26to%3D2025-08-02"
    html = browser.get(url).content.decode()
    assert 'name="from" value="2025-08-01"' in html
    answer = browser.post(url, {"order": ["amount"], "column": ["amount"], "from": "2025-08-05", "to": "2025-08-06"})
    assert answer.status_code == 302  # there are no payments
