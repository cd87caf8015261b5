"""Tests of the layout of the order's page: the table of roles and blocks, and what the page of each role contains."""

import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER, OWNER
from cvety_crm.users import User
from orders import services
from orders.admin.orders.page_layout import VALUES, Block, PageRights, layout_of, page_rights
from tests.orders.admin.conftest import change_url

LAYOUTS = [
    (PageRights(), "reading"),
    (PageRights(count=True), "counting"),
    (PageRights(make=True), "making"),
    (PageRights(make=True, count=True), "making"),
    (PageRights(deliver=True), "delivering"),
    (PageRights(make=True, deliver=True), "making-and-delivering"),
    (PageRights(edit=True), "editing"),
    (PageRights(edit=True, make=True, deliver=True, count=True), "editing"),
]
ROLES = [
    (FLORIST, "making", ["composition", "card", "requests"]),
    (DISPATCHER, "delivering", ["delivery", "recipient", "people"]),
    (MANAGER, "editing", ["composition", "money"]),
    (OWNER, "editing", ["composition", "money"]),
    (ACCOUNTANT, "counting", ["money", "composition", "customer"]),
]


def client_of(role):
    user = User.objects.create_user(f"person{User.objects.count()}", password="made-up", is_staff=True)
    user.groups.add(Group.objects.get(name=role.name))
    client = Client()
    client.force_login(user)
    return client, User.objects.get(pk=user.pk)


@pytest.mark.parametrize(("rights", "name"), LAYOUTS)
def test_layout_depends_on_permissions(rights, name):
    assert layout_of(rights).name == name


@pytest.mark.parametrize("rights", [rights for rights, _name in LAYOUTS])
def test_layout_has_every_block_once_and_only_values_in_the_form(rights):
    layout = layout_of(rights)
    assert sorted(layout.blocks) == sorted(Block)
    assert set(layout.main) <= set(VALUES)
    assert set(layout.opened) <= set(layout.side)
    assert not set(layout.side) & set(VALUES)
    if layout.is_edited:  # a form can't contain the forms of other blocks
        assert set(layout.first) <= set(VALUES)


@pytest.mark.parametrize(("role", "name", "first"), ROLES)
def test_page_of_a_role_begins_with_its_blocks(make_order, role, name, first):
    order = make_order()
    client, user = client_of(role)
    assert layout_of(page_rights(user)).name == name
    html = client.get(change_url(order)).content.decode()
    assert f"crm-page-{name}" in html
    anchors = ["delivery" if one == "people" else f"block-{one}" for one in first]
    places = [html.index(f'id="{anchor}"') for anchor in anchors]
    assert places == sorted(places)
    assert max(places) < min(
        html.index(f'id="block-{block}"') for block in VALUES if block not in first and f'id="block-{block}"' in html
    )
    assert ('id="order_form"' in html) == (name == "editing")
    assert ('class="crm-edit"' in html) == (name == "editing")
    assert ('class="crm-camera"' in html) == (role is FLORIST)


def test_reader_without_prices_of_the_day_has_no_block_of_money(browser_of, make_order):
    order = make_order(properties={"data": "2025-08-25"})
    html = browser_of("orders.view_order").get(change_url(order)).content.decode()
    assert 'id="block-money"' not in html
    assert 'href="#block-money"' not in html


def open_blocks(html):
    return re.findall(r'<details class="crm-edit" id="block-(\w+)-edit" open', html)


def test_inputs_are_folded_until_something_needs_attention(browser, make_order, save):
    order = make_order()
    assert open_blocks(browser.get(change_url(order)).content.decode()) == []
    answer = save(order, recipient_phone="12", comment="без роз", items__0__quantity="0")
    assert open_blocks(answer.content.decode()) == ["composition", "recipient", "requests"]


def test_block_that_a_colleague_has_changed_is_open_when_the_form_is_shown_again(browser, make_order, save):
    from tests.page_forms import read_form

    order = make_order()
    seen = read_form(browser.get(change_url(order)).content.decode(), "order_form")
    services.edit_order(order_id=order.pk, changes={"delivery_address": "Сатпаева 1"}, actor=None)
    answer = save(order, seen=seen, recipient_phone="12")
    assert open_blocks(answer.content.decode()) == ["delivery", "recipient"]


def test_folded_sections_say_what_is_in_them(browser, make_order, manager):
    order = make_order()
    for text in ("Первая", "Вторая"):
        services.add_note(order_id=order.pk, text=text, actor=manager)
    services.edit_order(order_id=order.pk, changes={"recipient_name": "Анна"}, actor=manager)
    html = browser.get(change_url(order)).content.decode()
    assert re.search(r'crm-notes-title">Заметки</span><span[^>]*>&nbsp;·&nbsp;<span data-count>2<', html)
    assert re.search(r"Отправка на сайт</span></h2> <span\s+class=\"crm-fold-state\">ждёт<", html)
    assert re.search(r'href="#crm-notes-body">Заметки <span>· 2</span>', html)


def test_timeline_shows_three_entries_and_folds_the_others(browser, make_order, manager):
    order = make_order()
    for name in ("Анна", "Вера", "Инна", "Дана"):
        services.edit_order(order_id=order.pk, changes={"recipient_name": name}, actor=manager)
    history = browser.get(change_url(order)).content.decode().split('id="timeline"')[1].split("</section>")[0]
    latest, _, earlier = history.partition("<details")
    assert (latest.count('class="crm-entry '), earlier.count('class="crm-entry ')) == (3, 2)
    assert "Показать всё · 5" in earlier
