"""Staff read Russian: no page of the admin, and no error, shows an English word."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.db import models
from django.template.loader import render_to_string
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task

from bitrix_bridge.models import Difference, ImportRow, ImportRun, Push, Reconciliation
from cvety_crm.models import Heartbeat
from notifications.models import TelegramChat, TelegramMessage
from orders.models import Courier, Order, OrderNote, OrderPhoto
from tests.samples import order_data
from tests.visible_text import latin_words, visible_texts

NAMES = {
    *("cvety", "telegram", "bitrix", "kaspi", "whatsapp", "instagram", "excel"),
    *("esc", "control", "ctrl", "enter", "command", "mac", "n"),
}
"""Names of things and of keys, the same in Russian; so are words in capitals, such as CRM and HTML."""

CODES = "new accepted delivering completed returned declined finished processing refunded cancelled"
TYPED = {"manager", *CODES.split()}
"""What the samples say: a login, codes of statuses."""

NAMELESS = {"ormq", "object", "none"}
"""django-q gives the rows of its queue no name. Only superusers see them."""


@pytest.fixture
def samples(post_webhook, manager):
    """One object of everything that has pages."""
    assert post_webhook("order.create", order_data()).json()["action"] == "created"
    order = Order.objects.get()
    OrderNote.objects.create(order=order, author=manager, text="Позвонить за час")
    OrderPhoto.objects.create(order=order, author=manager, image=ContentFile(b"", name="1.jpg"))
    Courier.objects.create(name="Ерлан", phone="+77011234567")
    Push.objects.create(order=order, fields=["status"], last_error="Сайт отказал")
    run = ImportRun.objects.create()
    ImportRow.objects.create(run=run, bitrix_order_id=1, outcome="—", order=order)
    compared = Reconciliation.objects.create(origin="page", state="failed", error="Сайт не отвечает", is_repair=True)
    for field, outcome in (("status", "person"), ("version", "found"), ("total_amount", "resolved")):
        Difference.objects.create(run=compared, order=order, bitrix_order_id=1, field=field, outcome=outcome,
                                  resolved_by=manager, resolved_at=timezone.now(), side="site")  # fmt: skip
    for kind in ("missing_here", "missing_there"):
        Difference.objects.create(run=compared, bitrix_order_id=1, kind=kind)
    TelegramChat.objects.create(chat_id="-100", title="Магазин")
    TelegramMessage.objects.create(kind=TelegramMessage.Kind.NEW_ORDER, chat_id="-100", order=order)
    Heartbeat.objects.update_or_create(name="7", defaults={"beat_at": timezone.now()})
    Group.objects.create(name="Менеджеры")
    for success in (True, False):
        Task.objects.create(
            id=uuid4().hex,
            name="1",
            func="1",
            started=timezone.now(),
            stopped=timezone.now() + timedelta(seconds=1),
            success=success,
        )
    Schedule.objects.get_or_create(name="1", defaults={"func": "1"})
    OrmQ.objects.create(key="1", payload="", lock=timezone.now())


@pytest.fixture
def browser(manager):
    browser = Client()
    browser.force_login(manager)
    return browser


def english(response, also_known=frozenset()):
    """Return each text of a page with an English word in it."""
    page = response if isinstance(response, str) else response.content.decode()
    known = NAMES | TYPED | also_known
    return {text for text in visible_texts(page) if any(_is_english(word, known) for word in latin_words(text))}


def _is_english(word, known):
    is_code = "_" in word or "." in word
    return not (word.isupper() or is_code or word.lower() in known)


def registered():
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.mark.parametrize("model", registered(), ids=lambda model: model._meta.label)
def test_pages_of(model, browser, samples, settings):
    found = model._default_manager.first()
    assert found is not None, f"`samples` has no {model._meta.label}"
    seen = {}
    secrets = [settings.SECRET_KEY, settings.BITRIX_API_TOKEN, *settings.WEBHOOK_TOKENS]
    for url in _addresses(model, found):
        response = browser.get(url)
        assert response.status_code < 500, url
        assert not [secret for secret in secrets if secret.encode() in b"".join(response)], url
        # What nobody may do has no page, and what only a POST may do shows none.
        if response.status_code == 200 and "text/html" in response["Content-Type"]:
            seen[url] = english(response, NAMELESS if model is OrmQ else frozenset())
    assert _address(model, "changelist") in seen
    assert not {url: texts for url, texts in seen.items() if texts}


def _addresses(model: type[models.Model], found: models.Model) -> Iterator[str]:
    """Yield the address of each page of a model, those for one object with the one given."""
    for pattern in admin.site._registry[model].get_urls():
        if name := getattr(pattern, "name", None):
            for arguments in ([], [found.pk]):
                with suppress(NoReverseMatch):
                    yield reverse(f"admin:{name}", args=arguments)


def _address(model: type[models.Model], page: str) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")


@pytest.mark.parametrize("model", registered(), ids=lambda model: model._meta.label)
def test_what_actions_ask_and_say(model, browser, samples, rf, manager):
    request = rf.get("/")
    request.user = manager
    rows = list(model._default_manager.values_list("pk", flat=True)[:2])
    for action in admin.site._registry[model].get_actions(request):
        chosen = {"action": action, ACTION_CHECKBOX_NAME: rows}
        response = browser.post(_address(model, "changelist"), chosen, follow=True)
        assert response.status_code == 200
        if "text/html" in response["Content-Type"]:
            assert not english(response, NAMELESS if model is OrmQ else frozenset()), action


@pytest.mark.parametrize("name", ["index", "password_change", "password_change_done"])
def test_pages_of_the_site(name, browser, samples):
    response = browser.get(reverse(f"admin:{name}"))
    assert response.status_code == 200
    assert not english(response)


def test_empty_lists(browser):
    pages = {model: browser.get(_address(model, "changelist"), {"q": "нет такого"}) for model in registered()}
    assert not {model: english(page) for model, page in pages.items() if english(page)}


def test_logging_in_and_out(db, client):
    login = reverse("admin:login")
    assert not english(client.get(login))
    assert not english(client.post(login, {"username": "никто", "password": "ничего"}))
    User.objects.create_superuser("manager", password="made-up")
    client.login(username="manager", password="made-up")
    assert not english(client.post(reverse("admin:logout")))


def test_errors(browser, settings):
    settings.DEBUG = False
    missing = browser.get("/crm/no/such/page/")
    assert missing.status_code == 404
    assert not english(missing)
    assert "На главную страницу" in missing.content.decode()

    stranger = Client().get("/no/such/page/")
    assert "/crm/" not in stranger.content.decode()

    forged = Client(enforce_csrf_checks=True).post(reverse("admin:login"), {"username": "a"})
    assert forged.status_code == 403
    assert not english(forged)


@pytest.mark.parametrize("template", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages(template):
    page = render_to_string(template)
    assert len(visible_texts(page)) >= 3
    assert not english(page)


def test_the_words_around_the_api_description(client, db):
    response = client.get(reverse("schema"), {"format": "json"})
    assert response.json()["info"]["title"] == "Cvety CRM"
    assert latin_words(response.json()["info"]["description"]) == ["Bitrix"]
