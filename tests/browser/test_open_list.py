"""Tests of an order list that remains open.

When rows change, htmx changes only the elements that are different. A ticked box and the keyboard focus are kept.
"""

import re

import pytest
from playwright.sync_api import expect

from cvety_crm.users import User
from orders import services
from orders.models import EventKind, Order
from tests.browser.conftest import LIST

pytestmark = [pytest.mark.django_db(transaction=True)]

desktop = pytest.mark.parametrize("size", ["desktop"], indirect=True)


@desktop
def test_focus_and_a_ticked_box_survive_an_update_of_their_rows(screen, shop, manager):
    first, second = shop.order(1001), shop.order(1002)
    page = screen.open()
    box = screen.row(1001).get_by_role("checkbox")
    box.check()
    button = screen.row(1002).get_by_role("button", name="Принять")
    button.focus()
    for order in (first, second):
        services.add_note(order_id=order.pk, text="перезвонить", actor=manager)
    screen.shows(1001, "перезвонить")
    screen.shows(1002, "перезвонить")
    expect(box).to_be_checked()
    expect(button).to_be_focused()

    asel = User.objects.create_user("asel", first_name="Асель", is_staff=True)
    services.change_status(order_id=second.pk, status="declined", actor=asel)
    screen.shows(1002, "Отклонён")
    # The button was removed, so the keyboard focus is on the link of the row.
    expect(screen.row(1002).locator(".crm-no")).to_be_focused()
    assert page.url.endswith(LIST)


@desktop
def test_a_second_tap_is_ignored_and_a_lost_connection_is_shown(screen, shop):
    order = shop.order(1001)
    page = screen.open()
    screen.row(1001).get_by_role("button", name="Принять").click()
    screen.row(1001).get_by_role("button", name="Взять себе").click()
    page.wait_for_timeout(500)
    order.refresh_from_db()
    assert order.status_id == "accepted"

    lost = page.locator("#crm-lost")
    page.context.set_offline(True)
    page.wait_for_timeout(1500)
    screen.row(1001).get_by_role("button", name="Взять себе").click()
    expect(page.locator(".crm-tap-failed")).to_contain_text("Нет связи: ничего не сохранено")
    expect(lost).to_contain_text(re.compile(r"список не обновляется · \d\d:\d\d"))
    page.context.set_offline(False)
    expect(lost).to_be_hidden()
    screen.row(1001).get_by_role("button", name="Взять себе").click()
    screen.shows(1001, "В обработке")
    expect(page.locator("#crm-messages")).to_contain_text("ваш")
    assert Order.objects.get(pk=order.pk).taken_at is not None
    assert order.events.filter(kind__in=(EventKind.STATUS, EventKind.TAKEN)).count() == 2
