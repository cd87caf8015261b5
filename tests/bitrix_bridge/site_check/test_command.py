"""Tests of `manage.py check_site`: its plan, its questions and its exit status."""

import builtins
import io
import json
import signal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bitrix_bridge.management.commands import check_site
from bitrix_bridge.models import Push, WebhookEvent
from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_check import webhook_arrival
from bitrix_bridge.site_check.steps import ORDER_TEXT, STEPS
from notifications.models import TelegramMessage
from orders.models import Order


@pytest.fixture(autouse=True)
def _signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _arrived(request, monkeypatch):
    if "live_server" not in request.fixturenames:
        monkeypatch.setattr(webhook_arrival, "_events", lambda *_: ("order.create", "order.delete"))


@pytest.fixture
def run_command():
    """Return a function that runs the command and returns its exit status and its output."""

    def run(*arguments):
        out = io.StringIO()
        status: Any = 0
        try:
            call_command("check_site", *arguments, stdout=out, stderr=out, no_color=True)
        except SystemExit as end:
            status = end.code
        except CommandError as error:
            status = error.returncode
            out.write(str(error))
        return status, out.getvalue()

    return run


@pytest.fixture
def answer(monkeypatch, site):
    """Return a function that sets the answers to the questions.

    The list that it returns contains, for each question, how many requests were sent before.
    """
    seen = []

    def answer(*answers):
        waiting = list(answers)

        def read():
            seen.append(len(site.site.requests))
            said = waiting.pop(0)
            if isinstance(said, BaseException):
                raise said
            return said

        monkeypatch.setattr(builtins, "input", read)
        return seen

    return answer


def actions(site):
    return [entry["action"] for entry in site.site.requests]


@pytest.mark.parametrize("agreed", ["y", "Y", "yes", " да "])
def test_plan_is_printed_before_any_request_is_sent(site, run_command, answer, agreed):
    seen = answer(agreed)
    status, said = run_command()
    assert (status, seen) == (0, [0])
    plan = said[: said.index("✓")]
    assert site.url.removeprefix("http://") in plan
    assert ORDER_TEXT in plan
    assert site.bridge_url not in said
    assert said.count("✓") == len(STEPS) + 1
    assert site.site.all_orders() == []
    assert site.site.mails == []


@pytest.mark.parametrize("refused", ["", "n", "нет", "no", EOFError(), KeyboardInterrupt()])
def test_nothing_is_sent_without_confirmation(site, run_command, answer, refused):
    answer(refused)
    status, said = run_command()
    assert (status, actions(site)) == (2, [])
    assert "✓" not in said


def test_yes_option_asks_no_questions(site, run_command, answer):
    seen = answer()
    assert run_command("--yes")[0] == 0
    assert seen == []


def test_differences_are_printed_and_exit_with_1(site, run_command, alter):
    alter("order.get", lambda _, status, said: said.get("order", {}).update(SUM_PAID="0.00"))
    status, said = run_command("--yes")
    assert status == 1
    assert "≠" in said
    assert "SUM_PAID" in said[said.index("≠") :]
    assert "240,00" in said


def test_report_is_written_and_its_path_printed(site, run_command, tmp_path):
    path = tmp_path / "check.txt"
    status, said = run_command("--yes", "--report", str(path))
    assert status == 0
    assert str(path) in said
    text = path.read_text(encoding="utf-8")
    assert len(json.loads(text[text.index("\n[") :])) == len(STEPS) + 1


def test_unwritable_report_is_refused_before_the_check(site, run_command, tmp_path):
    status, _said = run_command("--yes", "--report", str(tmp_path / "nowhere" / "check.txt"))
    assert (status, actions(site)) == (2, ["ping"])


def test_report_of_an_interrupted_check_is_written(site, run_command, tmp_path):
    site.faults.give(faults.answer_lost(), action="order.status")
    path = tmp_path / "check.txt"
    status, said = run_command("--yes", "--report", str(path))
    assert status == 2
    assert "–" in said
    text = path.read_text(encoding="utf-8")
    steps = {step["step"]: step for step in json.loads(text[text.index("\n[") :])}
    assert "no_answer" in steps["status"]["calls"][0]
    assert site.site.all_orders() == []


def test_command_without_an_address_is_refused(run_command, settings):
    settings.BITRIX_API_URL = ""
    status, said = run_command("--yes")
    assert status == 2
    assert "BITRIX_API_URL" in said


