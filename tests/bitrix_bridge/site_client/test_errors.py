"""The table of errors, row by row, with answers as the site gives them."""

import json

import pytest

from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_client.bridge_client import BridgeClient
from bitrix_bridge.site_client.errors import TABLE, OrderNotFound, Transport, meaning_of
from bitrix_bridge.site_client.rest_client import RestClient
from cvety_crm.outbox import DeliveryFailure, Misconfigured, PermanentRefusal, TemporaryFailure

NGINX_503 = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n</html>"
LOGIN_PAGE = "<!DOCTYPE html>\n<html><head><title>Авторизация</title></head></html>"


def rest_error(code, text):
    return json.dumps({"error": code, "error_description": text})


def bridge_error(code, text):
    return json.dumps({"success": False, "error": {"code": code, "message": text, "step": "order"}})


BY_REST = [
    (503, "QUERY_LIMIT_EXCEEDED", "Too many requests", TemporaryFailure),
    (429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.", TemporaryFailure),
    (503, "OVERLOAD_LIMIT", "REST API is blocked due to overload.", Misconfigured),
    (500, "INTERNAL_SERVER_ERROR", "Internal server error", TemporaryFailure),
    (400, "INTERNAL_SERVER_ERROR", "Internal server error", TemporaryFailure),
    (500, "ERROR_UNEXPECTED_ANSWER", "Server returned an unexpected response", TemporaryFailure),
    (403, "PORTAL_DELETED", "Portal was deleted", TemporaryFailure),
    (500, "PORTAL_DELETED", "Portal was deleted", TemporaryFailure),
    (401, "NO_AUTH_FOUND", "Wrong authorization data", Misconfigured),
    (401, "expired_token", "The access token provided has expired.", Misconfigured),
    (401, "INVALID_CREDENTIALS", "Invalid request credentials", Misconfigured),
    (403, "insufficient_scope", "The request requires higher privileges than provided", Misconfigured),
    (403, "ACCESS_DENIED", "REST API is available only on commercial plans", Misconfigured),
    (400, "ACCESS_DENIED", "Access denied!", Misconfigured),
    (401, "user_access_error", "The user does not have access to the application", Misconfigured),
    (401, "authorization_error", "Unable to authorize user", Misconfigured),
    (400, 200040300010, "Access Denied", Misconfigured),
    (400, 200040300020, "Access Denied", Misconfigured),
    (404, "ERROR_METHOD_NOT_FOUND", "Method not found!", Misconfigured),
    (400, "INVALID_REQUEST", "Https required.", Misconfigured),
    (400, 200540400001, "order is not exists", OrderNotFound),
    (400, "200540400001", "order does not exist", OrderNotFound),
    (400, 201240400001, "order is not exists", OrderNotFound),
    (400, "ERROR_ARGUMENT", "Argument 'id' is null or empty", PermanentRefusal),
    (400, "WRONG_ENCODING", "Wrong request encoding", PermanentRefusal),
    (405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage", PermanentRefusal),
    (400, 200140400011, "Currency must be the currency of the order", PermanentRefusal),
    (400, 100, "Could not find value for parameter {id}", PermanentRefusal),
    (400, 0, "Заказ не сохранён", PermanentRefusal),
    (200, 0, "Заказ не сохранён", PermanentRefusal),
    (404, "SOMETHING_NEW", "Nobody knows", PermanentRefusal),
]


@pytest.fixture
def shop(settings):
    with Sandbox(api_token=settings.BITRIX_API_TOKEN) as sandbox:
        settings.BITRIX_REST_URL, settings.BITRIX_API_URL = sandbox.rest_url, sandbox.bridge_url
        BridgeClient().knows_all_actions()
        yield sandbox


def failure_of(client):
    with pytest.raises(DeliveryFailure) as caught:
        client.get_order(1)
    return caught.value


@pytest.mark.parametrize(("status", "code", "text", "kind"), BY_REST)
def test_what_rest_says(shop, status, code, text, kind):
    shop.faults.give(faults.status(status, body=rest_error(code, text)))
    failure = failure_of(RestClient())
    assert (type(failure), failure.code) == (kind, str(code))
    assert text in failure.message


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (faults.html(503, NGINX_503), TemporaryFailure, "503"),
        (faults.html(502, NGINX_503), TemporaryFailure, "502"),
        (faults.html(200, LOGIN_PAGE), TemporaryFailure, "<!DOCTYPE html>"),
        (faults.html(404, LOGIN_PAGE), TemporaryFailure, "<!DOCTYPE html>"),
        (faults.html(200, ""), TemporaryFailure, "JSON"),
        (faults.garbage(), TemporaryFailure, "JSON"),
        (faults.status(200, body="[]"), TemporaryFailure, "JSON"),
        (faults.html(403, LOGIN_PAGE), Misconfigured, "{secret}"),
        (faults.html(401, LOGIN_PAGE), Misconfigured, "{secret}"),
        (faults.redirect("https://cvety.kz/auth/"), Misconfigured, "{address}"),
        (faults.redirect("https://www.cvety.kz/", 301), Misconfigured, "https://www.cvety.kz/"),
        (faults.redirect("", 308), Misconfigured, "?"),
        (faults.status(408, body="{}"), TemporaryFailure, "408"),
        (faults.status(425, body="{}"), TemporaryFailure, "425"),
        (faults.status(400, body="{}"), PermanentRefusal, "400"),
        (faults.status(200, body="{}"), PermanentRefusal, "200"),
        (faults.success_false_200("нельзя"), PermanentRefusal, "нельзя"),
        (faults.answer_lost(), TemporaryFailure, ""),
    ],
)
@pytest.mark.parametrize("transport", list(Transport))
def test_what_comes_by_either_way(shop, transport, fault, kind, says):
    shop.place_order()
    shop.faults.give(fault)
    client = RestClient() if transport is Transport.REST else BridgeClient()
    failure = failure_of(client)
    secret = "BITRIX_REST_URL" if transport is Transport.REST else "BITRIX_API_TOKEN"
    assert type(failure) is kind
    assert says.format(secret=secret, address=transport.value) in failure.message


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "bad_id", PermanentRefusal),
        (401, "unauthorized", Misconfigured),
        (404, "order_not_found", OrderNotFound),
        (409, "status_conflict", PermanentRefusal),
        (422, "unknown_status", PermanentRefusal),
        (500, "internal", TemporaryFailure),
        (503, "busy", TemporaryFailure),
    ],
)
def test_what_the_bridge_says(shop, status, code, kind):
    shop.faults.give(faults.status(status, body=bridge_error(code, "так вышло")))
    failure = failure_of(BridgeClient())
    assert (type(failure), failure.code) == (kind, code)


@pytest.mark.parametrize("body", [rest_error("QUERY_LIMIT_EXCEEDED", "Too many requests"), NGINX_503])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("client", [BridgeClient, RestClient])
def test_retry_after_is_handed_on(shop, client, status, body):
    shop.faults.give(faults.status(status, retry_after=120, body=body))
    assert failure_of(client()).retry_after == 120


def test_every_row_is_reached():
    """Each row decides about an answer of its own kind: none is hidden behind one above it."""
    for row in TABLE:
        reached = {
            (transport, code, status, is_json)
            for transport in Transport
            for code in (*row.codes, None)
            for status in (*list(row.statuses)[:1], 418)
            for is_json in (True, False)
            if next(found for found in TABLE if found.fits(transport, status, code, is_json)) is row
        }
        assert reached, row
        assert row.source


def test_what_is_in_no_row_is_shown_to_a_person():
    assert meaning_of(Transport.REST, 418, "BRAND_NEW", is_json=True).name == "REFUSED"
