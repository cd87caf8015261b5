"""Tests of the second factor: turning it on, signing in with it, and what its codes can't do."""

import time

import pytest
from django.test import Client
from django.urls import reverse

from cvety_crm.models import RecoveryCode, SecondFactor, Session, SignInEvent
from cvety_crm.roles import FLORIST
from cvety_crm.sign_in import limits, second_factor
from tests.authenticator import (
    ACCOUNT,
    CODE,
    HOME,
    LOGIN,
    PASSWORD,
    SET_UP,
    code_of,
    codes_on,
    enter_code,
    enter_password,
    is_signed_in,
    key_on,
    secure,
    texts,
)
from tests.cvety_crm.test_hidden_values import addresses, order, samples  # noqa: F401 - fixtures
from tests.roles import person

pytestmark = pytest.mark.django_db


def with_password(client, path):
    return client.post(path, {"password": PASSWORD})


class TestSetUp:
    def test_code_of_the_app_turns_it_on_and_shows_the_recovery_codes_once(self, client, aigul):
        client.force_login(aigul)
        page = client.get(SET_UP)
        key = key_on(texts(page))
        assert "<svg" in texts(page)
        assert "no-store" in page["Cache-Control"]
        assert key_on(texts(client.get(SET_UP))) == key  # a reload shows the same key
        shown = client.post(SET_UP, {"code": code_of(key)})
        codes = codes_on(texts(shown))
        assert len(set(codes)) == 10
        assert "no-store" in shown["Cache-Control"]
        stored = SecondFactor.objects.get(user=aigul)
        assert stored.secret == key.replace(" ", "")
        assert not RecoveryCode.objects.filter(digest__in=codes).exists()
        assert SignInEvent.objects.get().kind == "factor_on"
        # The key is shown on no page any more.
        again = client.get(SET_UP, follow=True)
        assert again.redirect_chain == [(ACCOUNT, 302)]
        assert stored.secret not in texts(again).replace(" ", "")

    @pytest.mark.parametrize("code", ["000000", "12345", "abcdef", "", "１２３４５６"])
    def test_wrong_code_turns_nothing_on(self, client, aigul, code):
        client.force_login(aigul)
        key = key_on(texts(client.get(SET_UP)))
        if code == "000000" and code_of(key) == code:
            code = "111111"
        page = client.post(SET_UP, {"code": code})
        assert page.status_code == 200
        assert key_on(texts(page)) == key
        assert not SecondFactor.objects.exists()

    def test_stranger_is_led_to_the_sign_in(self, client, db):
        assert client.get(SET_UP)["Location"] == LOGIN
        assert client.post(SET_UP, {"code": "123456"})["Location"] == LOGIN

    def test_guessing_codes_at_the_set_up_is_limited(self, client, aigul):
        client.force_login(aigul)
        client.get(SET_UP)
        statuses = [client.post(SET_UP, {"code": "000000"}).status_code for _ in range(limits.CODE.attempts + 1)]
        assert statuses[-1] == 429


