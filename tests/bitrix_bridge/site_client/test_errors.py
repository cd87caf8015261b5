"""Tests of the table of errors, row by row, with responses of the site."""

import json

import pytest

from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_client.bridge_client import BridgeClient
from bitrix_bridge.site_client.errors import TABLE, OrderNotFoundError, Transport, meaning_of
from bitrix_bridge.site_client.rest_client import RestClient
from cvety_crm.outbox import (
    DeliveryError,
    MisconfiguredError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
    UnreachableError,
)

NGINX_503 = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n</html>"
LOGIN_PAGE = "<!DOCTYPE html>\n<html><head><title>Авторизация</title></head></html>"


def rest_error(code, text):
    return json.dumps({"error": code, "error_description": text})


def bridge_error(code, text):
    return json.dumps({"success": False, "error": {"code": code, "message": text, "step": "order"}})


BY_REST = [
    (503, "QUERY_LIMIT_EXCEEDED", "Too many requests", TemporaryDeliveryError),
    (429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.", TemporaryDeliveryError),
    (503, "OVERLOAD_LIMIT", "REST API is blocked due to overload.", MisconfiguredError),
    (500, "INTERNAL_SERVER_ERROR", "Internal server error", TemporaryDeliveryError),
    (400, "INTERNAL_SERVER_ERROR", "Internal server error", TemporaryDeliveryError),
    (500, "ERROR_UNEXPECTED_ANSWER", "Server returned an unexpected response", TemporaryDeliveryError),
    (403, "PORTAL_DELETED", "Portal was deleted", TemporaryDeliveryError),
    (500, "PORTAL_DELETED", "Portal was deleted", TemporaryDeliveryError),
    (401, "NO_AUTH_FOUND", "Wrong authorization data", MisconfiguredError),
    (401, "expired_token", "The access token provided has expired.", MisconfiguredError),
    (401, "INVALID_CREDENTIALS", "Invalid request credentials", MisconfiguredError),
    (403, "insufficient_scope", "The request requires higher privileges than provided", MisconfiguredError),
    (403, "ACCESS_DENIED", "REST API is available only on commercial plans", MisconfiguredError),
    (400, "ACCESS_DENIED", "Access denied!", MisconfiguredError),
    (401, "user_access_error", "The user does not have access to the application", MisconfiguredError),
    (401, "authorization_error", "Unable to authorize user", MisconfiguredError),
    (400, 200040300010, "Access Denied", MisconfiguredError),
    (400, 200040300020, "Access Denied", MisconfiguredError),
    (404, "ERROR_METHOD_NOT_FOUND", "Method not found!", MisconfiguredError),
    (400, "INVALID_REQUEST", "Https required.", MisconfiguredError),
    (400, 200540400001, "order is not exists", OrderNotFoundError),
    (400, "200540400001", "order does not exist", OrderNotFoundError),
    (400, 201240400001, "order is not exists", OrderNotFoundError),
    (400, "ERROR_ARGUMENT", "Argument 'id' is null or empty", PermanentDeliveryError),
    (400, "WRONG_ENCODING", "Wrong request encoding", PermanentDeliveryError),
    (405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage", PermanentDeliveryError),
    (400, 200140400011, "Currency must be the currency of the order", PermanentDeliveryError),
    (400, 100, "Could not find value for parameter {id}", PermanentDeliveryError),
    (400, 0, "Заказ не сохранён", PermanentDeliveryError),
    (200, 0, "Заказ не сохранён", PermanentDeliveryError),
    (404, "SOMETHING_NEW", "Unknown error", PermanentDeliveryError),
]


@pytest.fixture
def shop(settings):
    with Sandbox(api_token=settings.BITRIX_API_TOKEN) as sandbox:
        settings.BITRIX_REST_URL, settings.BITRIX_API_URL = sandbox.rest_url, sandbox.bridge_url
        BridgeClient().knows_all_actions()
        yield sandbox


def failure_of(client):
    with pytest.raises(DeliveryError) as caught:
        client.get_order(1)
    return caught.value


@pytest.mark.parametrize(("status", "code", "text", "kind"), BY_REST)
def test_rest_error_raises_the_expected_failure(shop, status, code, text, kind):
    shop.faults.give(faults.status(status, body=rest_error(code, text)))
    failure = failure_of(RestClient())
    assert (type(failure), failure.code) == (kind, str(code))
    assert text in failure.message


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (faults.html(503, NGINX_503), TemporaryDeliveryError, "503"),
        (faults.html(502, NGINX_503), TemporaryDeliveryError, "502"),
        (faults.html(200, LOGIN_PAGE), TemporaryDeliveryError, "<!DOCTYPE html>"),
        (faults.html(404, LOGIN_PAGE), TemporaryDeliveryError, "<!DOCTYPE html>"),
        (faults.html(200, ""), TemporaryDeliveryError, "JSON"),
        (faults.garbage(), TemporaryDeliveryError, "JSON"),
        (faults.status(200, body="[]"), TemporaryDeliveryError, "JSON"),
        (faults.html(403, LOGIN_PAGE), MisconfiguredError, "{secret}"),
        (faults.html(401, LOGIN_PAGE), MisconfiguredError, "{secret}"),
        (faults.redirect("https://cvety.kz/auth/"), MisconfiguredError, "{address}"),
        (faults.redirect("https://www.cvety.kz/", 301), MisconfiguredError, "https://www.cvety.kz/"),
        (faults.redirect("", 308), MisconfiguredError, "?"),
        (faults.status(408, body="{}"), TemporaryDeliveryError, "408"),
        (faults.status(425, body="{}"), TemporaryDeliveryError, "425"),
        (faults.status(400, body="{}"), PermanentDeliveryError, "400"),
        (faults.status(200, body="{}"), PermanentDeliveryError, "200"),
        (faults.success_false_200("нельзя"), PermanentDeliveryError, "нельзя"),
        (faults.answer_lost(), UnreachableError, ""),
    ],
)
@pytest.mark.parametrize("transport", list(Transport))
def test_error_of_both_transports_raises_the_expected_failure(shop, transport, fault, kind, says):
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
        (400, "bad_id", PermanentDeliveryError),
        (401, "unauthorized", MisconfiguredError),
        (404, "order_not_found", OrderNotFoundError),
        (409, "status_conflict", PermanentDeliveryError),
        (422, "unknown_status", PermanentDeliveryError),
        (500, "internal", TemporaryDeliveryError),
        (503, "busy", TemporaryDeliveryError),
    ],
)
def test_bridge_error_raises_the_expected_failure(shop, status, code, kind):
    shop.faults.give(faults.status(status, body=bridge_error(code, "так вышло")))
    failure = failure_of(BridgeClient())
    assert (type(failure), failure.code) == (kind, code)


@pytest.mark.parametrize("body", [rest_error("QUERY_LIMIT_EXCEEDED", "Too many requests"), NGINX_503])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("client", [BridgeClient, RestClient])
def test_retry_after_header_is_passed_to_the_failure(shop, client, status, body):
    shop.faults.give(faults.status(status, retry_after=120, body=body))
    assert failure_of(client()).retry_after == 120


def test_every_row_of_the_table_can_match():
    """Each row matches a response of its own kind, so no earlier row hides it."""
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


def test_unknown_error_is_a_permanent_failure():
    assert meaning_of(Transport.REST, 418, "BRAND_NEW", is_json=True).name == "REFUSED"
