"""Tests over HTTP of every response of the webhook that the contract lists."""

import json

import pytest
from django.db import OperationalError, connection

from bitrix_bridge.inbound import inbox
from bitrix_bridge.models import WebhookEvent
from cvety_crm import throttling
from cvety_crm.users import User
from orders.models import Order
from tests.samples import order_data

pytestmark = pytest.mark.django_db


def test_order_create_event_creates_an_order(post_webhook):
    response = post_webhook("order.create", order_data())
    order = Order.objects.get()
    event = WebhookEvent.objects.get()
    assert response.status_code == 200
    assert response.json() == {
        "status": "success",
        "action": "created",
        "order_id": str(order.pk),
        "order_number": "122183",
        "event_id": str(event.pk),
    }
    assert (event.state, event.action, event.order) == ("processed", "created", order)


@pytest.mark.parametrize("path", ["/webhooks/bitrix/order", "/webhooks/bitrix/order/"])
def test_url_works_with_and_without_trailing_slash(post_webhook, path):
    assert post_webhook("order.create", order_data(), path=path).status_code == 200


@pytest.mark.parametrize("token", ["made-up-webhook-token", "made-up-second-token"])
def test_each_configured_token_is_accepted(post_webhook, token):
    assert post_webhook("order.create", order_data(), token=token).status_code == 200


def test_token_in_the_body_is_accepted_and_not_stored(post_webhook):
    body = {"event": "order.create", "token": "made-up-webhook-token", "data": order_data()}
    assert post_webhook(body, token=None).json()["action"] == "created"
    assert "made-up-webhook-token" not in json.dumps(WebhookEvent.objects.get().payload)


@pytest.mark.parametrize(
    ("header", "in_body"),
    [(None, None), ("wrong", None), (None, "wrong"), ("", ""), (None, 7), (None, ["made-up-webhook-token"])],
)
def test_event_without_a_valid_token_is_not_stored(post_webhook, header, in_body):
    body = {"event": "order.create", "data": order_data()}
    if in_body is not None:
        body["token"] = in_body
    response = post_webhook(body, token=header)
    assert (response.status_code, response.json()) == (401, {"status": "error", "error": "invalid_token"})
    assert not WebhookEvent.objects.exists()
    assert not Order.objects.exists()


def test_empty_configured_token_is_never_accepted(post_webhook, settings):
    settings.WEBHOOK_TOKENS = [""]
    assert post_webhook({"event": "order.create", "token": "", "data": order_data()}, token=None).status_code == 401


