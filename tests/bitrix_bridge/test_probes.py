"""Tests of the probes for the exchange, with the sandbox and with rows in the database."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bitrix_bridge import probes
from bitrix_bridge.models import Push, WebhookEvent
from bitrix_bridge.sandbox import Sandbox, faults
from cvety_crm.ops.health import Level
from cvety_crm.outbox import State
from orders.models import Order
from tests.samples import order_data

pytestmark = pytest.mark.django_db
GREEN, YELLOW, RED = Level


def ago(**length):
    return timezone.now() - timedelta(**length)


def event(created_at=None, **values):
    row = WebhookEvent.objects.create(**{"event": "order.update", "payload": {}, "action": "updated", **values})
    WebhookEvent.objects.filter(pk=row.pk).update(created_at=created_at or timezone.now())


def push(order, created_at=None, **values):
    row = Push.objects.create(order=order, **values)
    Push.objects.filter(pk=row.pk).update(created_at=created_at or timezone.now())


def test_endpoint_check_sends_pings_that_are_not_stored(settings, monkeypatch):
    found = probes.webhook_endpoint.run()
    assert (found.level, found.figure) == (GREEN, "без токена: 401, с токеном: 200")
    assert not WebhookEvent.objects.exists()
    monkeypatch.setattr("bitrix_bridge.inbound.views._is_authorized", lambda *_: True)
    assert probes.webhook_endpoint.run().level == RED
    settings.WEBHOOK_TOKENS = []
    assert probes.webhook_endpoint.run().figure == "токен не задан"


def test_endpoint_check_does_not_count_in_a_senders_rate(settings, post_webhook):
    settings.WEBHOOK_RATE = "1/min"
    probes.webhook_endpoint.run()
    assert post_webhook("order.create", order_data()).status_code == 200


def test_time_since_last_event_is_reported():
    assert probes.last_event.run().level == YELLOW
    event(ago(hours=25))
    assert probes.last_event.run().level == YELLOW
    event(ago(minutes=5))
    found = probes.last_event.run()
    assert (found.level, found.figure) == (GREEN, "5 мин назад")


def test_unprocessed_events_are_counted():
    event()
    assert probes.inbox.run().level == GREEN
    event(ago(hours=25), action="refused")
    assert probes.inbox.run().level == GREEN
    event(action="refused")
    found = probes.inbox.run()
    assert (found.level, found.figure) == (YELLOW, "с ошибкой: 0, ждут повтора: 0, отклонено за сутки: 1")
    WebhookEvent.objects.filter(action="refused").delete()
    event(state="waiting", retry_at=timezone.now())
    assert probes.inbox.run().level == YELLOW
    event(state="failed")
    found = probes.inbox.run()
    assert (found.level, found.figure) == (RED, "с ошибкой: 1, ждут повтора: 1")


@pytest.mark.parametrize(("age", "level"), [(1, GREEN), (6, YELLOW), (61, RED)])
def test_age_of_oldest_queued_push_sets_the_level(lone_order, age, level):
    assert probes.push_queue.run().figure == "пусто"
    push(lone_order, ago(minutes=age))
    found = probes.push_queue.run()
    assert found.level == level
    assert found.figure.startswith("ждут: 1, ")


def test_failed_pushes_are_counted(lone_order):
    assert probes.failed_pushes.run().level == GREEN
    push(lone_order, state=State.FAILED)
    found = probes.failed_pushes.run()
    assert (found.level, found.figure) == (RED, "1")


@pytest.mark.parametrize(("late", "level"), [(2, GREEN), (120, YELLOW), (1000, RED)])
def test_delay_of_events_sets_the_level(late, level):
    assert probes.lag_in.run().figure == "за последний час ничего не было"
    for _ in range(3):
        stamp = round(timezone.now().timestamp() - late, 3)
        event(payload={"data": {"webhook_timestamp": stamp, "DATE_UPDATE": "2001-01-01 00:00:00"}})
    event(payload={"data": {"DATE_UPDATE": "не дата"}})
    event(payload=["не объект"])
    event(ago(hours=2), payload={"data": {"webhook_timestamp": 1}})
    found = probes.lag_in.run()
    assert found.level == level, found
    assert "95 % за" in found.figure
    assert found.figure.endswith(": 3)")


def test_site_clock_that_is_ahead_counts_as_no_delay():
    event(payload={"data": {"webhook_timestamp": timezone.now().timestamp() + 60}})
    assert probes.lag_in.run().figure.startswith("половина за 0")


@pytest.mark.parametrize(("late", "level"), [(2, GREEN), (120, YELLOW), (1000, RED)])
def test_delay_of_pushes_sets_the_level(lone_order, late, level):
    assert probes.lag_out.run().figure == "за последний час ничего не было"
    for _ in range(2):
        push(lone_order, ago(seconds=late), state=State.DELIVERED, finished_at=timezone.now())
    push(lone_order, ago(hours=5), state=State.DELIVERED, finished_at=ago(hours=2))
    found = probes.lag_out.run()
    assert found.level == level, found
    assert found.figure.endswith(": 2)")


@pytest.mark.parametrize(("hold_clock", "level"), [(0, YELLOW), (100, GREEN)])
def test_hold_period_of_status_counts_as_no_delay(lone_order, settings, hold_clock, level):
    settings.STATUS_HOLD_SECONDS = hold_clock
    push(lone_order, ago(seconds=120), state=State.DELIVERED, finished_at=timezone.now())
    assert probes.lag_out.run().level == level


def test_bridge_check_reports_version_and_queue(settings):
    with Sandbox("http://127.0.0.1:9/", api_token=settings.BITRIX_API_TOKEN) as site:
        settings.BITRIX_API_URL = site.bridge_url
        found = probes.bridge.run()
        assert (found.level, found.hint) == (GREEN, ""), found
        assert found.figure.startswith("версия 1.2; в очереди сайта: 0")
        site.faults.give(faults.status(503))
        assert probes.bridge.run().level == RED
        settings.BITRIX_API_TOKEN = "another-made-up-token"
        found = probes.bridge.run()
        assert found.level == RED
        assert "another-made-up-token" not in found.figure + found.hint


def test_bridge_problem_makes_the_check_yellow(settings, site, monkeypatch):
    assert probes.bridge.run().hint.startswith("На сайте не установлен обработчик")
    pong = {"versions": None, "webhook_installed": True, "queue_failed": "3", "queue_age_seconds": "?"}
    monkeypatch.setattr("bitrix_bridge.site_client.bridge_client.BridgeClient.ping", lambda self: pong)
    found = probes.bridge.run()
    assert (found.level, "отложено: 3" in found.figure) == (YELLOW, True)
    pong |= {"agent_installed": False}
    assert "агент" in probes.bridge.run().hint


def test_earlier_endpoint_makes_the_check_yellow(settings):
    found = probes.bridge.run()
    assert (found.figure, found.hint[:6]) == ("адрес не задан", "Задайт")
    settings.BITRIX_REST_URL = "https://cvety.example.kz/rest/1/made-up-secret/"
    assert probes.bridge.run().hint == ""
    settings.BITRIX_REST_URL = ""
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, legacy_bridge=True) as site:
        settings.BITRIX_API_URL = site.bridge_url
        found = probes.bridge.run()
    assert (found.level, found.figure) == (YELLOW, "прежний адрес сайта")


def test_site_that_never_responds_makes_the_check_red(settings, site, monkeypatch):
    monkeypatch.setattr(probes, "PING_SECONDS", 0.3)
    site.faults.give(faults.silent())
    assert probes.bridge.run().level == RED


class TestRest:
    @pytest.fixture
    def with_rest(self, settings, site):
        settings.BITRIX_REST_URL = site.rest_url
        return site

    def test_rest_that_is_not_used_is_green(self):
        found = probes.rest.run()
        assert (found.level, found.figure, found.hint) == (GREEN, "не используется", "")

    def test_rest_check_reads_orders_and_writes_nothing(self, with_rest):
        with_rest.place_order()
        found = probes.rest.run()
        assert (found.level, found.figure, found.hint) == (GREEN, "пускает", "")
        assert [one["action"] for one in with_rest.site.requests if one["action"] != "ping"] == ["sale.order.list"]
        assert with_rest.site.writes == 0

    def test_wrong_rest_secret_makes_the_check_red(self, with_rest, settings):
        settings.BITRIX_REST_URL = with_rest.rest_url.replace(with_rest.rest_secret, "anothermadeupsecret")
        found = probes.rest.run()
        assert (found.level, "BITRIX_REST_URL" in found.figure, "администратор" in found.hint) == (RED, True, True)
        assert "anothermadeupsecret" not in found.figure + found.hint

    @pytest.mark.parametrize(
        ("fault", "figure"),
        [
            (faults.status(404, body='{"error": "ERROR_METHOD_NOT_FOUND"}'), "ERROR_METHOD_NOT_FOUND"),
            (faults.status(400, body='{"error": 200040300010, "error_description": "Access Denied"}'), "Access Denied"),
            (faults.redirect(), "/auth/"),
            (faults.status(200, body='{"result": []}'), "нет списка заказов"),
        ],
        ids=["no such method", "no right to orders", "a redirect", "no list"],
    )
    def test_permanent_rest_failure_makes_the_check_red(self, with_rest, fault, figure):
        with_rest.faults.give(fault)
        found = probes.rest.run()
        assert (found.level, figure in found.figure, found.hint != "") == (RED, True, True), found

    @pytest.mark.parametrize(
        "fault", [faults.html(), faults.html(503), faults.status(503), faults.answer_lost(), faults.silent()]
    )
    def test_temporary_rest_failure_makes_the_check_red(self, with_rest, fault, monkeypatch):
        monkeypatch.setattr(probes, "PING_SECONDS", 0.3)
        with_rest.faults.give(fault)
        found = probes.rest.run()
        assert (found.level, found.hint) == (RED, "")
        assert with_rest.rest_secret not in found.figure

    def test_secret_in_rest_response_is_masked(self, with_rest):
        page = f"<html>/rest/1/{with_rest.rest_secret}/sale.order.list {with_rest.rest_secret}</html>"
        with_rest.faults.give(faults.html(body=page))
        found = probes.rest.run()
        assert (found.level, "•••" in found.figure, with_rest.rest_secret in found.figure) == (RED, True, False)

    def test_address_that_is_no_webhook_makes_the_check_red(self, settings):
        settings.BITRIX_REST_URL = "https://cvety.example.kz/rest/made-up-secret"
        found = probes.rest.run()
        assert (found.level, "BITRIX_REST_URL" in found.figure) == (RED, True)
        assert "made-up-secret" not in found.figure


def test_number_of_queries_is_constant_for_many_rows(lone_order):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            for name in ("last_event", "inbox", "push_queue", "failed_pushes", "lag_in", "lag_out", "site_clock"):
                getattr(probes, name).run()
        return len(captured)

    WebhookEvent.objects.all().delete()
    for _ in range(2):  # each level that is not green needs a query for the time of the start
        event(payload={"data": {"webhook_timestamp": timezone.now().timestamp()}})
        event(state="failed")
    few = queries()
    for _ in range(20):
        event(payload={"data": {"webhook_timestamp": timezone.now().timestamp()}})
        event(state="failed")
        push(Order.objects.get(), state=State.DELIVERED, finished_at=timezone.now())
    assert queries() == few