class TestSignIn:
    def test_password_alone_does_not_sign_in(self, client, aigul):
        secure(aigul)
        answer = enter_password(client, path=f"{LOGIN}?next=/crm/status/")
        assert answer["Location"] == CODE
        assert not is_signed_in(client)
        assert not SignInEvent.objects.filter(kind="signed_in").exists()

    def test_code_signs_in_and_leads_to_the_wanted_page(self, client, aigul):
        key, _ = secure(aigul)
        enter_password(client, path=f"{LOGIN}?next=/crm/status/")
        assert "aigul" in texts(client.get(CODE))
        assert enter_code(client, code_of(key))["Location"] == "/crm/status/"
        assert is_signed_in(client)
        assert SignInEvent.objects.get(kind="signed_in").method == "code"

    def test_page_of_another_site_is_not_the_wanted_one(self, client, aigul):
        key, _ = secure(aigul)
        enter_password(client, path=f"{LOGIN}?next=https://example.com/")
        assert enter_code(client, code_of(key))["Location"] == HOME

    def test_code_works_once_for_all_browsers(self, client, aigul):
        key, _ = secure(aigul)
        code = code_of(key)
        enter_password(client)
        assert enter_code(client, code).status_code == 302
        other = Client()
        enter_password(other)
        refused = enter_code(other, code)
        assert "Код неверный" in texts(refused)
        assert not is_signed_in(other)
        # The code of the next half minute is later, so it works.
        assert enter_code(other, code_of(key, 1)).status_code == 302

    def test_code_that_another_request_has_just_used_does_not_work(self, aigul, monkeypatch):
        key, _ = secure(aigul)
        original = second_factor.matching_step

        def use_elsewhere(secret, code):
            step = original(secret, code)
            SecondFactor.objects.update(last_step=step)
            return step

        monkeypatch.setattr(second_factor, "matching_step", use_elsewhere)
        assert not second_factor.accept_code(aigul, code_of(key))

    def test_key_of_the_session_changes(self, client, aigul):
        key, _ = secure(aigul)
        enter_password(client)
        before = client.session.session_key
        enter_code(client, code_of(key))
        assert client.session.session_key != before
        assert not Session.objects.filter(pk=before).exists()

    def test_earlier_code_does_not_work_after_a_later_one(self, client, aigul):
        key, _ = secure(aigul)
        enter_password(client)
        enter_code(client, code_of(key, 1))
        other = Client()
        enter_password(other)
        assert enter_code(other, code_of(key)).status_code == 200

    @pytest.mark.parametrize("steps", [-5, 5])
    def test_code_of_another_time_does_not_work(self, client, aigul, steps):
        key, _ = secure(aigul)
        enter_password(client)
        assert enter_code(client, code_of(key, steps)).status_code == 200
        assert not is_signed_in(client)

    def test_recovery_code_works_once_in_any_spelling(self, client, aigul):
        _, codes = secure(aigul)
        enter_password(client)
        answer = client.post(CODE, {"code": f" {codes[3].upper().replace('-', ' ')} "}, follow=True)
        assert "Осталось 9 кодов" in texts(answer)
        assert is_signed_in(client)
        assert SignInEvent.objects.get(kind="signed_in").method == "recovery_code"
        other = Client()
        enter_password(other)
        assert enter_code(other, codes[3]).status_code == 200
        assert enter_code(other, codes[4]).status_code == 302

    def test_code_of_another_user_does_not_work(self, client, aigul):
        secure(aigul)
        key, codes = secure(person(FLORIST, "marat"))
        enter_password(client)
        assert enter_code(client, code_of(key)).status_code == 200
        assert enter_code(client, codes[0]).status_code == 200
        assert not is_signed_in(client)

    def test_second_step_ends_after_some_minutes(self, client, aigul, monkeypatch):
        key, _ = secure(aigul)
        enter_password(client)
        session = client.session
        session["sign_in_pending"] |= {"until": 0}
        session.save()
        assert enter_code(client, code_of(key))["Location"] == LOGIN
        assert "Второй шаг не завершён вовремя" in texts(client.get(LOGIN))
        assert not is_signed_in(client)

    def test_changed_password_ends_the_second_step(self, client, aigul):
        key, _ = secure(aigul)
        enter_password(client)
        aigul.set_password("another horse")
        aigul.save()
        assert enter_code(client, code_of(key))["Location"] == LOGIN

    def test_guesses_are_limited_also_for_the_right_code(self, client, aigul):
        key, _ = secure(aigul)
        enter_password(client)
        answers = [enter_code(client, "000000") for _ in range(limits.CODE.attempts + 1)]
        assert [one.status_code for one in answers] == [200] * limits.CODE.attempts + [429]
        assert int(answers[-1]["Retry-After"]) > 600
        assert "Слишком много попыток" in texts(answers[-1])
        assert enter_code(client, code_of(key)).status_code == 429
        assert not is_signed_in(client)
        limits.allow_again("aigul")
        assert enter_code(client, code_of(key)).status_code == 302

    def test_known_device_is_not_locked_out_by_guesses_of_a_stranger(self, client, aigul):
        key, _ = secure(aigul)
        enter_password(client)
        enter_code(client, code_of(key))
        client.post(reverse("admin:logout"))
        stranger = Client()
        enter_password(stranger)
        for _ in range(limits.CODE.attempts + 1):
            answer = enter_code(stranger, "000000")
        assert answer.status_code == 429
        enter_password(client)
        assert enter_code(client, code_of(key, 1)).status_code == 302

    @pytest.mark.slow
    def test_every_page_treats_a_user_without_the_second_step_as_a_stranger(self, aigul, order):  # noqa: F811
        aigul.is_superuser = True
        aigul.save()
        secure(aigul)
        waiting, stranger = Client(), Client()
        enter_password(waiting)
        own = {LOGIN, CODE, SET_UP}
        differing = []
        checked = [*addresses(order), "/docs", "/docs/schema", "/crm/session/"]
        for address in checked:
            answers = [client.get(address) for client in (waiting, stranger)]
            shown = [(one.status_code, one.get("Location")) for one in answers]
            if address not in own and shown[0] != shown[1]:
                differing.append((address, shown))
        assert len(checked) > 100
        assert not differing


