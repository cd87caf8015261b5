"""Tests of sessions: the list of devices, signing out, idle days, and what a request writes."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cvety_crm.models import Session, SignInEvent
from cvety_crm.ops.retention import prune
from cvety_crm.roles import MANAGER
from cvety_crm.sign_in.session_store import RENEWED_AFTER
from cvety_crm.sign_in.user_agents import device_name
from cvety_crm.users import User
from tests.authenticator import ACCOUNT, CHROME, HOME, IPHONE, PASSWORD, enter_password, is_signed_in, texts
from tests.roles import browser_of, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def desktop(aigul):
    """Return a browser in the shop in which Aigul is signed in."""
    client = Client(headers={"user-agent": CHROME})
    enter_password(client, REMOTE_ADDR="203.0.113.5")
    return client


@pytest.fixture
def phone(aigul):
    """Return the phone on which Aigul is signed in."""
    client = Client(headers={"user-agent": IPHONE})
    enter_password(client, REMOTE_ADDR="2001:db8::7")
    return client


def row_of(client):
    return Session.objects.get(pk=client.session.session_key)


def age(client, **ago):
    moment = timezone.now() - timedelta(**ago)
    Session.objects.filter(pk=client.session.session_key).update(last_seen_at=moment)


def test_page_lists_the_devices_and_never_their_keys(desktop, phone):
    page = texts(desktop.get(ACCOUNT, REMOTE_ADDR="203.0.113.5"))
    assert page.index("Chrome, Windows") < page.index("это устройство") < page.index("Safari, iPhone")
    assert "203.0.113.5" in page
    assert "2001:db8::7" in page
    for client in (desktop, phone):
        assert client.session.session_key not in page


def test_user_signs_out_one_device(desktop, phone):
    (public_id,) = set(re.findall(r'name="device" value="(\w+)"', texts(desktop.get(ACCOUNT))))
    assert desktop.post(f"{ACCOUNT}sign-out/", {"device": public_id})["Location"] == ACCOUNT
    assert not is_signed_in(phone)
    assert is_signed_in(desktop)
    entry = SignInEvent.objects.get(kind="device_signed_out")
    assert (entry.details, entry.device) == ("Safari, iPhone", "Chrome, Windows")


def test_user_cannot_sign_out_a_device_of_somebody_else(desktop, owners):
    page = texts(desktop.get(ACCOUNT))
    assert 'name="device"' not in page  # the only device is the present one
    Session.objects.filter(user=None).delete()
    other = browser_of(person(MANAGER))
    other_id = next(iter(set(re.findall(r'value="(\w{24})"', texts(owners.get(
        reverse("admin:cvety_crm_user_sign_in", args=[other.session["_auth_user_id"]])))))))  # fmt: skip
    desktop.post(f"{ACCOUNT}sign-out/", {"device": other_id})
    assert is_signed_in(other)


def test_user_signs_out_everywhere_else(desktop, phone):
    third = Client()
    enter_password(third)
    page = desktop.post(f"{ACCOUNT}sign-out-everywhere/", follow=True)
    assert "Вход завершён на 2 устройствах" in texts(page)
    assert [is_signed_in(one) for one in (desktop, phone, third)] == [True, False, False]


def test_owner_signs_a_user_out(desktop, phone, owners, owner, aigul):
    page = texts(owners.get(reverse("admin:cvety_crm_user_sign_in", args=[aigul.pk])))
    first = re.findall(r'name="device" value="(\w+)"', page)[0]
    button = "admin:cvety_crm_user_sign_in_button"
    owners.post(reverse(button, args=[aigul.pk, "sign-out-device"]), {"device": first})
    assert [is_signed_in(one) for one in (desktop, phone)].count(True) == 1
    owners.post(reverse(button, args=[aigul.pk, "sign-out"]))
    assert not is_signed_in(desktop)
    assert not is_signed_in(phone)
    assert is_signed_in(owners)
    assert SignInEvent.objects.get(kind="all_signed_out").actor == owner


@pytest.mark.parametrize("name", ["sign-out", "sign-out-device", "allow", "link"])
def test_others_may_not_use_the_buttons_of_the_owner(desktop, aigul, name):
    path = reverse("admin:cvety_crm_user_sign_in_button", args=[aigul.pk, name])
    assert browser_of(person(MANAGER)).post(path).status_code == 403
    assert Client().post(path).status_code == 302
    assert is_signed_in(desktop)
    assert not SignInEvent.objects.exclude(kind="signed_in").exists()


@pytest.mark.parametrize(("pk", "name"), [("0", "sign-out"), ("x", "sign-out"), ("9" * 40, "link"), ("١", "link")])
def test_unknown_user_has_no_page(owners, pk, name):
    assert owners.get(f"/crm/cvety_crm/user/{pk}/sign-in/").status_code == 404
    assert owners.post(f"/crm/cvety_crm/user/{pk}/sign-in/{name}/").status_code == 404


def test_buttons_of_the_owner_need_post_and_a_known_name(owners, aigul):
    path = f"/crm/cvety_crm/user/{aigul.pk}/sign-in/"
    assert owners.get(f"{path}sign-out/").status_code == 405
    assert owners.post(f"{path}no-such/").status_code == 404


def test_own_new_password_signs_out_everywhere_else(desktop, phone):
    data = {"old_password": PASSWORD, "new_password1": "battery staple", "new_password2": "battery staple"}
    assert desktop.post(reverse("admin:password_change"), data).status_code == 302
    assert is_signed_in(desktop)
    assert not is_signed_in(phone)
    assert SignInEvent.objects.filter(kind="password_changed", actor=None).count() == 1
    page = texts(desktop.get(ACCOUNT))
    assert page.count("Chrome, Windows") == 1
    assert "Safari, iPhone" not in page


def test_password_set_by_the_owner_signs_out_everywhere(desktop, owners, owner, aigul):
    data = {
        "password1": "battery staple",
        "password2": "battery staple",
        "usable_password": "true",
        "set-password": "1",
    }
    path = reverse("admin:auth_user_password_change", args=[aigul.pk])
    assert owners.post(path, data).status_code == 302
    assert not is_signed_in(desktop)
    assert not Session.objects.filter(user=aigul).exists()
    assert SignInEvent.objects.get(kind="password_changed").actor == owner
    assert enter_password(Client(), password="battery staple")["Location"] == HOME


def test_wrong_old_password_changes_nothing(desktop, phone):
    data = {"old_password": "wrong", "new_password1": "battery staple", "new_password2": "battery staple"}
    assert desktop.post(reverse("admin:password_change"), data).status_code == 200
    assert is_signed_in(phone)
    assert not SignInEvent.objects.filter(kind="password_changed").exists()


def test_deactivated_user_has_no_sessions(desktop, aigul):
    aigul.is_active = False
    aigul.save()
    assert not Session.objects.filter(user=aigul).exists()
    assert not is_signed_in(desktop)


def test_session_ends_after_idle_days(desktop, settings):
    settings.SESSION_IDLE_DAYS = 3
    enter_password(desktop)
    assert row_of(desktop).expire_date - timezone.now() > timedelta(days=2, hours=23)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not is_signed_in(desktop)
    prune()
    assert not Session.objects.exclude(user=None).exists()


def test_use_makes_the_session_last_longer(desktop, settings):
    age(desktop, days=10)
    Session.objects.update(expire_date=timezone.now() + timedelta(days=4))
    desktop.get(HOME, REMOTE_ADDR="198.51.100.9")
    row = row_of(desktop)
    assert timezone.now() - row.last_seen_at < timedelta(minutes=1)
    assert row.expire_date - timezone.now() > timedelta(days=13)
    assert row.address == "198.51.100.9"
    assert row.device == "Chrome, Windows"


def test_use_is_stored_at_most_every_few_minutes(desktop, django_assert_num_queries):
    path = reverse("session_check")
    with django_assert_num_queries(2):  # the session and the user
        desktop.get(path)
    age(desktop, seconds=RENEWED_AFTER.total_seconds() + 1)
    with django_assert_num_queries(3):
        desktop.get(path)
    with django_assert_num_queries(2):
        desktop.get(path)


def test_request_without_a_session_reads_none(client, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        client.get("/")


def test_list_of_devices_needs_one_query_for_all(desktop, aigul, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(30) as found:
            desktop.get(ACCOUNT)
        return len(found)

    queries()  # fills the caches of the menu
    before = queries()
    for _ in range(5):
        enter_password(Client())
    assert queries() == before


def test_data_of_a_session_survives_a_use_at_the_same_time(desktop):
    """A renewed session does not write the data that an earlier request has read."""
    age(desktop, days=1)
    slow = desktop.session
    slow.load()
    other = desktop.session
    other["kept"] = "yes"
    other.save()
    slow.store_use()
    assert desktop.session["kept"] == "yes"


def test_page_that_deletes_a_user_shows_no_key(desktop, aigul, manager):
    page = texts(browser_of(manager).get(reverse("admin:cvety_crm_user_delete", args=[aigul.pk])))
    assert "Chrome, Windows" in page
    assert desktop.session.session_key not in page


def test_deleted_user_has_no_sessions(desktop, aigul):
    User.objects.get(pk=aigul.pk).delete()
    assert not Session.objects.exclude(user=None).exists()
    assert not is_signed_in(desktop)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME, "Chrome, Windows"),
        (IPHONE, "Safari, iPhone"),
        (f"{CHROME} Edg/142.0", "Edge, Windows"),
        (f"{CHROME} YaBrowser/25.10", "Яндекс Браузер, Windows"),
        (f"{CHROME} OPR/120.0", "Opera, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Linux; Android 10; K) Chrome/142.0.0.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) CriOS/142.0 Safari/604.1", "Chrome, iPad"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.1 Safari/605.1.15", "Safari, macOS"),
        ("curl/8.9.1", ""),
        ("", ""),
        ("<script>Chrome/" + "x" * 5000, "Chrome"),
    ],
)  # fmt: skip
def test_device_is_named_by_its_browser_and_system(agent, name):
    assert device_name(agent) == name
