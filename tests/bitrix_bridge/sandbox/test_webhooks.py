"""Tests of the webhooks of every write, and of the sender that delivers them: its sequence, retries and faults."""

from __future__ import annotations

import time

import pytest
import requests

from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.sandbox.faults import delayed, doubled, dropped, reordered


@pytest.fixture
def shop(receiver):
    """Yield a sandbox that sends webhooks to `receiver`."""
    with Sandbox(receiver.url, webhook_token="not-a-real-token", api_token="not-a-real-api-token") as running:
        yield running


def bridge(sandbox, **body):
    headers = {"X-API-TOKEN": sandbox.api_token}
    return requests.post(sandbox.bridge_url, json=body, headers=headers, timeout=30).json()


def test_every_write_sends_the_whole_order(shop, receiver, create_request):
    placed = shop.place_order()
    order_id = placed["ID"]
    bridge(shop, action="order.status", order_id=order_id, status_id="AP", expected_status_id="N")
    bridge(shop, action="order.status", order_id=order_id, status_id="AP", expected_status_id="N")
    bridge(shop, action="order.update", order_id=order_id, properties={"nameRecipient": "Дана"})
    requests.post(shop.rest_url + "sale.order.update", json={"id": order_id, "fields": {"statusId": "PD"}}, timeout=30)
    created = bridge(shop, action="order.create", xml_id="crm-1", **create_request)
    shop.site.delete_order(int(order_id))
    shop.flush()
    assert receiver.seen() == [
        ("order.create", order_id, "0"),
        ("order.update", order_id, "1"),
        ("order.update", order_id, "2"),
        ("order.update", order_id, "3"),
        ("order.create", str(created["order_id"]), "0"),
        ("order.delete", order_id, ""),
    ]
    echo = receiver.bodies[0]
    assert {key: echo["data"][key] for key in placed} == placed
    assert abs(echo["data"]["webhook_timestamp"] - time.time()) < 30
    assert echo["data"]["webhook_source"] == "OnSaleOrderSaved"
    assert len({body["event_id"] for body in receiver.bodies}) == 6
    assert receiver.bodies[1]["data"]["STATUS_ID"] == "AP"
    assert [event.origin for event in shop.sender.events] == ["site", "bridge", "bridge", "rest", "bridge", "site"]


def test_token_is_sent_in_the_header(shop, receiver):
    shop.place_order()
    shop.flush()
    assert receiver.headers[0]["Authorization"] == "Bearer not-a-real-token"
    assert "token" not in receiver.bodies[0]


def test_token_is_sent_in_the_body(receiver):
    with Sandbox(receiver.url, webhook_token="not-a-real-token", auth_in="body") as shop:
        shop.place_order()
        shop.flush()
    assert receiver.bodies[0]["token"] == "not-a-real-token"
    assert "Authorization" not in receiver.headers[0]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((503, "", {"Retry-After": "1"}), "HTTP 503"),
        ((401, '{"status": "error", "error": "invalid_token"}', {}), "HTTP 401"),
        ((302, "", {"Location": "/login/"}), "redirected (302)"),
        ((200, "<html>", {}), "HTTP 200 without JSON"),
        ((200, "[1]", {}), "HTTP 200 without JSON"),
        ((200, '{"status": "error"}', {}), "HTTP 200 without success"),
    ],
)
def test_sender_retries_until_success_and_keeps_the_order(shop, receiver, answer, outcome):
    receiver.script = [answer] * 3
    first, second = shop.place_order()["ID"], shop.place_order()["ID"]
    shop.flush()
    assert [order_id for _, order_id, _ in receiver.seen()] == [first] * 4 + [second]
    assert len({body["event_id"] for body in receiver.bodies[:4]}) == 1
    assert [attempt.outcome for attempt in shop.sender.attempts] == [outcome] * 3 + ["success"] * 2


def test_retry_delays_grow(receiver):
    receiver.script = [(500, "", {})] * 2
    with Sandbox(receiver.url, retry_delays=(0.05, 0.15)) as shop:
        started = time.monotonic()
        shop.place_order()
        shop.flush()
        assert time.monotonic() - started >= 0.2


def test_flush_reports_an_unreachable_crm():
    """The message of the error names the failure and contains no secret."""
    with Sandbox("http://127.0.0.1:9/webhooks", webhook_token="not-a-real-token") as shop:
        shop.place_order()
        assert shop.sender.waiting() == 1
        with pytest.raises(TimeoutError, match=r"1 webhooks not delivered .* last: ConnectionError"):
            shop.flush(0.1)


def test_crm_slower_than_the_timeout_is_retried(receiver):
    receiver.delay = 1
    with Sandbox(receiver.url, timeout=0.05, max_tries=2) as shop:
        shop.place_order()
        shop.flush()
        assert [attempt.outcome for attempt in shop.sender.attempts] == ["ReadTimeout"] * 2


def test_sender_that_gives_up_loses_the_event(receiver):
    receiver.script = [(500, "", {})] * 3
    with Sandbox(receiver.url, max_tries=3) as shop:
        shop.place_order()
        last = shop.place_order()["ID"]
        shop.flush()
    assert receiver.seen()[-1][1] == last
    assert len(receiver.seen()) == 4


def test_events_are_kept_without_a_url(sandbox):
    order = sandbox.place_order()
    sandbox.flush()
    assert sandbox.sender.waiting() is None
    assert [(event.name, event.data["ID"]) for event in sandbox.sender.events] == [("order.create", order["ID"])]


def test_dropped_webhook_is_not_sent(shop, receiver):
    shop.sender.faults.give(dropped())
    shop.place_order()
    kept = shop.place_order()["ID"]
    shop.flush()
    assert [order_id for _, order_id, _ in receiver.seen()] == [kept]


def test_doubled_fault_affects_only_its_event(shop, receiver):
    shop.sender.faults.give(doubled(), action="order.update")
    order_id = shop.place_order()["ID"]
    shop.change_status(order_id, "AP")
    shop.flush()
    assert [version for _, _, version in receiver.seen()] == ["0", "1", "1"]
    assert receiver.bodies[1] == receiver.bodies[2]


def test_delayed_webhook_delays_the_following_ones(shop, receiver):
    shop.sender.faults.give(delayed(0.2))
    started = time.monotonic()
    shop.place_order()
    shop.flush()
    assert time.monotonic() - started >= 0.2
    assert len(receiver.bodies) == 1


def test_reordered_webhook_is_sent_after_the_next_one(shop, receiver):
    shop.sender.faults.give(reordered(), action="order.create")
    order_id = shop.place_order()["ID"]
    shop.change_status(order_id, "AP")
    shop.change_status(order_id, "PD")
    shop.flush()
    assert [version for _, _, version in receiver.seen()] == ["1", "0", "2"]


def test_reordered_webhook_without_a_next_one_is_sent_by_a_flush(shop, receiver):
    shop.sender.faults.give(reordered())
    shop.place_order()
    shop.flush()
    assert len(receiver.bodies) == 1


def test_bare_status_change_is_sent(shop, receiver):
    shop.site.announce("order.status.change", {"ID": "77", "STATUS_ID": "AP"})
    shop.flush()
    assert receiver.bodies[0]["event"] == "order.status.change"
    assert receiver.bodies[0]["data"]["STATUS_ID"] == "AP"


def test_ping_returns_the_queue_length(receiver):
    receiver.script = [(500, "", {})] * 100
    with Sandbox(receiver.url, retry_delays=(60,)) as shop:
        shop.place_order()
        shop.place_order()
        answer = bridge(shop, action="ping")
        assert (answer["webhook_installed"], answer["queue_length"]) == (True, 2)
