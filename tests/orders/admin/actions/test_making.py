"""Tests of the next step by role, from the list, the order's page and a courier's route, and of its permissions."""

import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER
from cvety_crm.users import User
from orders import services
from orders.models import Courier, EventKind, Order
from tests.orders.admin.conftest import LIST, change_url


@pytest.fixture
def person(db):
    """Return a function that logs in a member of staff with this role, and returns their browser and their row."""

    def make(role):
        user = User.objects.create_user(f"user{User.objects.count()}", is_staff=True, first_name=role.name)
        user.groups.add(Group.objects.get(name=role.name))
        client = Client()
        client.force_login(user)
        return client, user

    return make


@pytest.fixture
def order(make_order):
    return make_order(1001, STATUS_ID="AP", properties={"data": timezone.localdate().isoformat()})


def step_on_page(client, order):
    found = re.search(r'name="step" value="(\w+)"><span[^<]*</span> ([^<]*)<', page(client, order))
    return found and found.groups()


def step_in_list(client):
    html = client.get(LIST, {"preset": "all"}).content.decode()
    return (re.findall(r"crm-next [^>]*>→&nbsp;([^<]*)<", html) or [None])[0]


def page(client, order):
    return client.get(change_url(order)).content.decode()


def tap(client, order, step, **data):
    return client.post(f"{LIST}{order.pk}/next/", {"step": step, **data}, follow=True).content.decode()


def test_each_role_does_its_own_part_and_no_tap_skips_a_step(person, order):
    (florist, florist_user), (dispatcher, _), (manager, _) = person(FLORIST), person(DISPATCHER), person(MANAGER)
    assert step_in_list(manager) == step_in_list(florist) == "Взять себе"
    assert step_in_list(dispatcher) == "Назначить курьера"
    for step in ("ready", "deliver", "delivered", "courier"):
        assert "Это не следующий шаг заказа" in tap(florist, order, step)
    assert "Это не следующий шаг заказа" in tap(dispatcher, order, "take")
    assert Order.objects.get().status_id == "accepted"

    assert "№\xa01001 ваш" in tap(florist, order, "take").replace("№ 1001", "№\xa01001")
    assert step_on_page(florist, order) == ("ready", "Готов")
    assert "букет готов" in tap(florist, order, "ready")
    order.refresh_from_db()
    assert (order.taken_by, order.ready_by) == (florist_user, florist_user)
    assert step_on_page(florist, order) is None
    choice = f'href="{LIST}{order.pk}/edit/courier/" data-dialog'
    for html in (page(dispatcher, order), dispatcher.get(LIST, {"preset": "all"}).content.decode()):
        assert choice in html
        assert 'id="crm-dialog"' in html
        assert "dialogs.js" in html

    courier = Courier.objects.create(name="Ерлан")
    dispatcher.post(f"{LIST}{order.pk}/courier/", {"courier": str(courier.pk)})
    assert step_in_list(dispatcher) == step_in_list(manager) == "В доставку"
    assert "Это не следующий шаг заказа" in tap(florist, order, "deliver")
    tap(dispatcher, order, "deliver")
    assert step_on_page(dispatcher, order) == ("delivered", "Доставлен")
    tap(dispatcher, order, "delivered")
    assert Order.objects.get().status.stage == "done"
    assert step_in_list(manager) is None


def test_another_status_may_still_be_chosen(person, order):
    manager, _user = person(MANAGER)
    assert "Другой статус…" in page(manager, order)
    dialog = f"{LIST}{order.pk}/status/"
    assert 'value="delivering"' in manager.get(dialog).content.decode()
    manager.post(dialog, {"_form_submitted": "True", "status": "delivering", "comment": ""})
    order.refresh_from_db()
    assert (order.status_id, order.taken_at, order.ready_at) == ("delivering", None, None)
    html = page(manager, order)
    assert "кто делал — неизвестно" in html
    assert "когда собран — неизвестно" in html


def test_dialog_of_the_row_may_skip_steps(person, order, settings):
    settings.STATUS_HOLD_SECONDS = 60
    manager, _user = person(MANAGER)
    set_status = f"{LIST}{order.pk}/set-status/"
    dialog = manager.get(f"{LIST}{order.pk}/statuses/").content.decode()
    assert f'action="{set_status}?seen=accepted"' in dialog
    assert 'value="delivering"' in dialog
    sent = {"status": "delivering", "comment": "забрал сам хозяин"}
    on_list = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{LIST}?preset=all"}
    answer = manager.post(f"{set_status}?seen=accepted", sent, headers=on_list).content.decode()
    assert f'id="row-{order.pk}"' in answer
    assert "/undo/" in answer
    order.refresh_from_db()
    assert order.status_id == "delivering"
    assert order.events.get(kind=EventKind.STATUS).details["comment"] == "забрал сам хозяин"

    again = manager.post(f"{set_status}?seen=accepted", sent, follow=True).content.decode()
    assert re.search(r"уже «Доставляется»: Менеджер, \d\d:\d\d", again)
    stale = manager.post(f"{set_status}?seen=accepted", {"status": "declined"}, follow=True).content.decode()
    assert "Тем временем заказ стал «Доставляется»" in stale
    assert manager.get(set_status).status_code == 405
    assert person(ACCOUNTANT)[0].post(set_status, sent).status_code == 403
    order.refresh_from_db()
    assert order.status_id == "delivering"