def test_invalid_body_without_a_token_gets_401(post_webhook):
    assert post_webhook("not json at all", token=None).status_code == 401


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (" ", "the body is empty"),
        ("{", "line 1"),
        ("[]", "a list, not an object"),
        ("7", "a number, not an object"),
        ('{"event": "order.create", "data": {"ID": NaN}}', "data.ID is not a positive integer"),
        ('{"event": "order.create", "data": {"ID": ' + "9" * 5000 + "}}", "data.ID is not a positive integer"),
        ("[" * 100_000, "JSON"),
        ({"data": {"ID": 1}}, "event"),
        ({"event": "", "data": {"ID": 1}}, "event"),
        ({"event": 5, "data": {"ID": 1}}, "event"),
        ({"event": "order.create"}, "data: an object is needed, not null"),
        ({"event": "order.create", "data": []}, "data: an object is needed, not a list"),
        ({"event": "order.create", "data": {}}, "ID"),
        ({"event": "order.create", "data": {"ID": ""}}, "ID"),
        ({"event": "order.create", "data": {"ID": "-5"}}, "ID"),
        ({"event": "order.create", "data": {"ID": 2**70}}, "ID"),
        ({"event": "product.update", "data": {"NAME": "x"}}, "ID"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_response_to_invalid_body_says_what_is_wrong_and_where(post_webhook, body, says):
    response = post_webhook(body)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_payload"
    assert says in response.json()["message"]
    kept = WebhookEvent.objects.get()
    assert (kept.state, kept.action, kept.error) == ("processed", "refused", f"400: {response.json()['message']}")
    assert not Order.objects.exists()


def test_body_above_one_megabyte_is_refused(post_webhook, settings):
    response = post_webhook("order.create", order_data(COMMENTS="x" * settings.WEBHOOK_MAX_BYTES))
    assert (response.status_code, response.json()["error"]) == (413, "too_large")
    kept = WebhookEvent.objects.get()
    assert (kept.action, kept.error) == ("refused", "413: limit: 1048576 bytes")
    assert len(kept.payload["text"]) == 20_000
    assert not Order.objects.exists()


def test_body_just_below_one_megabyte_is_accepted(post_webhook):
    assert post_webhook("order.create", order_data(COMMENTS="x" * 900_000)).json()["action"] == "created"
    order = Order.objects.get()
    assert order.courier_comment == "x" * 900_000


def test_unknown_event_is_stored_and_ignored(post_webhook):
    response = post_webhook("coupon.used", {"CODE": "SPRING"})
    assert (response.status_code, response.json()["action"]) == (200, "ignored")
    assert WebhookEvent.objects.get().payload["data"] == {"CODE": "SPRING"}


@pytest.mark.parametrize("path", ["/webhooks/bitrix/order", "/webhooks/bitrix/product/"])
@pytest.mark.parametrize("body", [{"event": "ping"}, {"event": " Ping ", "event_id": "7", "data": {"ID": 1}}])
def test_ping_gets_a_response_and_is_not_stored(post_webhook, django_assert_num_queries, path, body):
    with django_assert_num_queries(0):
        response = post_webhook(body, path=path)
    assert (response.status_code, response.json()) == (200, {"status": "success", "action": "pong"})
    with django_assert_num_queries(0):
        in_body = post_webhook({**body, "token": "made-up-second-token"}, path=path, token=None)
    assert in_body.json()["action"] == "pong"
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("token", [None, "wrong"])
def test_ping_without_a_valid_token_is_refused_and_counted(post_webhook, settings, token):
    settings.WEBHOOK_RATE = "2/min"
    assert [post_webhook({"event": "ping"}, token=token).status_code for _ in range(3)] == [401, 401, 429]


def test_too_many_requests_from_one_address_get_429(post_webhook, settings):
    settings.WEBHOOK_RATE = "2/min"
    assert [post_webhook("order.create", order_data()).status_code for _ in range(2)] == [200, 200]
    response = post_webhook("order.create", order_data())
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 60
    assert response.json() == {"status": "error", "error": "too_many_requests"}


def test_requests_with_wrong_tokens_are_rate_limited_too(post_webhook, settings):
    settings.WEBHOOK_RATE = "2/min"
    answers = [post_webhook("order.create", order_data(), token="guess").status_code for _ in range(3)]
    assert answers == [401, 401, 429]


def test_others_at_the_address_of_the_site_cannot_use_up_its_requests(post_webhook, settings):
    settings.WEBHOOK_RATE = "1/min"
    assert [post_webhook({"event": "ping"}, token=token).status_code for token in ("a", "b", None)] == [401, 429, 429]
    assert [post_webhook({"event": "ping"}).status_code for _ in range(2)] == [200, 429]


def test_addresses_of_one_ipv6_network_are_counted_together(client, settings):
    settings.WEBHOOK_RATE = "1/min"

    def post(address):
        return client.post("/webhooks/bitrix/order", "{}", "application/json", REMOTE_ADDR=address).status_code

    assert [post("2001:db8::1"), post("2001:db8::2"), post("2001:db8:0:1::1")] == [401, 429, 401]
    assert [post("10.0.0.1"), post("::ffff:10.0.0.1"), post("10.0.0.2"), post("")] == [401, 429, 401, 401]


def test_forwarded_address_is_used_only_from_trusted_proxies(client, settings):
    settings.WEBHOOK_RATE = "1/min"

    def post(address):
        headers = {"X-Forwarded-For": address}
        return client.post("/webhooks/bitrix/order", "{}", content_type="application/json", headers=headers).status_code

    assert [post("10.0.0.1"), post("10.0.0.2")] == [401, 429]
    throttling.counters().clear()
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    # Entries that the client itself added before the entry of the trusted proxy are ignored.
    assert [post("10.0.0.1"), post("10.0.0.2"), post("6.6.6.6, 10.0.0.2")] == [401, 401, 429]


def test_unavailable_database_returns_503_with_retry_after(post_webhook, monkeypatch):
    # A test in tests/e2e stops a real database.
    def away(_row, _handling):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(inbox, "process", away)
    response = post_webhook("order.create", order_data())
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert response.json() == {"status": "error", "error": "database_unavailable"}


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=0.9", "nonsense", ""])
def test_event_is_accepted_with_any_accept_header(client, accept):
    body = json.dumps({"event": "ping", "token": "made-up-webhook-token"})
    headers = {"Accept": accept, "Accept-Encoding": "gzip, br"}
    response = client.post("/webhooks/bitrix/order", body, content_type="text/plain", headers=headers)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert "Content-Encoding" not in response
    assert not response.cookies


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_other_http_methods_are_refused(client, method):
    assert getattr(client, method)("/webhooks/bitrix/order").status_code == 405


def test_documentation_lists_every_response(client):
    page = client.get("/docs")
    assert page.status_code == 200
    # The CRM itself serves the assets of this page.
    assert b"https://" not in page.content.replace(b"https://cvety", b"")
    schema = client.get("/docs/schema", headers={"Accept": "application/json"}).content.decode()
    for answer in ("'200'", "'400'", "'401'", "'408'", "'411'", "'413'", "'415'", "'429'", "'503'"):
        assert answer in schema or answer.replace("'", '"') in schema
    assert "/webhooks/bitrix/product" in schema
    assert "pong" in schema


def test_public_page_shows_only_that_the_service_runs(client):
    response = client.get("/")
    assert response.status_code == 200
    assert "Сервис работает" in response.content.decode()


def test_session_of_staff_does_not_replace_the_token(post_webhook, client, manager: User):
    client.force_login(manager)
    assert post_webhook("order.create", order_data(), token=None).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_read_only_database_returns_503_with_retry_after(post_webhook, client):
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        response = post_webhook("order.create", order_data())
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0


def test_webhook_is_accepted_when_rate_cannot_be_counted(post_webhook, settings, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    settings.THROTTLE_CACHE_DIR = str(tmp_path / "file" / "x")
    throttling._log_failure_once.cache_clear()
    assert post_webhook("order.create", order_data()).json()["action"] == "created"
    assert post_webhook("order.create", order_data()).json()["action"] == "duplicate"
    assert caplog.text.count("THROTTLE_CACHE_DIR") == 1


def test_address_with_a_zone_is_stored_without_the_zone(client):
    body = json.dumps({"event": "order.create", "token": "made-up-webhook-token", "data": order_data()})
    path = "/webhooks/bitrix/order"
    response = client.post(path, body, content_type="application/json", REMOTE_ADDR="fe80::1%eth0")
    assert response.status_code == 200
    assert WebhookEvent.objects.get().remote_addr == "fe80::1"