class TestRememberedDevice:
    @pytest.fixture
    def remembered(self, client, aigul):
        key, _ = secure(aigul)
        enter_password(client)
        enter_code(client, code_of(key), is_remembered="on")
        client.post(reverse("admin:logout"))
        return client

    def test_needs_the_password_and_no_code(self, remembered):
        assert remembered.get(HOME).status_code == 302
        assert enter_password(remembered)["Location"] == HOME
        assert is_signed_in(remembered)
        assert SignInEvent.objects.filter(method="remembered").count() == 1

    def test_is_not_remembered_without_the_tick(self, client, aigul):
        key, _ = secure(aigul)
        enter_password(client)
        enter_code(client, code_of(key))
        client.post(reverse("admin:logout"))
        assert enter_password(client)["Location"] == CODE

    @pytest.mark.parametrize("change", ["password", "everywhere", "factor", "month"])
    def test_is_forgotten(self, remembered, aigul, change, monkeypatch):
        if change == "password":
            aigul.set_password(PASSWORD)
            aigul.save()
        elif change == "everywhere":
            enter_password(remembered)
            remembered.post("/crm/account/sign-out-everywhere/")
            remembered.post(reverse("admin:logout"))
        elif change == "factor":
            SecondFactor.objects.all().delete()
            secure(aigul)
        else:
            now = time.time()
            monkeypatch.setattr("cvety_crm.sign_in.trusted_devices.time.time", lambda: now + 31 * 24 * 3600)
        assert enter_password(remembered)["Location"] == CODE

    def test_is_of_no_use_to_another_account(self, remembered):
        marat = person(FLORIST, "marat")
        marat.set_password(PASSWORD)
        marat.save()
        secure(marat)
        assert enter_password(remembered, "marat")["Location"] == CODE


class TestOwnPages:
    def test_turning_off_needs_the_password(self, client, aigul):
        secure(aigul)
        client.force_login(aigul)
        off = "/crm/account/second-factor/off/"
        assert client.get(off).status_code == 200
        assert "Это не ваш пароль" in texts(client.post(off, {"password": "wrong"}))
        assert SecondFactor.objects.exists()
        assert with_password(client, off)["Location"] == ACCOUNT
        assert not SecondFactor.objects.exists()
        assert not RecoveryCode.objects.exists()

    def test_guessing_the_own_password_is_limited(self, client, aigul):
        secure(aigul)
        client.force_login(aigul)
        off = "/crm/account/second-factor/off/"
        for _ in range(limits.ACCOUNT.attempts):
            client.post(off, {"password": "wrong"})
        assert with_password(client, off).status_code == 429
        assert SecondFactor.objects.exists()

    def test_new_codes_replace_the_earlier_ones(self, client, aigul):
        _, earlier = secure(aigul)
        client.force_login(aigul)
        codes = codes_on(texts(with_password(client, "/crm/account/second-factor/codes/")))
        other = Client()
        enter_password(other)
        assert enter_code(other, earlier[0]).status_code == 200
        assert enter_code(other, codes[0]).status_code == 302

    @pytest.mark.parametrize("path", [ACCOUNT, f"{SET_UP}off/", f"{SET_UP}codes/"])
    def test_stranger_is_led_to_the_sign_in(self, client, db, path):
        assert client.get(path)["Location"].startswith(LOGIN)

    @pytest.mark.parametrize("path", [f"{ACCOUNT}sign-out/", f"{ACCOUNT}sign-out-everywhere/"])
    def test_buttons_need_post_and_csrf(self, aigul, path):
        client = Client(enforce_csrf_checks=True)
        client.force_login(aigul)
        assert client.get(path).status_code == 405
        assert client.post(path).status_code == 403
        assert is_signed_in(client)
