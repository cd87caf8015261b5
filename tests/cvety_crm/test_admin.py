"""Tests of the sidebar, the header label, and the admin pages of users and of the worker's rows."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success

from bitrix_bridge.models import WebhookEvent
from cvety_crm.models import Heartbeat
from cvety_crm.users import User


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture
def browser(manager):
    client = Client()
    client.force_login(manager)
    return client


def staff(*codenames):
    user = User.objects.create_user("anna", password="made-up", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def home(client):
    answer = client.get("/crm/")
    assert answer.status_code == 200
    return answer.content.decode()


def failed_event():
    return WebhookEvent.objects.create(event="order.update", payload={}, state="failed", action="stored")


def test_sidebar_links_to_every_list_and_each_list_opens(browser):
    html = home(browser)
    for name in ("orders_order", "orders_customer", "orders_product", "orders_courier", "orders_status", "orders_city",
                 "orders_shop", "orders_deliveryslot", "bitrix_bridge_webhookevent", "bitrix_bridge_push",
                 "notifications_telegrammessage", "cvety_crm_user", "auth_group", "django_q_schedule"):  # fmt: skip
        path = reverse(f"admin:{name}_changelist")
        assert f'href="{path}"' in html
        assert browser.get(path).status_code == 200


def test_sidebar_has_only_the_pages_that_the_user_may_view(db):
    html = home(staff("view_order"))
    assert 'href="/crm/orders/order/"' in html
    for path in ("customer", "webhookevent", "push", "cvety_crm/user", "django_q", "heartbeat"):
        assert f"{path}/" not in html


def test_badge_is_shown_when_there_are_failed_events(browser):
    assert 'class="crm-nav-danger"' not in home(browser)
    failed_event()
    cache.clear()
    html = home(browser)
    assert html.count('class="crm-nav-danger"') == 1


def test_counts_of_badges_are_cached(browser):
    home(browser)
    failed_event()
    with CaptureQueriesContext(connection) as queries:
        assert 'class="crm-nav-danger"' not in home(browser)
    assert not [q for q in queries if "COUNT(" in q["sql"]]


def test_header_warns_when_no_worker_is_running(browser, settings):
    assert "Обмен стоит" in home(browser)
    Heartbeat.beat(Heartbeat.WORKER)
    cache.clear()
    assert "Обмен стоит" not in home(browser)
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=6))
    cache.clear()
    assert "Обмен стоит" in home(browser)


def test_header_shows_that_debug_is_on(browser, settings):
    Heartbeat.beat(Heartbeat.WORKER)
    assert "разработка" not in home(browser)
    settings.DEBUG = True
    assert "разработка" in home(browser)


def test_start_page_opens_for_a_user_without_permissions(db):
    assert home(staff())


def test_superuser_can_add_users_and_open_groups(browser, manager):
    answer = browser.post(
        "/crm/cvety_crm/user/add/",
        {"username": "olga", "password1": "made-up-pass-1", "password2": "made-up-pass-1", "usable_password": "true"},
    )
    olga = User.objects.get(username="olga")
    assert answer.status_code == 302
    assert browser.get(f"/crm/cvety_crm/user/{olga.pk}/change/").status_code == 200
    assert browser.get(f"/crm/cvety_crm/user/{olga.pk}/password/").status_code == 200
    group = Group.objects.create(name="Флористы")
    assert browser.get(f"/crm/auth/group/{group.pk}/change/").status_code == 200


def test_user_cannot_grant_themselves_permissions_or_change_superusers(manager):
    client = staff("view_user", "change_user")
    anna = User.objects.get(username="anna")
    path = f"/crm/cvety_crm/user/{anna.pk}/change/"
    client.post(path, {"username": "anna", "is_superuser": "on", "is_staff": "on", "is_active": "on",
                       "user_permissions": [str(Permission.objects.first().pk)]})  # fmt: skip
    anna.refresh_from_db()
    assert not anna.is_superuser
    assert anna.user_permissions.count() == 2
    assert client.get(f"/crm/cvety_crm/user/{manager.pk}/password/").status_code == 403
    assert client.post(f"/crm/cvety_crm/user/{manager.pk}/change/", {"username": "x"}).status_code == 403
    assert client.post(f"/crm/cvety_crm/user/{manager.pk}/delete/", {"post": "yes"}).status_code == 403


def test_only_superusers_can_view_the_rows_of_the_worker(browser):
    Heartbeat.beat(Heartbeat.WORKER)
    client = staff("view_schedule", "view_ormq", "view_failure", "view_success", "change_schedule")
    for model in (Schedule, OrmQ, Failure, Success):
        path = reverse(f"admin:django_q_{model._meta.model_name}_changelist")
        assert browser.get(path).status_code == 200
        assert browser.get(f"{path}add/").status_code == 403
        assert client.get(path).status_code == 403
    schedule = Schedule.objects.first()
    assert browser.get(f"/crm/django_q/schedule/{schedule.pk}/change/").status_code == 200
    assert browser.post(f"/crm/django_q/schedule/{schedule.pk}/delete/", {"post": "yes"}).status_code == 403
    assert browser.get("/crm/cvety_crm/heartbeat/").status_code == 200


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("8 701 123-45-67", "+77011234567"),
        ("+7 (701) 123 45 67", "+77011234567"),
        ("", ""),
        ("+48 22 123 45 67", "+48221234567"),
    ],
)
def test_phone_of_staff_is_stored_in_international_form(browser, manager, typed, stored):
    answer = browser.post(f"/crm/cvety_crm/user/{manager.pk}/change/", staff_form(manager, phone=typed))
    assert answer.status_code == 302
    manager.refresh_from_db()
    assert manager.phone == stored


def test_text_that_is_no_phone_is_refused_and_stores_nothing(browser, manager):
    answer = browser.post(
        f"/crm/cvety_crm/user/{manager.pk}/change/", staff_form(manager, phone="позже", first_name="Другое")
    )
    assert "Это не номер телефона." in answer.content.decode()
    manager.refresh_from_db()
    assert (manager.phone, manager.first_name) == ("", "Данияр")


def test_telegram_id_belongs_to_one_account(browser, manager):
    User.objects.create_user("olga", password="made-up", telegram_id=4242)
    form = staff_form(manager, telegram_id="4242")
    assert browser.post(f"/crm/cvety_crm/user/{manager.pk}/change/", form).status_code == 200
    manager.refresh_from_db()
    assert manager.telegram_id is None
    form = staff_form(manager, telegram_id="4243")
    assert browser.post(f"/crm/cvety_crm/user/{manager.pk}/change/", form).status_code == 302
    manager.refresh_from_db()
    assert manager.telegram_id == 4243


def staff_form(user, **changed):
    joined = timezone.localtime(user.date_joined)
    return {
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on" if user.is_superuser else "",
        "date_joined_0": f"{joined:%d.%m.%Y}",
        "date_joined_1": f"{joined:%H:%M:%S}",
        **changed,
    }
