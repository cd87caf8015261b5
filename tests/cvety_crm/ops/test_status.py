"""The health pages for any client, for monitors with a token, and for staff."""

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client

from cvety_crm.models import Heartbeat
from tests.visible_text import latin_words, visible_texts

HERE = "tests.cvety_crm.ops.test_health."
TOKEN = "made-up-health-token"


@pytest.fixture(autouse=True)
def _clean_state(settings):
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
def test_health_returns_only_ok_to_any_client(client):
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-cache" in answer["Cache-Control"]


def test_health_returns_failing_without_a_reason(client, settings):
    settings.HEALTH_BASIC_PROBES = [HERE + "raising"]
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "failing"})


def test_ready_returns_details_with_the_token(client, settings):
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
@pytest.mark.parametrize("shown", ["", "made-up", "made-up-health-token-2", "токен"])
def test_ready_returns_401_with_a_wrong_token(client, settings, shown):
    for own in (TOKEN, ""):
        settings.HEALTH_TOKEN = own
        answer = client.get("/health/ready", headers=bearer(shown))
        assert (answer.status_code, answer.json()) == (401, {"status": "unauthorized"})
        assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.django_db
def test_ready_returns_details_to_staff_only(client):
    assert user_client().get("/health/ready").status_code == 403
    User.objects.all().delete()
    assert user_client(is_staff=True).get("/health/ready").status_code == 200
    assert client.get("/health/ready").status_code == 401


def test_ready_returns_failing_when_the_user_cannot_be_read(client, monkeypatch):
    def refuse(_request):
        raise OperationalError("the database is away")

    monkeypatch.setattr("django.contrib.auth.middleware.get_user", refuse)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "failing"})


@pytest.mark.django_db
def test_status_page_requires_the_permission_to_view_orders(client):
    assert client.get("/crm/status/").status_code == 302
    assert user_client(is_staff=True).get("/crm/status/").status_code == 403
    User.objects.all().delete()
    anna = user_client("view_order", is_staff=True)
    page = anna.get("/crm/status/").content.decode()
    assert "ОБЩИЙ СТАТУС СИСТЕМЫ: ЕСТЬ ЗАМЕЧАНИЯ" in page
    assert "look at it" in page
    assert 'href="/crm/status/"' in anna.get("/crm/").content.decode()


@pytest.mark.django_db
def test_status_page_hides_secrets(manager, client, settings):
    settings.HEALTH_PROBES = [HERE + "raising"]
    client.force_login(manager)
    page = client.get("/crm/status/").content.decode()
    assert "made-up-bitrix-token" not in page
    assert "ЕСТЬ ПРОБЛЕМЫ" in page


@pytest.mark.django_db(transaction=True)
def test_status_page_is_in_russian(manager, client, settings):
    from cvety_crm.settings import HEALTH_PROBES

    settings.HEALTH_PROBES = HEALTH_PROBES
    Heartbeat.beat(Heartbeat.WORKER)
    client.force_login(manager)
    texts = visible_texts(client.get("/crm/status/").content.decode())
    words = {word.lower() for text in texts for word in latin_words(text)}
    assert not {"status", "remark", "ago", "answers", "waiting", "seconds", "checked", "well"} & words, words


def test_ready_returns_json_in_utf_8(client):
    answer = client.get("/health/ready", headers=bearer(TOKEN))
    assert json.loads(answer.content.decode("utf-8"))["checked_at"]
