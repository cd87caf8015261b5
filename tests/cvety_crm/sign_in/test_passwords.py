"""Tests of new passwords by a link, made by the owner or sent by e-mail, and of the page of signing in."""

import logging
import re
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.test import Client
from django.urls import reverse
from django.utils.module_loading import import_string
from django_q.models import OrmQ

from cvety_crm.masking import mask
from cvety_crm.models import SignInEvent
from cvety_crm.roles import FLORIST
from cvety_crm.sign_in import limits, password_links
from cvety_crm.sign_in.password_links import link_path
from tests.authenticator import CODE, HOME, LOGIN, enter_password, is_signed_in, secure, texts
from tests.roles import person
from tests.smtp_server import MailServer

pytestmark = pytest.mark.django_db
FORGOTTEN = "/crm/login/password/"
NEW = "battery staple"


@pytest.fixture
def mail_server(settings):
    with MailServer() as server:
        server.configure(settings)
        settings.PUBLIC_URL = "https://crm.example.kz"
        yield server


@pytest.fixture
def tasks(monkeypatch):
    """Run the worker's tasks when this list is called, and not in the request."""
    queued = []
    monkeypatch.setattr(password_links, "async_task", lambda path, *args, **options: queued.append((path, args)))
    return queued


def run(tasks):
    for path, args in tasks:
        assert path == "cvety_crm.sign_in.password_links.send_links"
        password_links.send_links(*args)
    tasks.clear()


def set_password(client, path, password=NEW):
    """Open a link as a browser does, and post the new password."""
    form = client.get(path)
    assert form.status_code == 302
    return client.post(form["Location"], {"new_password1": password, "new_password2": password})


class TestLinkOfTheOwner:
    @pytest.fixture
    def signed_in(self, aigul):
        browser = Client()
        enter_password(browser)
        return browser

    @pytest.fixture
    def link(self, owners, aigul):
        path = reverse("admin:cvety_crm_user_sign_in_button", args=[aigul.pk, "link"])
        page = owners.post(path)
        assert "no-store" in page["Cache-Control"]
        found = re.search(r'id="crm-password-link">http://testserver([^<]+)<', texts(page))[1]
        assert found not in texts(owners.get(reverse("admin:cvety_crm_user_sign_in", args=[aigul.pk])))
        return found

    def test_sets_a_password_once(self, client, signed_in, link, aigul, owner):
        answer = set_password(client, link)
        assert answer["Location"] == LOGIN
        assert "Новый пароль задан" in texts(client.get(LOGIN))
        assert not is_signed_in(signed_in)
        assert not is_signed_in(client)
        assert enter_password(client, password=NEW)["Location"] == HOME
        again = Client().get(link)
        assert (again.status_code, "уже использована" in texts(again)) == (200, True)
        made, changed = (SignInEvent.objects.get(kind=kind) for kind in ("link_made", "password_changed"))
        assert (made.actor, made.user) == (owner, aigul)
        assert (changed.method, changed.user) == ("link", aigul)

    def test_works_for_an_hour(self, client, link, monkeypatch):
        now = datetime.now()  # noqa: DTZ005 - as Django does
        for minutes, status in ((59, 302), (61, 200)):
            later = now + timedelta(minutes=minutes)
            monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self, later=later: later)
            assert client.get(link).status_code == status

    def test_does_not_replace_the_second_factor(self, client, link, aigul):
        secure(aigul)
        set_password(client, link)
        assert enter_password(client, password=NEW)["Location"] == CODE
        assert not is_signed_in(client)

    @pytest.mark.parametrize(
        ("password", "words"), [("12345678", "слишком широко распространён"), ("короткий"[:5], "слишком короткий")]
    )
    def test_refuses_a_weak_password_in_russian(self, client, link, password, words):
        answer = set_password(client, link, password)
        assert answer.status_code == 200
        assert words in texts(answer)

    def test_of_another_user_is_refused(self, client, link, aigul):
        other = person(FLORIST, "marat")
        forged = link_path(other).rsplit("/", 2)[0] + "/" + link.rsplit("/", 2)[1] + "/"
        assert "уже использована" in texts(client.get(forged))

    def test_is_masked_in_logs(self, link):
        assert mask(f"Not Found: {link}") == f"Not Found: {link.rsplit('/', 2)[0]}/•••/"


