"""Tests of the health pages for the public, for monitoring systems with a token, and for staff."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client

from cvety_crm.models import Heartbeat
from cvety_crm.users import User
from tests.visible_text import latin_words, visible_texts

HERE = "tests.cvety_crm.ops.test_health."
TOKEN = "made-up-health-token"


@pytest.fixture(autouse=True)
def _settings(settings):
    cache.clear()
    settings.HEALTH_TOKEN = TOKEN
    settings.HEALTH_PROBES = [HERE + "well", HERE + "remark"]
    yield
    cache.clear()


def user_client(*codenames, **values):
    user = User.objects.create_user("anna", password="made-up", **values)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.django_db(transaction=True)
def test_public_health_page_shows_only_ok(client):
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-cache" in answer["Cache-Control"]


def test_public_health_page_shows_failing_without_a_reason(client, settings):
    settings.HEALTH_BASIC_PROBES = [HERE + "raising"]
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "failing"})


def test_token_gives_access_to_the_details(client, settings):
    answer = client.get("/health/ready", headers=bearer(TOKEN))
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "remarks")
    assert body["probes"][1] == {
        "name": HERE + "remark",
        "level": "yellow",
        "title": "remark",
        "figure": "so so",
        "hint": "look at it",
    }
    settings.HEALTH_PROBES = [HERE + "raising"]
    answer = client.get("/health/ready", headers=bearer(TOKEN))
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")
    assert "made-up-bitrix-token" not in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "made-up", "made-up-health-token-2", "токен"])
def test_wrong_token_is_refused(client, settings, token):
    for own in (TOKEN, ""):
        settings.HEALTH_TOKEN = own
        answer = client.get("/health/ready", headers=bearer(token))
        assert (answer.status_code, answer.json()) == (401, {"status": "unauthorized"})
        assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.django_db
def test_details_are_for_staff_only(client):
    assert user_client().get("/health/ready").status_code == 403
    User.objects.all().delete()
    assert user_client(is_staff=True).get("/health/ready").status_code == 200
    assert client.get("/health/ready").status_code == 401


def test_details_page_is_failing_when_the_session_cannot_be_read(client, monkeypatch):
    def refuse(_request):
        raise OperationalError("the database is away")

    monkeypatch.setattr("django.contrib.auth.middleware.get_user", refuse)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "failing"})


@pytest.mark.django_db
def test_status_page_is_for_staff_who_may_view_orders(client):
    assert client.get("/crm/status/").status_code == 302
    assert user_client(is_staff=True).get("/crm/status/").status_code == 403
    User.objects.all().delete()
    anna = user_client("view_order", is_staff=True)
    page = anna.get("/crm/status/").content.decode()
    assert "ОБЩИЙ СТАТУС СИСТЕМЫ: ЕСТЬ ЗАМЕЧАНИЯ" in page
    assert "look at it" in page
    assert 'href="/crm/status/"' in anna.get("/crm/").content.decode()


@pytest.mark.django_db
def test_status_page_shows_no_secret(manager, client, settings):
    settings.HEALTH_PROBES = [HERE + "raising"]
    client.force_login(manager)
    page = client.get("/crm/status/").content.decode()
    assert "made-up-bitrix-token" not in page
    assert "ЕСТЬ ПРОБЛЕМЫ" in page


@pytest.mark.django_db(transaction=True)
def test_status_page_is_russian(manager, client, settings):
    from cvety_crm.settings import HEALTH_PROBES

    settings.HEALTH_PROBES = HEALTH_PROBES
    Heartbeat.beat(Heartbeat.WORKER)
    client.force_login(manager)
    texts = visible_texts(client.get("/crm/status/").content.decode())
    words = {word.lower() for text in texts for word in latin_words(text)}
    assert not {"status", "remark", "ago", "answers", "waiting", "seconds", "checked", "well"} & words, words


def test_details_are_json_in_utf8(client):
    answer = client.get("/health/ready", headers=bearer(TOKEN))
    assert json.loads(answer.content.decode("utf-8"))["checked_at"]
