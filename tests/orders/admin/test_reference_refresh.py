"""Tests of the button «Обновить с сайта» on the lists of reference data, with the sandbox over HTTP."""

import threading
import time

import pytest
from django.contrib.messages import get_messages
from django.db import connection, transaction
from django.test import Client
from django.utils.html import escape

from bitrix_bridge.payloads.reference import read_reference
from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.sandbox.reference import ORDER_STATUSES
from orders import services
from orders.models import City, DeliverySlot, Shop, Status
from tests.bitrix_bridge.conftest import site  # noqa: F401

pytestmark = pytest.mark.django_db
WARNING = (
    "Названия не подходят к этапу, решите на странице «Статусы сайта»: "
    "DE: на сайте «В пути», здесь «Отклонён» (этап «Отменён»)."
)
KINDS = ("status", "city", "shop", "deliveryslot", "paysystem")
EVERY_RIGHT = [f"orders.{right}_{kind}" for kind in KINDS for right in ("add", "change")]


def refresh(browser, kind="city"):
    """Press the button on the list, and return the messages that the list shows after that."""
    page = browser.get(f"/crm/orders/{kind}/").content.decode()
    assert f'action="/crm/orders/{kind}/refresh/"' in page
    answer = browser.post(f"/crm/orders/{kind}/refresh/")
    assert (answer.status_code, answer["Location"]) == (302, f"/crm/orders/{kind}/")
    said = [(message.level_tag, str(message)) for message in get_messages(answer.wsgi_request)]
    shown = browser.get(answer["Location"]).content.decode()
    assert all(escape(text) in shown for _, text in said)
    return said


@pytest.mark.parametrize("kind", KINDS)
def test_button_of_each_list_refreshes_all_and_reports_names(site, browser, kind):  # noqa: F811
    City.objects.create(bitrix_id=5, name="Талды-Курган", bitrix_state={"agreed": {"name": "Талды-Курган"}})
    City.objects.create(bitrix_id=6, name="Қаскелең", bitrix_state={"agreed": {"name": "Каскелен"}})
    said = dict(text.split(". ", 1) for _, text in refresh(browser, kind))
    cities = said["Города"]
    assert "Добавлено с сайта: " in cities
    assert "«Шымкент»" in cities.split("; ")[0]
    assert "обновлено, как на сайте: «Талдыкорган»" in cities
    assert "оставлено, как решили сотрудники, хотя на сайте иначе: «Қаскелең»" in cities
    assert "«CVETYKZ Мамыр»" in said["Магазины"]
    assert "без изменений: " in said["Статусы"]
    assert (City.objects.get(bitrix_id=5).name, City.objects.get(bitrix_id=6).name) == ("Талдыкорган", "Қаскелең")
    assert (Shop.objects.count(), DeliverySlot.objects.count()) == (4, 24)


def test_second_refresh_reports_no_changes(site, browser):  # noqa: F811
    refresh(browser)
    said = refresh(browser)
    assert [level for level, _ in said] == ["info"] * 5
    assert all("Без изменений: " in text and "«" not in text for _, text in said), said


def test_report_of_many_names_is_cut(browser, monkeypatch):
    cities = [{"id": number, "name": f"Город {number}"} for number in range(100, 140)]
    snapshot = read_reference({"cities": cities})
    monkeypatch.setattr("bitrix_bridge.reference.refresh_now", lambda: services.apply_reference(snapshot=snapshot))
    ((_, text),) = refresh(browser)
    assert text.endswith("«Город 129» и ещё 10.")


