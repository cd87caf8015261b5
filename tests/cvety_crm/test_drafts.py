"""Tests of the session check before a save, and of the ids of saved drafts in the session."""

import pytest
from django.test import Client
from django.urls import reverse

from cvety_crm.drafts import REMEMBERED, SAVED
from cvety_crm.users import User
from orders.models import Courier, Order
from tests.samples import order_data

CHECK = "/crm/session/"


@pytest.fixture
def browser(manager):
    client = Client()
    client.force_login(manager)
    return client


def courier_form(name="Ерлан", **more):
    return {"name": name, "phone": "", "telegram": "", "is_active": "on", **more}


def saved(browser):
    return browser.session.get(SAVED)


def test_check_returns_the_user_and_a_valid_token(manager, db):
    client = Client(enforce_csrf_checks=True)
    client.force_login(manager)
    answer = client.get(CHECK)
    assert answer.json()["user"] == str(manager.pk)
    assert "no-store" in answer["Cache-Control"]
    add = reverse("admin:orders_courier_add")
    assert client.post(add, courier_form()).status_code == 403
    assert client.post(add, courier_form(csrfmiddlewaretoken=answer.json()["token"])).status_code == 302


@pytest.mark.parametrize("is_staff", [None, False])
def test_check_refuses_without_staff(client, db, is_staff):
    if is_staff is not None:
        client.force_login(User.objects.create_user("visitor", is_staff=is_staff))
    answer = client.get(CHECK)
    assert (answer.status_code, answer.json()) == (401, {})


def test_check_is_only_read(browser):
    assert browser.post(CHECK).status_code == 405


def test_saved_form_leaves_the_ids_of_its_drafts_and_the_next_page_has_them(browser):
    assert browser.post(reverse("admin:orders_courier_add"), courier_form(draft=["a1", "b2"])).status_code == 302
    assert saved(browser) == ["a1", "b2"]
    assert 'data-saved="a1 b2"' in browser.get(reverse("admin:orders_courier_changelist")).content.decode()


def test_refused_form_leaves_no_id(browser):
    assert browser.post(reverse("admin:orders_courier_add"), courier_form(name="", draft="a1")).status_code == 200
    assert saved(browser) is None
    assert not Courier.objects.exists()


def test_redirect_with_an_error_leaves_no_id(browser, post_webhook):
    assert post_webhook("order.create", order_data()).status_code == 200
    order = Order.objects.get()
    url = reverse("admin:orders_order_problem", args=[order.pk])
    assert browser.post(url, {"reason": "other", "text": "", "draft": "a1"}).status_code == 302
    assert saved(browser) is None
    assert browser.post(url, {"reason": "other", "text": "нет роз", "draft": "a1"}).status_code == 302
    assert saved(browser) == ["a1"]


def test_only_the_latest_ids_of_sensible_form_are_remembered(browser):
    add = reverse("admin:orders_courier_add")
    for number in range(3):
        ids = [f"x{number}n{one}" for one in range(REMEMBERED - 1)]
        browser.post(add, courier_form(draft=[*ids, "<b>", "y" * 100, ""]))
    assert len(saved(browser)) == REMEMBERED
    assert saved(browser)[0] == "x2n0"
    assert all(one.isalnum() for one in saved(browser))


def test_request_without_a_session_leaves_nothing(client, db):
    login = client.post("/crm/login/", {"username": "x", "password": "y", "draft": "a1"})
    assert login.status_code == 200
    assert SAVED not in client.session
