"""Tests that no admin page and no error page shows an English word, because staff read Russian."""

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from cvety_crm.users import User
from tests.admin_pages import NAMELESS, TYPED, address_of, addresses_of, make_samples, registered
from tests.visible_text import english_words, latin_words, visible_texts


@pytest.fixture
def samples(post_webhook, manager):
    make_samples(post_webhook, manager)


@pytest.fixture
def browser(manager):
    browser = Client()
    browser.force_login(manager)
    return browser


def english(response, also_known=frozenset()):
    """Return the texts of a page that contain an English word."""
    page = response if isinstance(response, str) else response.content.decode()
    return {text for text in visible_texts(page) if english_words(text, TYPED | also_known)}


@pytest.mark.parametrize("model", registered(), ids=lambda model: model._meta.label)
def test_pages_of_model_are_russian_and_show_no_secret(model, browser, samples, settings):
    found = model._default_manager.first()
    assert found is not None, f"`samples` has no {model._meta.label}"
    seen = {}
    secrets = [settings.SECRET_KEY, settings.BITRIX_API_TOKEN, *settings.WEBHOOK_TOKENS]
    for url in addresses_of(model, found):
        response = browser.get(url)
        assert response.status_code < 500, url
        assert not [secret for secret in secrets if secret.encode() in b"".join(response)], url
        # A forbidden action has no page, and neither has a URL that accepts only POST.
        if response.status_code == 200 and "text/html" in response["Content-Type"]:
            seen[url] = english(response, NAMELESS if model is OrmQ else frozenset())
    assert address_of(model, "changelist") in seen
    assert not {url: texts for url, texts in seen.items() if texts}


@pytest.mark.parametrize("model", registered(), ids=lambda model: model._meta.label)
def test_pages_and_messages_of_actions_are_russian(model, browser, samples, rf, manager):
    request = rf.get("/")
    request.user = manager
    rows = list(model._default_manager.values_list("pk", flat=True)[:2])
    for action in admin.site._registry[model].get_actions(request):
        chosen = {"action": action, ACTION_CHECKBOX_NAME: rows}
        response = browser.post(address_of(model, "changelist"), chosen, follow=True)
        assert response.status_code == 200
        if "text/html" in response["Content-Type"]:
            assert not english(response, NAMELESS if model is OrmQ else frozenset()), action


@pytest.mark.parametrize("name", ["index", "password_change", "password_change_done"])
def test_general_admin_pages_are_russian(name, browser, samples):
    response = browser.get(reverse(f"admin:{name}"))
    assert response.status_code == 200
    assert not english(response)


def test_empty_lists_are_russian(browser):
    pages = {model: browser.get(address_of(model, "changelist"), {"q": "нет такого"}) for model in registered()}
    assert not {model: english(page) for model, page in pages.items() if english(page)}


def test_login_and_logout_pages_are_russian(db, client):
    login = reverse("admin:login")
    assert not english(client.get(login))
    assert not english(client.post(login, {"username": "никто", "password": "ничего"}))
    User.objects.create_superuser("manager", password="made-up")
    client.login(username="manager", password="made-up")
    assert not english(client.post(reverse("admin:logout")))


def test_error_responses_are_russian_and_hide_the_admin(browser, settings):
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


@pytest.mark.parametrize(
    "template", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html", "503.html", "507.html"]
)
def test_error_page_templates_are_russian(template):
    page = render_to_string(template)
    assert len(visible_texts(page)) >= 3
    assert not english(page)


def test_api_description_is_russian(client, db):
    response = client.get(reverse("schema"), {"format": "json"})
    assert response.json()["info"]["title"] == "Cvety CRM"
    assert latin_words(response.json()["info"]["description"]) == ["Bitrix"]