def test_names_from_site_are_escaped(browser, monkeypatch):
    snapshot = read_reference({"cities": [{"id": 77, "name": "<script>alert(1)</script>"}]})
    monkeypatch.setattr("bitrix_bridge.reference.refresh_now", lambda: services.apply_reference(snapshot=snapshot))
    page = browser.post("/crm/orders/city/refresh/", follow=True).content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.status(503), "ошибка"),
        (faults.html(), "JSON"),
        (faults.answer_lost(), "не отвечает"),
        (faults.silent(), "не отвечает"),
        (faults.status(401), "BITRIX_API_TOKEN"),
    ],
)
def test_refresh_changes_nothing_when_site_fails(site, browser, settings, fault, words):  # noqa: F811
    settings.OUTBOX_TIMEOUT = 2  # seconds; only the silent site must take longer
    before = list(City.objects.values_list("bitrix_id", "name"))
    site.faults.give(fault, action="reference")
    ((level, text),) = refresh(browser)
    assert (level, text.startswith("Ничего не обновлено."), words in text) == ("error", True, True), text
    assert list(City.objects.values_list("bitrix_id", "name")) == before


def test_earlier_endpoint_of_site_shows_what_to_install(browser, settings):
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, legacy_bridge=True) as old:
        settings.BITRIX_API_URL = old.bridge_url
        ((level, text),) = refresh(browser)
        assert (level, "bitrix_bridge/php" in text, old.site.all_orders()) == ("error", True, [])


def test_refresh_without_site_url_names_the_setting(browser):
    ((level, text),) = refresh(browser)
    assert (level, "BITRIX_API_URL" in text) == ("error", True)


def test_empty_response_of_site_shows_warning(site, browser):  # noqa: F811
    site.faults.give(faults.status(200, body='{"success": true, "statuses": []}'), action="reference")
    ((level, text),) = refresh(browser)
    assert (level, "ни одной строки" in text) == ("warning", True)


def test_names_that_do_not_fit_their_stage_are_reported(site, browser, monkeypatch):  # noqa: F811
    monkeypatch.setitem(ORDER_STATUSES, "DE", "В пути")
    assert ("warning", WARNING) in refresh(browser)


class TestRights:
    @pytest.mark.parametrize("missing", EVERY_RIGHT)
    def test_missing_permission_hides_button_and_refuses_refresh(self, site, browser_of, missing):  # noqa: F811
        rights = [right for right in EVERY_RIGHT if right != missing]
        browser = browser_of("orders.view_city", *rights)
        assert "/refresh/" not in browser.get("/crm/orders/city/").content.decode()
        before = City.objects.count()
        assert browser.post("/crm/orders/city/refresh/").status_code == 403
        assert (City.objects.count(), [one["action"] for one in site.site.requests]) == (before, ["ping"])

    def test_user_with_all_permissions_can_refresh(self, site, browser_of):  # noqa: F811
        refresh(browser_of(*EVERY_RIGHT))
        assert City.objects.filter(name="Шымкент").exists()

    def test_refresh_refuses_get(self, site, browser):  # noqa: F811
        assert browser.get("/crm/orders/city/refresh/").status_code == 405
        assert not City.objects.filter(name="Шымкент").exists()

    def test_refresh_is_refused_without_csrf_token(self, site, manager):  # noqa: F811
        client = Client(enforce_csrf_checks=True)
        client.force_login(manager)
        assert client.post("/crm/orders/city/refresh/").status_code == 403
        assert not City.objects.filter(name="Шымкент").exists()


@pytest.mark.django_db(transaction=True)
def test_row_created_by_concurrent_transaction_is_merged():
    made = threading.Event()

    def stub():
        try:
            with transaction.atomic():
                City.objects.create(bitrix_id=77, name="77", bitrix_state={"agreed": {"name": "77"}})
                made.set()
                time.sleep(0.5)
        finally:
            connection.close()

    thread = threading.Thread(target=stub)
    thread.start()
    assert made.wait(60)
    snapshot = read_reference(
        {"statuses": [{"id": "N", "name": "Новенький"}], "cities": [{"id": 77, "name": "Темиртау"}]}
    )
    changes = services.apply_reference(snapshot=snapshot)
    thread.join()
    assert (changes[City].updated, changes[Status].updated) == (["Темиртау"], ["Новенький"])
    assert City.objects.get(bitrix_id=77).name == "Темиртау"