class TestEmail:
    def test_link_comes_by_e_mail_and_sets_a_password(self, client, aigul, mail_server, tasks):
        aigul.email = "Aigul@example.kz"
        aigul.save()
        assert FORGOTTEN in texts(client.get(LOGIN))
        page = client.post(FORGOTTEN, {"email": "aigul@example.kz"})
        assert "ссылка для нового пароля уже отправляется" in texts(page)
        assert not mail_server.received  # the request does not wait for the mail server
        run(tasks)
        (received,) = mail_server.received
        assert received.recipients == ("Aigul@example.kz",)
        assert received.mail["Subject"] == "Новый пароль для CRM"
        assert not list(received.mail.iter_attachments())
        path = re.search(r"https://crm\.example\.kz(/crm/login/password/\S+)", received.text)[1]
        set_password(client, path)
        assert enter_password(client, password=NEW)["Location"] == HOME
        assert SignInEvent.objects.filter(kind="link_sent", user=aigul).count() == 1

    def test_task_is_queued_for_the_worker(self, client, mail_server):
        client.post(FORGOTTEN, {"email": "aigul@example.kz"})
        task = OrmQ.objects.get().task
        assert import_string(task["func"]) is password_links.send_links
        assert (task["args"], task["save"]) == (("aigul@example.kz",), False)

    def test_answer_is_the_same_for_an_unknown_address(self, aigul, mail_server, tasks):
        aigul.email = "aigul@example.kz"
        aigul.save()

        def answer(email):
            page = texts(Client().post(FORGOTTEN, {"email": email}))
            return page.split("<main")[1].split("</main>")[0]

        assert answer("aigul@example.kz") == answer("stranger@example.kz")
        assert len(tasks) == 2
        tasks.pop(0)
        run(tasks)
        assert not mail_server.received

    def test_deactivated_user_gets_none(self, client, aigul, mail_server, tasks):
        aigul.email, aigul.is_active = "aigul@example.kz", False
        aigul.save()
        client.post(FORGOTTEN, {"email": "aigul@example.kz"})
        run(tasks)
        assert not mail_server.received

    def test_requests_of_an_address_are_limited(self, client, aigul, mail_server, tasks):
        answers = [client.post(FORGOTTEN, {"email": "a@example.kz"}) for _ in range(limits.RESET_ADDRESS.attempts + 1)]
        assert [one.status_code for one in answers] == [200] * limits.RESET_ADDRESS.attempts + [429]
        assert int(answers[-1]["Retry-After"]) > 0
        assert len(tasks) == limits.RESET_ADDRESS.attempts

    def test_mailbox_is_not_filled_from_many_addresses(self, aigul, mail_server, tasks):
        aigul.email = "aigul@example.kz"
        aigul.save()
        for number in range(limits.RESET_ACCOUNT.attempts + 3):
            page = Client().post(FORGOTTEN, {"email": aigul.email}, REMOTE_ADDR=f"203.0.{number}.1")
            assert page.status_code == 200
        run(tasks)
        assert len(mail_server.received) == limits.RESET_ACCOUNT.attempts

    def test_refusal_of_the_mail_server_is_logged_without_the_link(self, client, aigul, mail_server, tasks, caplog):
        aigul.email = "aigul@example.kz"
        aigul.save()
        mail_server.refuse("RCPT", "550 no such mailbox")
        client.post(FORGOTTEN, {"email": aigul.email})
        with caplog.at_level(logging.WARNING):
            run(tasks)
        assert "no link for a new password was sent to aigul" in caplog.text
        assert "/login/password/" not in caplog.text
        assert not SignInEvent.objects.exists()

    def test_page_needs_a_mail_server(self, client, settings, db):
        settings.EMAIL_URL = ""
        assert client.get(FORGOTTEN).status_code == 404
        page = texts(client.get(LOGIN))
        assert FORGOTTEN not in page
        assert "Попросите владельца или администратора" in page


class TestPageOfSigningIn:
    CORRECT = "исправьте"

    def test_refused_attempt_asks_for_no_correction(self, client, aigul):
        for _ in range(limits.ACCOUNT.attempts + 1):
            answer = enter_password(client, password="wrong")
        assert answer.status_code == 429
        page = texts(answer)
        assert "Слишком много попыток входа" in page
        assert self.CORRECT not in page

    def test_wrong_password_is_explained_once(self, client, aigul):
        page = texts(enter_password(client, password="wrong"))
        assert "введите корректные имя пользователя и пароль" in page
        assert self.CORRECT not in page

    def test_empty_field_is_named(self, client, aigul):
        assert "Обязательное поле" in texts(enter_password(client, password=""))

    def test_signed_in_user_is_redirected(self, client, aigul):
        client.force_login(aigul)
        assert client.get(LOGIN)["Location"] == HOME
