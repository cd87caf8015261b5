"""Tests of the limits of attempts to sign in."""

import pytest
from django.contrib.auth import hashers
from django.test import Client
from django.urls import reverse

from cvety_crm import throttling
from cvety_crm.roles import OWNER
from cvety_crm.sign_in import limits
from cvety_crm.sign_in.devices import COOKIE
from cvety_crm.users import User
from tests.roles import person

pytestmark = pytest.mark.django_db
LOGIN = "/crm/login/"
PASSWORD = "correct horse"


@pytest.fixture
def aigul(db):
    return User.objects.create_user("aigul", password=PASSWORD, is_staff=True)


@pytest.fixture
def hashed(monkeypatch):
    """Return the list of the passwords that were hashed."""
    found = []
    original = hashers.check_password

    def check(password, *arguments, **more):
        found.append(password)
        return original(password, *arguments, **more)

    monkeypatch.setattr("django.contrib.auth.base_user.check_password", check)
    return found


def attempt(client, *, username="aigul", password="wrong", address="203.0.113.5"):
    return client.post(LOGIN, {"username": username, "password": password}, REMOTE_ADDR=address)


def test_right_password_signs_in_and_remembers_the_device(client, aigul):
    answer = attempt(client, password=PASSWORD)
    assert (answer.status_code, answer["Location"]) == (302, "/crm/")
    cookie = client.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert PASSWORD not in cookie.value


def test_guesses_are_refused_before_the_password_is_hashed(client, aigul, hashed):
    answers = [attempt(Client(), address=f"203.0.{number}.1") for number in range(limits.ACCOUNT.attempts + 3)]
    assert [one.status_code for one in answers] == [200] * limits.ACCOUNT.attempts + [429] * 3
    assert len(hashed) == limits.ACCOUNT.attempts
    text = answers[-1].content.decode()
    assert "Слишком много попыток входа" in text
    assert int(answers[-1]["Retry-After"]) <= limits.ACCOUNT.seconds
    # The right password does not help a stranger, and other accounts are not affected.
    assert attempt(client, password=PASSWORD).status_code == 429
    User.objects.create_user("marat", password=PASSWORD, is_staff=True)
    assert attempt(Client(), username="marat", password=PASSWORD).status_code == 302


def test_known_device_is_not_locked_out_by_a_stranger(client, aigul):
    assert attempt(client, password=PASSWORD).status_code == 302
    client.post(reverse("admin:logout"))
    for number in range(limits.ACCOUNT.attempts + 1):
        stranger = attempt(Client(), address=f"203.0.{number}.1")
    assert stranger.status_code == 429
    assert attempt(client, password=PASSWORD).status_code == 302


def test_known_device_has_a_limit_of_its_own(client, aigul):
    attempt(client, password=PASSWORD)
    client.post(reverse("admin:logout"))
    codes = [attempt(client).status_code for _ in range(limits.DEVICE.attempts + 1)]
    assert codes == [200] * limits.DEVICE.attempts + [429]


@pytest.mark.parametrize("value", ["", "forged", "WyJhaWd1bCJd:1x:abc"])
def test_forged_device_is_a_stranger(client, aigul, value):
    client.cookies[COOKIE] = value
    for _ in range(limits.ACCOUNT.attempts):
        attempt(client)
    assert attempt(client, password=PASSWORD).status_code == 429


def test_device_of_one_account_is_a_stranger_to_another(client, aigul):
    User.objects.create_user("marat", password=PASSWORD, is_staff=True)
    attempt(client, password=PASSWORD)
    client.post(reverse("admin:logout"))
    codes = [attempt(client, username="marat").status_code for _ in range(limits.ACCOUNT.attempts + 1)]
    assert codes[-1] == 429


def test_one_address_cannot_guess_many_accounts(aigul):
    codes = [attempt(Client(), username=f"user{number}").status_code for number in range(limits.ADDRESS.attempts + 1)]
    assert codes == [200] * limits.ADDRESS.attempts + [429]
    assert attempt(Client(), address="198.51.100.7", password=PASSWORD).status_code == 302


def test_many_addresses_and_accounts_have_a_limit_together(aigul):
    codes = [
        attempt(Client(), username=f"user{number}", address=f"198.51.{number}.1").status_code
        for number in range(limits.TOGETHER.attempts + 30)  # some attempts come back while the test runs
    ]
    assert set(codes[: limits.TOGETHER.attempts]) == {200}
    assert 429 in codes


def test_page_itself_and_an_incomplete_form_are_not_counted(client, aigul):
    for _ in range(30):
        assert client.get(LOGIN).status_code == 200
        assert attempt(client, password="").status_code == 200
    assert attempt(client, password=PASSWORD).status_code == 302


def test_owner_lets_a_locked_account_in(client, aigul):
    for number in range(limits.ACCOUNT.attempts + 1):
        attempt(Client(), address=f"203.0.{number}.1")
    owner = Client()
    owner.force_login(person(OWNER, "owner"))
    data = {"action": "allow_sign_in", "_selected_action": [aigul.pk]}
    answer = owner.post(reverse("admin:cvety_crm_user_changelist"), data, follow=True)
    assert "aigul: вход снова разрешён" in answer.content.decode()
    assert attempt(client, password=PASSWORD).status_code == 302


def test_staff_can_sign_in_if_attempts_cannot_be_counted(client, aigul, settings, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    settings.THROTTLE_CACHE_DIR = str(tmp_path / "file" / "x")
    assert attempt(client, password=PASSWORD).status_code == 302
    assert "THROTTLE_CACHE_DIR" in caplog.text


def test_attempts_are_counted_in_the_shared_file(aigul):
    attempt(Client())
    key = throttling.counter_key("sign-in account aigul")
    waits = [throttling.counters().take(key, limit=10, period=900 * 10**9) for _ in range(10)]
    assert [bool(wait) for wait in waits] == [False] * 9 + [True]
