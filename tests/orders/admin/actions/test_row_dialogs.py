"""Tests of the dialogs of a row: the change of one value by a tap, its undo, and what is refused."""

import html
import re
from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cvety_crm.users import User
from orders import services
from orders.models import Courier, DeliverySlot, EventKind, Order
from tests.orders.admin.conftest import LIST

DIALOG = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{LIST}"}


def edit_url(order, field):
    """Return the URL of the dialog that changes this field."""
    return f"{LIST}{order.pk}/edit/{field}/"


def seen_in(browser, order, field):
    """Return the value that the dialog of this field shows as the stored one."""
    page = browser.get(edit_url(order, field), headers=DIALOG).content.decode()
    return html.unescape(re.search(r'name="seen" value="([^"]*)"', page)[1])


@pytest.fixture
def couriers(db):
    return [Courier.objects.create(name="Ерлан"), Courier.objects.create(name="Анна")]


@pytest.fixture
def asel(db):
    return User.objects.create_user("asel", first_name="Асель", is_staff=True)


def test_courier_is_set_from_the_row_and_undone(browser, make_order, couriers):
    order, (yerlan, _anna) = make_order(), couriers
    page = browser.get(edit_url(order, "courier"), headers=DIALOG).content.decode()
    assert "Ерлан" in page
    assert "Анна" in page
    answer = browser.post(edit_url(order, "courier"), {"value": str(yerlan.pk), "seen": ""}, headers=DIALOG)
    update = answer.content.decode()
    order.refresh_from_db()
    assert order.courier == yerlan
    assert f'id="row-{order.pk}"' in update
    assert "курьер: никто → Ерлан" in update

    undo = html.unescape(re.search(r'hx-post="([^"]*/edit/courier/[^"]*)"', update)[1])
    assert "снова" not in browser.post(undo, headers=DIALOG).content.decode()
    order.refresh_from_db()
    assert order.courier is None
    assert order.events.filter(kind=EventKind.CHANGED).count() == 2


def test_undo_does_not_overwrite_a_later_change(browser, make_order, couriers):
    order, (yerlan, anna) = make_order(), couriers
    answer = browser.post(edit_url(order, "courier"), {"value": str(yerlan.pk), "seen": ""}, headers=DIALOG)
    undo = html.unescape(re.search(r'hx-post="([^"]*/edit/courier/[^"]*)"', answer.content.decode())[1])
    services.assign_courier(order_id=order.pk, courier=anna, actor=None)
    assert "Анна" in browser.post(undo, headers=DIALOG).content.decode()
    order.refresh_from_db()
    assert order.courier == anna


def test_florist_is_set_and_removed_from_the_row(browser, make_order, asel):
    order = make_order()
    browser.post(edit_url(order, "florist"), {"value": str(asel.pk), "seen": ""}, headers=DIALOG)
    order.refresh_from_db()
    assert order.responsible == asel
    page = browser.get(edit_url(order, "florist"), headers=DIALOG).content.decode()
    assert re.search(rf'value="{asel.pk}"\s+aria-current="true"', page)
    browser.post(edit_url(order, "florist"), {"value": "", "seen": str(asel.pk)}, headers=DIALOG)
    order.refresh_from_db()
    assert order.responsible is None


def test_day_and_slot_are_set_from_the_row_and_undone(browser, make_order):
    order = make_order(properties={"data": "2026-12-25", "when": "15:00-16:00"})
    slot = DeliverySlot.objects.create(bitrix_id="18:00-19:00", name="18:00-19:00", starts_at="18:00", ends_at="19:00")
    seen = seen_in(browser, order, "when")
    day = date(2026, 12, 26)
    posted = {"date": day.isoformat(), "slot": slot.bitrix_id, "seen": seen}
    update = browser.post(edit_url(order, "when"), posted, headers=DIALOG).content.decode()
    order.refresh_from_db()
    assert (order.delivery_date, order.delivery_slot) == (day, slot)
    assert order.sync_state == "pending"
    undo = html.unescape(re.search(r'hx-post="([^"]*/edit/when/[^"]*)"', update)[1])
    browser.post(undo, headers=DIALOG)
    order.refresh_from_db()
    assert (order.delivery_date, order.delivery_slot.name) == (date(2026, 12, 25), "15:00–16:00")


