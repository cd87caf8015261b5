"""Tests of the log's formats and of the id of a request: neither secrets nor phones."""

import json
import logging

import pytest

from cvety_crm.correlation import correlated, current_id
from cvety_crm.log_formats import JsonFormatter, LineFormatter

GIVEN = "proxy-id-0123456789"


def record(message, *arguments, **extra):
    made = logging.makeLogRecord({"name": "test", "levelname": "INFO", "msg": message, "args": arguments, **extra})
    return made


class TestRequestId:
    def test_id_of_the_proxy_is_kept(self, client):
        assert client.get("/health", headers={"X-Request-Id": GIVEN}).headers["X-Request-Id"] == GIVEN

    @pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space 123", "line\nbreak123", "-starts-with-dash"])
    def test_any_other_id_is_replaced(self, client, given):
        answer = client.get("/metrics", headers={"X-Request-Id": given}).headers["X-Request-Id"]
        assert (len(answer), answer.isalnum()) == (32, True)

    def test_each_request_has_its_own_id(self, client):
        first, second = (client.get("/metrics").headers["X-Request-Id"] for _ in range(2))
        assert (first != second, current_id()) == (True, "")


class TestFormats:
    def test_json_line_has_the_extra_values_and_the_traceback(self):
        try:
            raise RuntimeError("broken for +7 701 123 45 67")
        except RuntimeError as error:
            failure = (RuntimeError, error, error.__traceback__)
        with correlated(GIVEN):
            line = JsonFormatter().format(record("about %s", 1, exc_info=failure, order_id="abc", request=object()))
        found = json.loads(line)
        assert ("\n" in line, found["message"], found["order_id"]) == (False, "about 1", "abc")
        assert (found["correlation_id"], found["level"], "request" in found) == (GIVEN, "INFO", False)
        assert found["traceback"].endswith("RuntimeError: broken for •••")

    def test_text_line_has_the_id(self):
        formatter = LineFormatter("{levelname}{about}: {message}", style="{")
        with correlated(GIVEN):
            assert formatter.format(record("hello")) == f"INFO [{GIVEN}]: hello"
        assert formatter.format(record("hello")) == "INFO: hello"

    @pytest.mark.parametrize("formatter", [JsonFormatter(), LineFormatter("%(message)s")])
    @pytest.mark.parametrize(
        "secret",
        ["+77011234567", "8 (701) 123-45-67", "7011234567", "+49 not a phone, +4915112345678", "made-up-webhook-token"],
    )
    def test_secrets_and_phones_are_masked(self, formatter, secret):
        line = formatter.format(record("about %s", secret))
        assert ("•••" in line, secret in line) == (True, False)

    @pytest.mark.parametrize(
        "text",
        ["order 122225", "2026-12-01 11:40:26", "1764588000.12", "71234567-8901-4234-9234-567890123456", "17 000 ₸"],
    )
    def test_ids_times_and_sums_stay(self, text):
        assert LineFormatter("%(message)s").format(record(text)) == text
