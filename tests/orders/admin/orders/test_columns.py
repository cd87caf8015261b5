"""Tests of the columns that a user chooses for the order list."""

import re

import pytest
from django.utils import timezone

from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, OWNER
from cvety_crm.users import User
from tests.orders.admin.conftest import LIST
from tests.roles import browser_of, person

COLUMNS = f"{LIST}columns/"
ALL = ["when", "status", "composition", "recipient", "address", "customer", "amount", "florist", "courier", "notes"]


def shown(page):
    """Return the keys of the columns in the head of the list."""
    head = re.search(r"<thead>.*?</thead>", page.content.decode(), re.S)[0]
    return re.findall(r'class="c-(\w+)"', head)


def offered(page):
    """Return the keys of the columns in the dialog, and those that are ticked."""
    text = page.content.decode()
    return re.findall(r'name="order" value="(\w+)"', text), re.findall(r'value="(\w+)" checked', text)


@pytest.fixture
def today(make_order):
    return make_order(properties={"data": timezone.localdate().isoformat()})


@pytest.mark.usefixtures("today")
def test_chosen_columns_are_shown_in_the_chosen_sequence(browser, manager):
    answer = browser.post(
        f"{COLUMNS}?preset=today&o=-1", {"order": ["notes", "when", *ALL], "column": ["when", "notes"]}
    )
    assert answer.headers["Location"] == f"{LIST}?preset=today&o=-1"
    assert shown(browser.get(LIST)) == ["number", "notes", "when"]
    assert User.objects.get(pk=manager.pk).list_columns == ["notes", "when"]
    assert offered(browser.get(COLUMNS))[0] == ["notes", "when", *(key for key in ALL if key not in ("notes", "when"))]
    browser.post(COLUMNS, {"order": ALL, "reset": "1"})
    assert shown(browser.get(LIST)) == ["number", *(key for key in ALL if key != "customer")]


@pytest.mark.usefixtures("today")
def test_changed_rows_have_the_same_columns_as_the_page(browser, today):
    browser.post(COLUMNS, {"order": ALL, "column": ["when", "courier"]})
    on_list = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{LIST}?preset=today"}
    update = browser.post(f"{LIST}{today.pk}/next/", {"status": "accepted"}, headers=on_list).content.decode()
    row = re.search(r"<tr id=\"row-.*?</tr>", update, re.S)[0]
    assert re.findall(r'class="c-(\w+)', row) == ["number", "when", "courier"]


@pytest.mark.usefixtures("today")
def test_columns_cost_no_query(browser, manager, django_assert_max_num_queries):
    browser.get(LIST, {"preset": "today"})
    with django_assert_max_num_queries(100) as before:
        browser.get(LIST, {"preset": "today"})
    manager.list_columns = ["notes", "when"]
    manager.save()
    with django_assert_max_num_queries(len(before)):
        browser.get(LIST, {"preset": "today"})


def test_a_button_moves_a_column_without_saving(browser, manager):
    sent = {"order": ALL, "column": ["when"], "move": "down:when"}
    page = browser.post(COLUMNS, sent, headers={"HX-Request": "true"})
    assert page.headers["HX-Retarget"] == "#crm-dialog"
    assert offered(page) == (["status", "when", *ALL[2:]], ["when"])
    assert offered(browser.post(COLUMNS, sent | {"move": "up:when"}))[0] == ALL
    assert offered(browser.post(COLUMNS, sent | {"move": "up:nonsense"}))[0] == ALL
    assert User.objects.get(pk=manager.pk).list_columns == []


def test_no_columns_are_refused_and_unknown_ones_are_left_out(browser, manager):
    for sent in ({"order": ALL}, {"order": ALL, "column": ["nonsense", "number"]}):
        page = browser.post(COLUMNS, sent).content.decode()
        assert "Выберите хотя бы один столбец." in page
    assert User.objects.get(pk=manager.pk).list_columns == []
    browser.post(COLUMNS, {"order": [*ALL, "nonsense", "when"], "column": ["when", "nonsense"]})
    assert User.objects.get(pk=manager.pk).list_columns == ["when"]


@pytest.mark.usefixtures("today")
def test_a_column_that_no_longer_exists_is_left_out(browser, manager):
    manager.list_columns = ["gone", "notes"]
    manager.save()
    assert shown(browser.get(LIST)) == ["number", "notes"]
    manager.list_columns = ["gone"]
    manager.save()
    assert "amount" in shown(browser.get(LIST))


@pytest.mark.usefixtures("today")
@pytest.mark.parametrize(("role", "sees"), [(OWNER, True), (ACCOUNTANT, True), (DISPATCHER, True), (FLORIST, False)])
def test_payment_is_a_default_column_of_those_who_need_sums(role, sees):
    columns = shown(browser_of(person(role)).get(LIST))
    assert ("amount" in columns) is sees
    assert "customer" not in columns


def test_columns_are_refused_without_permission_to_see_orders(browser_of):
    other = browser_of("orders.view_customer")
    assert other.get(COLUMNS).status_code == other.post(COLUMNS, {"order": ALL, "column": ["when"]}).status_code == 403
    assert not User.objects.exclude(list_columns=[]).exists()
