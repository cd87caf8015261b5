"""Tests of the log lines about an order: one id follows it from the webhook, or from a click, to the push."""

import json
import logging

import pytest

from bitrix_bridge.inbound import queue_processing
from bitrix_bridge.models import Push, WebhookEvent
from cvety_crm.log_formats import JsonFormatter
from cvety_crm.outbox import deliver_due
from orders.models import Order
from tests.samples import order_data

GIVEN = "proxy-id-0123456789"


class Lines(logging.Handler):
    """A handler that keeps its lines as JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines = []

    def emit(self, record):
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines():
    """Yield the lines about the exchange."""
    handler = Lines()
    logger = logging.getLogger("cvety_crm.exchange")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.lines
    logger.setLevel(level)
    logger.removeHandler(handler)


@pytest.mark.django_db
class TestOrder:
    def post(self, client, data, given):
        return client.post(
            "/webhooks/bitrix/order",
            json.dumps({"event": "order.create", "data": data}),
            content_type="application/json",
            headers={"Authorization": "Bearer made-up-webhook-token", "X-Request-Id": given},
        )

    def test_webhook_is_logged_with_its_order(self, client, lines):
        self.post(client, order_data(), GIVEN)
        (event,), (order,) = WebhookEvent.objects.all(), Order.objects.all()
        (line,) = lines
        assert line["message"].endswith(": created")
        assert (line["correlation_id"], line["event_id"], line["order_id"]) == (GIVEN, str(event.pk), str(order.pk))
        assert event.correlation_id == GIVEN

    def test_events_that_were_stored_first_keep_their_ids(self, client, lines, settings):
        settings.WEBHOOK_TIME_BUDGET = 0
        ids = [f"{GIVEN}-{number}" for number in (1, 2)]
        for number, given in enumerate(ids, start=1):
            self.post(client, order_data(ID=number, ACCOUNT_NUMBER=str(number)), given)
        assert queue_processing.process_oldest_queued() == 2
        assert [line["correlation_id"] for line in lines] == [*ids, *ids]
        assert [line["state"] for line in lines] == ["queued", "queued", "processed", "processed"]

    def test_change_by_staff_is_followed_to_its_delivery(self, client, lines, manager, site, shared_order):
        client.force_login(manager)
        url = f"/crm/orders/order/{shared_order.pk}/status/"
        client.post(url, {"_form_submitted": "True", "status": "accepted"}, headers={"X-Request-Id": GIVEN})
        push = Push.objects.get()
        assert push.correlation_id == GIVEN
        lines.clear()
        assert deliver_due()
        about = [line for line in lines if line.get("entry_id") == str(push.pk)]
        assert [(line["correlation_id"], line["order_id"]) for line in about] == [(GIVEN, str(shared_order.pk))]
        assert "delivered" in about[0]["message"]

    def test_no_phone_is_logged(self, client, lines):
        self.post(client, order_data(), GIVEN)
        assert "7011234567" not in json.dumps(lines)
