"""Tests that the benchmark sends the described webhooks and refuses wrong responses. No test checks a measured time."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.client import Target, WrongAnswerError, send
from bench.many_orders import make_orders
from bench.webhooks import Day, distribute
from bitrix_bridge.payloads import read_order
from orders.models import Customer, Order

ROOT = Path(__file__).resolve().parents[1]


def _documents(webhooks):
    return [json.loads(webhook.body) for webhook in webhooks]


def test_bench_webhooks_are_distinct_and_readable():
    day = Day()
    webhooks = [*day.take(100), *day.take(100)]
    documents = _documents(webhooks)
    assert len({webhook.body for webhook in webhooks}) == len({one["event_id"] for one in documents}) == 200
    assert Counter(one["event"] for one in documents) == {"order.create": 160, "order.update": 40}
    created = [webhook.order_id for webhook in webhooks if webhook.expected_action == "created"]
    assert len(set(created)) == 160
    for document in documents:
        snapshot = read_order(document["data"])
        assert not snapshot.problems
        assert len(snapshot.items) == 3
        assert snapshot.customer is not None


def test_update_webhook_follows_its_order_with_a_higher_version():
    versions = {}
    for webhook, document in zip(webhooks := Day().take(200), _documents(webhooks), strict=True):
        version = int(document["data"]["VERSION"])
        assert (webhook.order_id in versions) == (webhook.expected_action == "updated")
        assert version > versions.get(webhook.order_id, -1)
        versions[webhook.order_id] = version


def test_some_products_and_customers_repeat_and_some_are_unique():
    data = [one["data"] for one in _documents(Day().take(200)) if one["event"] == "order.create"]
    customers = Counter(one["USER_ID"] for one in data)
    products = Counter(line["PRODUCT_ID"] for one in data for line in one["basket"])
    for counted in (customers, products):
        assert counted.most_common(1)[0][1] > 1
        assert 1 in counted.values()


def test_day_with_the_same_seed_has_the_same_content():
    def content():
        return [
            {**one["data"], "XML_ID": ""} | {"properties": {**one["data"]["properties"], "data": ""}}
            for one in _documents(Day(seed=7).take(20))
        ]

    assert content() == content()


@pytest.mark.parametrize("connections", [1, 3, 16])
def test_all_webhooks_of_an_order_use_one_connection_in_order(connections):
    webhooks = Day().take(100)
    batches = distribute(webhooks, connections)
    assert sorted(webhook.body for batch in batches for webhook in batch) == sorted(
        webhook.body for webhook in webhooks
    )
    place = {webhook.order_id: number for number, batch in enumerate(batches) for webhook in batch}
    for number, batch in enumerate(batches):
        assert {place[webhook.order_id] for webhook in batch} == {number}
        assert batch == [webhook for webhook in webhooks if webhook in batch]


class _Stub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    action, status = "answered", 200

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"action": self.action}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def _send_to(stub, connections=1):
    with ThreadingHTTPServer(("127.0.0.1", 0), stub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            target = Target("127.0.0.1", server.server_port, "/", "token", action="answered")
            return send(target, Day().take(20), connections)
        finally:
            server.shutdown()


def test_client_reuses_its_connections():
    load = _send_to(_Stub, connections=2)
    assert load.connections_made == 2
    assert len(load.latencies) == 20


@pytest.mark.parametrize("wrong", [{"action": "stored"}, {"status": 503}])
def test_wrong_response_raises_error(wrong):
    with pytest.raises(WrongAnswerError, match="expected 200 and 'answered'"):
        _send_to(type("Wrong", (_Stub,), wrong))


def test_make_orders_is_a_command_of_the_settings_that_its_docstring_names(tmp_path):
    command = [sys.executable, "manage.py", "help", "make_orders"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.settings", "SECRET_KEY": "made up", "ENV_FILE": "",
                   "DATABASE_URL": "postgres://made-up@localhost/none", "WEBHOOK_TOKENS": "made-up"}  # fmt: skip
    environment.pop("BENCH_STATIC_ROOT", None)
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "orders" in ran.stdout


@pytest.mark.django_db
def test_made_orders_are_as_many_as_wanted_beside_customers_of_the_sandbox():
    Customer.objects.create(name="Клиент песочницы", bitrix_user_id=5000)
    make_orders(1, 200)
    make_orders(201, 210)
    assert Order.objects.count() == 210
    assert Customer.objects.count() == 53  # a quarter of the orders, and the customer that was there
