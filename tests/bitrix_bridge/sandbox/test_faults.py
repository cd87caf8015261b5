"""Tests of the faults of the HTTP responses, as the client receives them."""

from __future__ import annotations

import threading
import time

import pytest
import requests

from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.sandbox import faults as make


def test_slow_fault_delays_the_answer(sandbox, call_bridge):
    sandbox.faults.give(make.slow(0.2))
    started = time.monotonic()
    assert call_bridge("ping").status_code == 200
    assert time.monotonic() - started >= 0.2


def test_silent_fault_never_answers(sandbox, call_bridge, create_request):
    sandbox.faults.give(make.silent())
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            sandbox.bridge_url, json=create_request, headers={"X-API-TOKEN": sandbox.api_token}, timeout=(30, 0.1)
        )
    assert sandbox.site.latest() == []
    assert call_bridge("ping").status_code == 200


def test_stop_ends_a_silent_request():
    with Sandbox() as sandbox:
        sandbox.faults.give(make.silent())
        session = requests.Session()
        request = requests.Request("POST", sandbox.bridge_url, json={}, headers={"X-API-TOKEN": sandbox.api_token})
        prepared = request.prepare()
        stopper = threading.Timer(0.1, sandbox.stop)
        stopper.start()
        with session, pytest.raises(requests.ConnectionError):
            session.send(prepared, timeout=30)
        stopper.join()


@pytest.mark.parametrize("code", [400, 401, 404, 409, 422, 429, 500, 502, 503])
def test_status_fault_answers_with_its_http_status(sandbox, call_bridge, code, create_request):
    sandbox.faults.give(make.status(code, retry_after=7))
    answer = call_bridge("order.create", **create_request)
    assert (answer.status_code, answer.headers["Retry-After"]) == (code, "7")
    assert answer.json()["error"]["code"] == "injected"
    assert sandbox.site.latest() == []


def test_html_redirect_and_garbage_faults_answer_without_json(sandbox, call_bridge):
    for fault in (make.html(), make.redirect("https://elsewhere.example/auth/"), make.garbage()):
        sandbox.faults.give(fault)
    page, elsewhere, garbage = call_bridge("ping"), call_bridge("ping"), call_bridge("ping")
    assert page.status_code == 200
    assert "text/html" in page.headers["Content-Type"]
    assert page.text.startswith("<!DOCTYPE html>")
    assert (elsewhere.status_code, elsewhere.headers["Location"]) == (302, "https://elsewhere.example/auth/")
    assert garbage.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        garbage.json()


def test_success_false_fault_answers_with_200(sandbox, call_bridge):
    sandbox.faults.give(make.success_false_200('Ошибка "корзины"'))
    answer = call_bridge("ping")
    assert answer.status_code == 200
    assert answer.json() == {"success": False, "error": 'Ошибка "корзины"'}


def test_answer_lost_fault_drops_the_connection_after_the_work(sandbox, call_bridge, create_request):
    sandbox.faults.give(make.answer_lost())
    with pytest.raises(requests.ConnectionError):
        call_bridge("order.create", xml_id="crm-1", **create_request)
    again = call_bridge("order.create", xml_id="crm-1", **create_request).json()
    assert again["created"] is False
    assert sandbox.site.writes == 1
    assert [entry["status"] for entry in sandbox.site.requests] == [None, 200]


def test_fault_is_used_once_by_a_request_of_its_action(sandbox, call_bridge, create_request):
    sandbox.faults.give(make.status(500), times=2, action="order.create")
    assert call_bridge("ping").status_code == 200
    assert call_bridge(**create_request).status_code == 500, "a request without an action is a create"
    assert call_bridge("order.create", **create_request).status_code == 500
    assert sandbox.faults.waiting() == 0
    assert call_bridge("order.create", **create_request).status_code == 200


def test_faults_affect_rest_but_not_the_page(sandbox):
    sandbox.faults.give(make.status(503), action="sale.order.list")
    assert requests.get(sandbox.url + "/", timeout=30).status_code == 200
    assert requests.get(sandbox.rest_url + "sale.order.list", timeout=30).status_code == 503
    assert requests.get(sandbox.rest_url + "sale.order.list", timeout=30).status_code == 200


def test_clear_removes_queued_faults(sandbox, call_bridge):
    sandbox.faults.give(make.status(500), times=3)
    sandbox.faults.clear()
    assert call_bridge("ping").status_code == 200


def test_stop_closes_kept_alive_connections():
    with Sandbox() as sandbox, requests.Session() as session:
        assert session.get(sandbox.url + "/", timeout=30).status_code == 200
        sandbox.stop()
        with pytest.raises(requests.ConnectionError):
            session.get(sandbox.url + "/", timeout=30)