def test_row_has_one_button_to_take_the_order(person, order):
    manager, _user = person(MANAGER)
    html = manager.get(LIST, {"preset": "all"}).content.decode()
    assert ('value="take"' in html, f"{LIST}{order.pk}/take/" in html) == (True, False)
    assert f"{LIST}{order.pk}/take/" not in page(manager, order)
    tap(manager, order, "take")
    assert re.search(r"<small>делается с \d\d:\d\d</small>", manager.get(LIST, {"preset": "all"}).content.decode())


def test_manager_records_for_the_florist_that_the_making_has_begun(person, order):
    (manager, manager_user), (florist, florist_user) = person(MANAGER), person(FLORIST)
    services.assign_florist(order_id=order.pk, florist=florist_user, actor=manager_user)
    other, _user = person(FLORIST)
    assert step_on_page(other, order) is None
    assert step_on_page(florist, order) == ("take", "Взять себе")
    assert step_on_page(manager, order) == ("begun", "Флорист начал")
    tap(manager, order, "begun")
    order.refresh_from_db()
    assert order.taken_by == florist_user
    assert step_on_page(other, order) is None
    assert order.events.get(kind=EventKind.TAKEN).actor == manager_user


def test_second_tap_says_who_was_first(person, order):
    (first, _), (second, _) = person(FLORIST), person(FLORIST)
    tap(first, order, "take", seen="accepted")
    assert re.search(r"уже взят: Флорист, \d\d:\d\d", tap(second, order, "take", seen="accepted"))
    tap(first, order, "ready")
    assert re.search(r"уже готов: Флорист, \d\d:\d\d", tap(first, order, "ready"))
    assert order.events.filter(kind__in=(EventKind.TAKEN, EventKind.READY)).count() == 2


def test_undo_of_a_fact_is_offered_after_the_tap(person, order, settings):
    settings.STATUS_HOLD_SECONDS = 60
    florist, _user = person(FLORIST)
    html = tap(florist, order, "take")
    undo = re.search(r'formaction="([^"]*/undo/[^"]*)"', html)[1]
    florist.post(undo)
    order.refresh_from_db()
    assert (order.responsible, order.taken_at, order.status_id) == (None, None, "accepted")


def test_bouquet_is_made_again_with_a_comment(person, order):
    florist, _user = person(FLORIST)
    assert "/remake/" not in page(florist, order)
    tap(florist, order, "take")
    tap(florist, order, "ready")
    assert f"{LIST}{order.pk}/remake/" in page(florist, order)
    answer = florist.post(f"{LIST}{order.pk}/remake/", {"comment": "без лилий"}, follow=True).content.decode()
    assert "букет нужно переделать" in answer
    assert "без лилий" in answer
    assert step_on_page(florist, order) == ("ready", "Готов")


@pytest.mark.parametrize(("role", "status"), [(DISPATCHER, 403), (ACCOUNTANT, 403), (FLORIST, 302)])
def test_only_who_makes_bouquets_may_take_or_remake_them(person, order, role, status):
    client, _user = person(role)
    for button in ("take", "remake"):
        assert client.post(f"{LIST}{order.pk}/{button}/").status_code == status


def test_steps_are_refused_without_csrf_token_and_without_rights(person, order):
    accountant, _user = person(ACCOUNTANT)
    assert accountant.post(f"{LIST}{order.pk}/next/", {"step": "take"}).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person(FLORIST)[1])
    for button in ("next", "remake"):
        assert strict.post(f"{LIST}{order.pk}/{button}/", {"step": "take"}).status_code == 403
    order.refresh_from_db()
    assert order.taken_at is None


def test_route_of_a_courier_has_only_steps_on_the_way(person, order):
    dispatcher, _user = person(DISPATCHER)
    courier = Courier.objects.create(name="Ерлан")
    Order.objects.update(courier=courier)
    route, step = f"/crm/orders/courier/{courier.pk}/route/", f"/crm/orders/courier/{courier.pk}/step/"

    def buttons():
        return re.findall(r'name="step" value="(\w+)"', dispatcher.get(route).content.decode())

    assert buttons() == []
    assert "букет ещё не готов" in dispatcher.get(route).content.decode()
    dispatcher.post(step, {"order": order.pk, "step": "deliver"})
    assert Order.objects.get().status_id == "accepted"
    Order.objects.update(ready_at=order.created_at)
    for name, status in (("deliver", "delivering"), ("delivered", "completed")):
        assert buttons() == [name]
        dispatcher.post(step, {"order": order.pk, "step": name, "seen": Order.objects.get().status_id})
        assert Order.objects.get().status_id == status
    assert dispatcher.post(step, {"order": order.pk, "step": "take"}).status_code == 404
