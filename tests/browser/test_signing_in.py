"""Tests of signing in with a real browser: the second factor from turning it on to a role that needs it."""

import re
from base64 import b32decode

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from playwright.sync_api import expect

from cvety_crm.models import SecondFactor, SecondFactorRole
from cvety_crm.roles import FLORIST, OWNER
from cvety_crm.users import User
from tests.authenticator import ACCOUNT, LOGIN, PASSWORD, code_of, forget_last_code
from tests.browser.conftest import overflow_width, serious_violations
from tests.roles import person

pytestmark = [pytest.mark.django_db(transaction=True)]
phone_and_desktop = pytest.mark.parametrize("size", ["phone", "desktop"], indirect=True)


@pytest.fixture
def aigul(transactional_db) -> User:
    user = person(FLORIST, "aigul")
    user.set_password(PASSWORD)
    user.save()
    return user


def enter_password(page):
    page.get_by_label("Имя пользователя").fill("aigul")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()


def enter_code(page, code):
    page.get_by_label("Код из приложения или код восстановления").fill(code)
    page.get_by_role("button", name="Войти").click()


def turn_on(page, user):
    """Enter the code of the key that the page shows, and return the key and the recovery codes."""
    key = page.locator(".crm-key").inner_text()
    assert len(b32decode(key.replace(" ", ""))) == 20
    page.get_by_label("Шесть цифр из приложения").fill(code_of(key))
    page.get_by_role("button", name="Включить").click()
    codes = page.locator("#crm-recovery-codes").inner_text().split()
    assert len(codes) == 10
    forget_last_code(user)
    return key, codes


def sign_out(page, url):
    page.goto(f"{url}{ACCOUNT}")
    page.evaluate("document.getElementById('logout-form').submit()")
    page.wait_for_url("**/logout/")
    page.goto(f"{url}{LOGIN}")


def check(page):
    assert overflow_width(page) <= 0
    assert not serious_violations(page)


@phone_and_desktop
def test_user_turns_it_on_and_signs_in_with_the_app_and_with_a_recovery_code(screen_of, aigul):
    screen = screen_of(aigul)
    page = screen.open(ACCOUNT)
    check(page)
    page.get_by_role("link", name="Включить").click()
    expect(page.get_by_role("img", name="QR-код")).to_be_visible()
    check(page)
    key, codes = turn_on(page, aigul)
    check(page)
    page.get_by_role("button", name="Скопировать коды").click()
    expect(page.get_by_text("Скопировано").first).to_be_visible()
    assert screen.clipboard().split() == codes
    page.get_by_role("link", name="Коды сохранены").click()
    expect(page.get_by_role("region", name="Двухфакторный вход")).to_contain_text("Осталось 10 кодов")

    sign_out(page, screen.url)
    check(page)
    enter_password(page)
    page.wait_for_url("**/login/code/")
    check(page)
    enter_code(page, "000000")
    expect(page.get_by_text("Код неверный")).to_be_visible()
    enter_code(page, code_of(key))
    page.wait_for_url("**/crm/")
    expect(page.get_by_role("navigation").first).to_be_attached()

    sign_out(page, screen.url)
    enter_password(page)
    page.get_by_label(re.compile("Не спрашивать код на этом устройстве 30 дней")).check()
    enter_code(page, codes[0])
    expect(page.get_by_text("Осталось 9 кодов")).to_be_visible()

    sign_out(page, screen.url)
    enter_password(page)
    page.wait_for_url("**/crm/")


@phone_and_desktop
def test_user_of_a_role_that_needs_it_sets_it_up_before_anything_else(screen_of, aigul):
    SecondFactorRole.objects.create(role=Group.objects.get(name=FLORIST.name))
    screen = screen_of(aigul)
    screen.context.clear_cookies()
    page = screen.open(f"{LOGIN}?next={ACCOUNT}")
    enter_password(page)
    page.wait_for_url("**/account/second-factor/")
    expect(page.get_by_text("Ваша роль требует второй фактор")).to_be_visible()
    check(page)
    screen.open("/crm/orders/order/")
    expect(page.get_by_label("Имя пользователя")).to_be_visible()
    screen.open("/crm/account/second-factor/")
    turn_on(page, aigul)
    page.get_by_role("link", name="Коды сохранены").click()
    page.wait_for_url(f"**{ACCOUNT}")
    expect(page.get_by_role("link", name="Отключить")).to_have_count(0)


@phone_and_desktop
def test_owner_chooses_roles_and_resets_a_second_factor(screen_of, aigul):
    SecondFactor.objects.create(user=aigul, secret="A" * 32)
    signed_in = Client()
    signed_in.force_login(aigul)
    screen = screen_of(person(OWNER, "owner"))
    page = screen.open("/crm/sign-in-rules/")
    check(page)
    page.get_by_label(FLORIST.name).check()
    page.get_by_role("button", name="Сохранить").click()
    expect(page.get_by_text("Сохранено.")).to_be_visible()
    expect(page.get_by_label(FLORIST.name)).to_be_checked()
    screen.open(f"/crm/cvety_crm/user/{aigul.pk}/change/")
    page.get_by_role("link", name="Устройства и второй фактор").click()
    check(page)
    page.get_by_text("Сбросить второй фактор").click()
    page.get_by_role("button", name="Сбросить").click()
    expect(page.get_by_text("Второй фактор удалён")).to_be_visible()
    assert not SecondFactor.objects.exists()
    assert signed_in.get("/crm/").status_code == 302
    page.get_by_role("button", name="Создать ссылку для нового пароля").click()
    link = page.locator("#crm-password-link").inner_text()
    check(page)
    screen.context.clear_cookies()
    page.goto(link)
    check(page)
    for name in ("new_password1", "new_password2"):
        page.locator(f"input[name={name}]").fill("battery staple")
    page.get_by_role("button", name="Задать пароль").click()
    expect(page.get_by_text("Новый пароль задан")).to_be_visible()
