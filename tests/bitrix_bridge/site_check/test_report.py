"""Tests of the report file: it is complete, and it contains no secrets, addresses and personal data."""

import json

import pytest

from bitrix_bridge.site_check import webhook_arrival
from bitrix_bridge.site_check.calls import SiteBridge
from bitrix_bridge.site_check.check import Outcome, run_check
from bitrix_bridge.site_check.cleanup import Leftover
from bitrix_bridge.site_check.masking import mask_answer, mask_text
from bitrix_bridge.site_check.report import closing_lines, file_text, leftover_lines, step_line
from bitrix_bridge.site_check.step_runner import Mark, Result
from bitrix_bridge.site_check.steps import LETTERS, ORDER_TEXT, STEPS, TOO_LONG
from cvety_crm.masking import MASK


@pytest.fixture
def report(site, monkeypatch):
    """Return a function that checks the site and returns the contents of the report file and its parsed JSON."""
    monkeypatch.setattr(webhook_arrival, "_events", lambda *_: ("order.create", "order.delete"))

    def report():
        outcome = Outcome("1.2")
        run_check(SiteBridge(), outcome, sleep=lambda _seconds: None)
        text = file_text(outcome)
        return text, {step["step"]: step for step in json.loads(text[text.index("\n[") :])}

    return report


def test_report_has_the_requests_and_answers_of_each_step(report):
    text, steps = report()
    lines = text.splitlines()
    for step in STEPS:
        assert any(line.startswith(f"✓ {step.title}") for line in lines), step.key
        assert steps[step.key]["calls"][0]["status"] in (200, 404, 409)
    assert steps["create"]["calls"][0]["request"]["comment"] == ORDER_TEXT
    order = steps["letters"]["calls"][1]["answer"]["order"]
    assert order["properties"]["postcardText"] == LETTERS
    assert order["basket"][0]["NAME"] == ORDER_TEXT
    assert steps["too-long"]["calls"][0]["request"]["properties"]["postcardText"] == TOO_LONG
    assert "differences" not in steps["create"]
    assert "expected" not in steps["create"]


def test_report_has_each_difference_with_the_expected_answer(report, alter):
    alter("order.get", lambda _, status, said: said.get("order", {}).update(SUM_PAID="0.00"))
    text, steps = report()
    assert "SUM_PAID" in text[: text.index("\n[")]
    assert steps["pay"]["ended"] == "different"
    assert "240,00" in steps["pay"]["differences"][0]
    assert steps["pay"]["expected"]["success"] is True


def test_report_has_no_secret_or_personal_data(report, settings, alter, site):
    settings.BITRIX_REST_URL = "https://flowers-site.example/rest/1/a1b2c3secret/"
    settings.ALLOWED_HOSTS = ["crm.flowers-shop.example", ".wild.example"]
    token = settings.BITRIX_API_TOKEN
    secrets = [
        token,
        "a1b2c3secret",
        "flowers-site.example",
        "crm.flowers-shop.example",
        "wild.example",
        "aigerim@mail.example",
        "701 123-45-67",
        "7011234567",
        "203.0.113.7",
        "ул. Абая 10",
        "Айгерим",
        "127.0.0.1",
    ]
    leak = (
        f"Unauthorized {token} at https://flowers-site.example/rest/1/a1b2c3secret/x, www.flowers-site.example:8443, "
        "crm.flowers-shop.example, a.wild.example, aigerim@mail.example, +7 (701) 123-45-67, 87011234567, 203.0.113.7"
    )

    def order(_request, _status, said):
        if "order" in said:
            said["order"]["properties"].update(phone="+7 701 123-45-67", email="aigerim@mail.example", fio="Айгерим")
            said["order"]["user"].update(NAME="Айгерим", EMAIL="aigerim@mail.example", PERSONAL_PHONE="87011234567")
            said["order"].update(MARKED="Y", REASON_MARKED=leak)

    alter("order.get", order)
    alter("ping", lambda _, status, said: said.update(queue_failed=1, last_error=leak))
    alter("reference", lambda _, status, said: said.update(shops=[{"id": 1, "name": "ул. Абая 10"}], cities={}))
    error = {"code": "refused", "message": leak, "step": "save"}
    alter("order.status", lambda *_: (422, {"success": False, "error": error}))
    alter("order.update", lambda _, status, said: said.update(warnings=[{"code": "x", "message": leak}]))
    text, steps = report()
    assert [one for one in secrets if one in text] == []
    assert MASK in text
    answer = steps["reference"]["calls"][0]["answer"]
    assert answer["shops"] == {"rows": 1, "columns": ["id", "name"]}
    assert answer["statuses"][0]["name"] == "Новый"
    properties = steps["create"]["calls"][1]["answer"]["order"]["properties"]
    assert (properties["phone"], properties["name"]) == (MASK, ORDER_TEXT)


def test_report_masks_an_order_of_a_customer(report, alter, site):
    other = site.place_order(comment="Секрет")

    def show(_request, _status, said):
        said["order"] = other

    alter("order.get", show)
    text, steps = report()
    assert "Секрет" not in text
    assert other["XML_ID"] not in text
    assert steps["create"]["calls"][1]["answer"] == {"success": True, "order": MASK}


def test_report_masks_a_list_row_of_a_customer(report, alter, site):
    other = site.place_order()

    def show(_request, _status, said):
        said["orders"] = [{"order_id": int(other["ID"]), "xml_id": other["XML_ID"], "price": "9000.0000"}]

    alter("order.list", show)
    text, steps = report()
    assert other["XML_ID"] not in text
    assert steps["list"]["calls"][0]["answer"]["orders"] == [MASK]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29T08:39:54+05:00",
        "crm-check-12345678-1234-4321-9876-123456789012",
        "7 500,00 ₸",
        "25.550.100",
        "122183",
    ],
)
def test_report_keeps_dates_ids_and_sums(text):
    assert mask_text(text) == text


def test_answer_that_is_no_json_object_is_masked_as_text():
    assert mask_answer(["a@b.example", 5, None, True], frozenset()) == [MASK, 5, None, True]
    assert mask_answer({"orders": "x@y.example"}, frozenset()) == {"orders": MASK}


def test_step_line_has_the_duration_or_the_reason():
    assert "412" in step_line(Result("pay", "Оплата", milliseconds=412))
    line = step_line(Result("pay", "Оплата", Mark.NOT_DONE, reason="нет платёжной системы"))
    assert line.startswith("– Оплата")
    assert line.endswith("  нет платёжной системы")


def test_leftover_lines_have_the_id_and_a_masked_reason(settings):
    lines = "\n".join(leftover_lines(Leftover("crm-check-1", 122184, f"no: {settings.BITRIX_API_TOKEN}")))
    assert "122184" in lines
    assert "crm-check-1" in lines
    assert settings.BITRIX_API_TOKEN not in lines
    assert "check_site" in lines
    assert "crm-check-1" in "\n".join(leftover_lines(Leftover("crm-check-1", None, "x")))


def test_summary_has_the_counts_and_the_problem():
    results = [Result("a", "a"), Result("b", "b", Mark.DIFFERENT), Result("c", "c", Mark.NOT_DONE)]
    lines = list(closing_lines(Outcome("1.2", results=results, problem="Оборвано")))
    assert [digit for digit in lines[-2] if digit.isdigit()] == ["1", "1", "1"]
    assert lines[-1] == "Оборвано"