@pytest.mark.parametrize("options", [{"legacy_bridge": True}, {"bridge_version": "1.1"}])
def test_endpoint_before_1_2_is_refused_with_instructions(run_command, settings, options):
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, **options) as old:
        settings.BITRIX_API_URL = old.bridge_url
        status, said = run_command("--yes")
        assert status == 2
        assert "bitrix_bridge/php" in said
        assert actions(old) == ["ping"]
        assert old.site.all_orders() == []


class TestLeftovers:
    @pytest.fixture
    def earlier(self, site):
        """Return the ids of two orders that earlier checks have left, and of two orders of customers."""
        xml_ids = ("crm-check-1", "bx_1", "crm-check-2", "crm-2")
        return [int(site.place_order(xml_id=xml_id)["ID"]) for xml_id in xml_ids]

    def ids(self, site):
        return [int(order["ID"]) for order in site.site.all_orders()]

    def test_leftovers_are_offered_for_deletion_first(self, site, run_command, answer, earlier):
        answer("y", "y")
        status, said = run_command()
        assert status == 0
        for order_id in (earlier[0], earlier[2]):
            assert str(order_id) in said[: said.index("✓")]
        assert self.ids(site) == [earlier[1], earlier[3]]

    def test_leftovers_stay_without_confirmation(self, site, run_command, answer, earlier):
        answer("y", "n")
        assert run_command()[0] == 0
        assert self.ids(site) == earlier

    def test_yes_option_deletes_leftovers(self, site, run_command, earlier):
        assert run_command("--yes")[0] == 0
        assert self.ids(site) == [earlier[1], earlier[3]]

    def test_check_starts_though_the_list_is_refused(self, site, run_command):
        site.faults.give(faults.status(500), action="order.list")
        status, said = run_command("--yes")
        assert status == 0
        assert "injected" in said[: said.index("✓")]

    def test_leftover_that_can_not_be_deleted_is_printed(self, site, run_command, earlier):
        site.faults.give(faults.status(500), times=3, action="order.delete")
        _status, said = run_command("--yes")
        assert "injected" in said[: said.index("✓")]
        assert self.ids(site) == [earlier[0], earlier[1], earlier[3]]


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
@pytest.mark.parametrize("step", ["reference", "create", "pay", "cancel"])
def test_ctrl_c_deletes_the_order(site, run_command, monkeypatch, numbers, step):
    show = check_site.Command._show

    def interrupt(self, result):
        show(self, result)
        if result.key == step:
            for number in numbers:
                signal.raise_signal(number)

    monkeypatch.setattr(check_site.Command, "_show", interrupt)
    status, said = run_command("--yes")
    assert status == 2
    assert "Traceback" not in said
    assert site.site.all_orders() == []
    assert actions(site)[-1] == ("reference" if step == "reference" else "order.delete")


def test_output_contains_no_secret(site, run_command, settings, alter, tmp_path):
    settings.BITRIX_API_URL = site.bridge_url + "?key=s3cr3t-in-the-address"
    token = settings.BITRIX_API_TOKEN
    error = {"code": "refused", "message": f"{token} s3cr3t-in-the-address", "step": "x"}
    alter("order.status", lambda *_: (422, {"success": False, "error": error}))
    alter("ping", lambda _, status, said: said.update(queue_failed=1, last_error=f"{token} is wrong"))
    path = tmp_path / "check.txt"
    status, said = run_command("--yes", "--report", str(path))
    assert status == 1
    for text in (said, path.read_text(encoding="utf-8")):
        assert token not in text
        assert "s3cr3t" not in text


@pytest.mark.django_db(transaction=True)
def test_check_over_http_receives_the_sites_webhooks(live_server, settings, run_command, monkeypatch):
    """The webhooks of the order arrive, are ignored, and create no other rows."""
    monkeypatch.setattr(webhook_arrival, "WAIT_SECONDS", 20.0)
    options = {"webhook_url": f"{live_server.url}/webhooks/bitrix/order", "webhook_token": settings.WEBHOOK_TOKENS[0]}
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, **options) as site:
        settings.BITRIX_API_URL = site.bridge_url
        with CaptureQueriesContext(connection) as queries:
            status, said = run_command("--yes")
        assert status == 0, said
        assert "order.create × 1" in said
        assert "order.delete × 1" in said
        site.flush()
    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}, "the check itself writes no rows"
    assert set(WebhookEvent.objects.values_list("action", flat=True)) == {"ignored"}
    for model in (Order, Push, TelegramMessage):
        assert not model.objects.exists(), model