@pytest.mark.parametrize(
    ("field", "values", "said"),
    [
        ("when", {"date": "завтра", "slot": ""}, "«завтра» — не дата."),
        ("when", {"date": "2026-99-99", "slot": ""}, "«2026-99-99» — не дата."),
        ("when", {"date": "1026-01-01", "slot": ""}, "«1026-01-01» — не дата."),
        ("when", {"date": "2026-12-25", "slot": "no such"}, "Такого интервала нет."),
        ("courier", {"value": "4b97e258-0394-4045-93d1-b0ecb05ce9da"}, "Такого курьера нет."),
        ("courier", {"value": "nonsense"}, "Такого курьера нет."),
        ("florist", {"value": "99999"}, "Такого сотрудника нет."),
    ],
)
def test_invalid_value_is_refused_in_the_dialog_and_changes_nothing(browser, make_order, field, values, said):
    order = make_order()
    seen = seen_in(browser, order, field)
    answer = browser.post(edit_url(order, field), {**values, "seen": seen}, headers=DIALOG)
    assert answer.headers["HX-Retarget"] == "#crm-dialog"
    assert said in answer.content.decode()
    stored = Order.objects.get(pk=order.pk)
    assert (stored.delivery_date, stored.courier, stored.responsible) == (order.delivery_date, None, None)
    assert not order.events.filter(kind=EventKind.CHANGED).exists()


def test_value_that_a_colleague_has_changed_is_not_overwritten(browser, make_order, asel):
    order = make_order(properties={"data": "2026-12-25"})
    seen = seen_in(browser, order, "when")
    services.edit_order(order_id=order.pk, changes={"delivery_date": date(2026, 12, 27)}, actor=asel)
    posted = {"date": "2026-12-26", "slot": "", "seen": seen}
    answer = browser.post(edit_url(order, "when"), posted, headers=DIALOG).content.decode()
    assert "Другой сотрудник только что изменил «Дата доставки»" in answer.replace("дата", "Дата")
    order.refresh_from_db()
    assert order.delivery_date == date(2026, 12, 27)
    # The form shows the value that the user has typed, and knows what the colleague has stored.
    assert 'value="2026-12-26"' in answer
    again = html.unescape(re.search(r'name="seen" value="([^"]*)"', answer)[1])
    browser.post(edit_url(order, "when"), {**posted, "seen": again}, headers=DIALOG)
    order.refresh_from_db()
    assert order.delivery_date == date(2026, 12, 26)


def test_status_is_chosen_from_the_row(browser, make_order):
    order = make_order()
    page = browser.get(f"{LIST}{order.pk}/statuses/", headers=DIALOG).content.decode()
    url = html.unescape(re.search(r'hx-post="([^"]*)"', page)[1])
    assert 'value="cancelled"' in page
    browser.post(url, {"status": "accepted", "comment": "по телефону"}, headers=DIALOG)
    order.refresh_from_db()
    assert order.status_id == "accepted"
    assert "по телефону" in browser.get(f"{LIST}{order.pk}/change/").content.decode()


def test_dialogs_are_pages_without_htmx(browser, make_order, couriers):
    order, (yerlan, _anna) = make_order(), couriers
    for path in ("contacts/", "statuses/", "edit/when/", "edit/courier/", "edit/florist/"):
        page = browser.get(f"{LIST}{order.pk}/{path}").content.decode()
        assert "<html" in page
        assert "№\xa0122183" in page.replace("&nbsp;", "\xa0")
    answer = browser.post(edit_url(order, "courier"), {"value": str(yerlan.pk), "seen": "", "next": LIST})
    assert (answer.status_code, answer["Location"]) == (302, LIST)


@pytest.mark.parametrize("field", ["when", "courier", "florist"])
def test_reader_may_not_change_values(browser_of, make_order, field):
    order = make_order()
    reader = browser_of("orders.view_order")
    assert reader.get(edit_url(order, field)).status_code == 403
    assert reader.post(edit_url(order, field), {"value": "", "seen": ""}).status_code == 403
    assert reader.get(f"{LIST}{order.pk}/statuses/").status_code == 403
    assert "/edit/" not in reader.get(LIST, {"preset": "all"}).content.decode()


def test_dialogs_of_unknown_orders_and_fields_do_not_exist(browser, make_order):
    order = make_order()
    assert browser.get(edit_url(order, "total_amount")).status_code == 404
    order.pk = "4b97e258-0394-4045-93d1-b0ecb05ce9da"
    for path in ("contacts/", "statuses/", "edit/when/"):
        assert browser.get(f"{LIST}{order.pk}/{path}").status_code == 404


def test_change_needs_csrf_token(manager, make_order, couriers):
    order = make_order()
    client = Client(enforce_csrf_checks=True)
    client.force_login(manager)
    url = f"{edit_url(order, 'courier')}?value={couriers[0].pk}&seen="
    assert client.post(url).status_code == 403
    assert client.get(url).status_code == 200
    order.refresh_from_db()
    assert order.courier is None


def test_filters_are_loaded_into_a_dialog(browser, make_order):
    make_order(1001, properties={"data": (timezone.localdate() + timedelta(days=1)).isoformat()})
    make_order(1002, STATUS_ID="AP")
    page = browser.get(f"{LIST}filters/", {"preset": "all", "status__code__exact": "accepted"}, headers=DIALOG)
    text = page.content.decode()
    assert "<html" not in text
    assert '<input type="hidden" name="preset" value="all">' in text
    assert re.search(r'<option value="accepted" selected', text)
    assert browser.get(f"{LIST}filters/", {"sync_state__foo": "1"}).status_code == 400
