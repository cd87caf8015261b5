"""Tests of the roles that need a second factor, and of resetting the second factor of a user."""

import re

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from cvety_crm.models import SecondFactor, SignInEvent
from cvety_crm.roles import FLORIST, MANAGER, OWNER
from cvety_crm.users import User
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
    forget_last_code,
    is_signed_in,
    key_on,
    secure,
    texts,
)
from tests.page_forms import read_form
from tests.roles import browser_of, person

pytestmark = pytest.mark.django_db


def with_password(client, path):
    return client.post(path, {"password": PASSWORD})


class TestRoles:
    RULES = "/crm/sign-in-rules/"

    def chosen(self, browser):
        return re.findall(r"checked>\s*<strong>([^<]+)<", texts(browser.get(self.RULES)))

    def choose(self, browser, *roles):
        keys = [role if isinstance(role, str) else str(Group.objects.get(name=role.name).pk) for role in roles]
        return browser.post(self.RULES, {"role": keys}, follow=True)

    def test_user_of_a_chosen_role_sets_it_up_before_anything_else(self, client, owners, aigul):
        client.force_login(aigul)
        assert "Вход завершён на 1 устройстве" in texts(self.choose(owners, FLORIST))
        assert not is_signed_in(client)
        assert enter_password(client, path=f"{LOGIN}?next=/crm/status/")["Location"] == SET_UP
        assert not is_signed_in(client)
        key = key_on(texts(client.get(SET_UP)))
        shown = client.post(SET_UP, {"code": code_of(key)})
        assert len(codes_on(texts(shown))) == 10
        assert 'href="/crm/status/"' in texts(shown)
        assert is_signed_in(client)
        # The user can't turn it off again, and signs in with a code from now on.
        with_password(client, f"{SET_UP}off/")
        assert SecondFactor.objects.filter(user=aigul).exists()
        client.post(reverse("admin:logout"))
        assert enter_password(client)["Location"] == CODE
        forget_last_code(aigul)
        assert enter_code(client, code_of(key)).status_code == 302

    def test_user_with_a_second_factor_stays_signed_in(self, client, owners, aigul):
        secure(aigul)
        client.force_login(aigul)
        self.choose(owners, FLORIST)
        assert is_signed_in(client)

    def test_owner_must_have_one_to_demand_it_of_owners(self, owners, owner):
        assert "Сначала включите" in texts(self.choose(owners, OWNER))
        assert not self.chosen(owners)
        secure(owner)
        self.choose(owners, OWNER)
        assert self.chosen(owners) == [OWNER.name]
        assert SignInEvent.objects.get(kind="rules_changed").details == OWNER.name

    def test_role_is_no_longer_chosen(self, client, owners, aigul):
        self.choose(owners, FLORIST)
        self.choose(owners)
        assert enter_password(client)["Location"] == HOME

    def test_new_user_of_a_chosen_role_is_signed_out(self, client, owners, aigul):
        self.choose(owners, MANAGER)
        client.force_login(aigul)
        page = owners.get(reverse("admin:cvety_crm_user_change", args=[aigul.pk]))
        assert page.status_code == 200
        data = read_form(page.content.decode(), "user_form") | {"groups": [Group.objects.get(name=MANAGER.name).pk]}
        assert owners.post(reverse("admin:cvety_crm_user_change", args=[aigul.pk]), data).status_code == 302
        assert not is_signed_in(client)

    def test_key_of_the_set_up_is_not_offered_to_another_user_of_the_browser(self, client, owners, aigul):
        self.choose(owners, FLORIST)
        marat = person(FLORIST, "marat")
        marat.set_password(PASSWORD)
        marat.save()
        keys = set()
        for name in ("aigul", "marat", "aigul"):
            enter_password(client, name)
            keys.add(key_on(texts(client.get(SET_UP))))
        assert len(keys) == 3

    def test_only_a_superuser_demands_it_of_superusers(self, owners, manager):
        assert "superusers" not in texts(owners.get(self.RULES))
        self.choose(owners, "superusers")
        admin = browser_of(manager)
        assert "superusers" in texts(admin.get(self.RULES))
        secure(manager)
        self.choose(admin, "superusers")
        User.objects.create_superuser("second", password=PASSWORD)
        assert enter_password(Client(), "second")["Location"] == SET_UP

    def test_others_may_not_open_the_page(self, client, db):
        client.force_login(person(MANAGER))
        assert client.get(self.RULES).status_code == 403
        assert client.post(self.RULES, {"role": []}).status_code == 403
        assert Client().get(self.RULES).status_code == 302


class TestReset:
    def button(self, user, name):
        return reverse("admin:cvety_crm_user_sign_in_button", args=[user.pk, name])

    def test_owner_resets_it_and_the_user_is_signed_out(self, client, owners, owner, aigul):
        secure(aigul)
        client.force_login(aigul)
        page = owners.post(self.button(aigul, "reset-factor"), follow=True)
        assert "Второй фактор удалён" in texts(page)
        assert not is_signed_in(client)
        assert enter_password(client)["Location"] == HOME
        entry = SignInEvent.objects.get(kind="factor_reset")
        assert (entry.user, entry.actor) == (aigul, owner)

    def test_others_may_not(self, aigul, manager):
        secure(aigul)
        secure(manager)
        owner = person(OWNER)
        for user, target in ((person(MANAGER), aigul), (owner, manager)):
            browser = browser_of(user)
            assert browser.post(self.button(target, "reset-factor")).status_code == 403
            assert browser.get(reverse("admin:cvety_crm_user_sign_in", args=[target.pk])).status_code == 403
        assert SecondFactor.objects.count() == 2

    def test_own_one_is_not_reset_without_the_password(self, owners, owner):
        secure(owner)
        assert owners.post(self.button(owner, "reset-factor"))["Location"] == ACCOUNT
        assert SecondFactor.objects.exists()

    def test_command_resets_it(self, client, aigul, capsys):
        secure(aigul)
        client.force_login(aigul)
        call_command("reset_second_factor", "aigul")
        assert "is deleted" in capsys.readouterr().out
        assert not is_signed_in(client)
        assert enter_password(client)["Location"] == HOME
        call_command("reset_second_factor", "aigul")
        assert "has no second factor" in capsys.readouterr().out
        with pytest.raises(CommandError, match="no user"):
            call_command("reset_second_factor", "nemo")
