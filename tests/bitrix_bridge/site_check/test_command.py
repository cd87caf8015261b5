"""`manage.py check_site`: what it says before it starts, what it asks, how it ends."""

import builtins
import io
import json
import signal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bitrix_bridge.management.commands import check_site
from bitrix_bridge.models import Push, WebhookEvent
from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_check import arrival
from bitrix_bridge.site_check.steps import STEPS, WHO
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
        monkeypatch.setattr(arrival, "_events", lambda *_: ("order.create", "order.delete"))


@pytest.fixture
def run_command():
    """Run the command; return its exit status and what it said."""

    def run(*arguments):
        out, status = io.StringIO(), 0
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
    """Answer its questions; return how many requests the site had got at each of them."""
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
def test_it_says_what_it_will_do_and_to_whom_before_it_sends_anything(site, run_command, answer, agreed):
    seen = answer(agreed)
    status, said = run_command()
    assert (status, seen) == (0, [0])
    plan = said[: said.index("✓")]
    assert site.url.removeprefix("http://") in plan
    assert WHO in plan
    assert site.bridge_url not in said
    assert said.count("✓") == len(STEPS) + 1
    assert site.site.all_orders() == []
    assert site.site.letters == []


@pytest.mark.parametrize("refused", ["", "n", "нет", "no", EOFError(), KeyboardInterrupt()])
def test_without_consent_nothing_is_sent(site, run_command, answer, refused):
    answer(refused)
    status, said = run_command()
    assert (status, actions(site)) == (2, [])
    assert "✓" not in said


def test_yes_asks_nothing(site, run_command, answer):
    seen = answer()
    assert run_command("--yes")[0] == 0
    assert seen == []


def test_differences_end_with_1_and_are_said(site, run_command, spoil):
    spoil("order.get", lambda _, status, said: said.get("order", {}).update(SUM_PAID="0.00"))
    status, said = run_command("--yes")
    assert status == 1
    assert "≠" in said
    assert "SUM_PAID" in said[said.index("≠") :]
    assert "240,00" in said


def test_the_report_is_written_and_its_place_is_said(site, run_command, tmp_path):
    path = tmp_path / "check.txt"
    status, said = run_command("--yes", "--report", str(path))
    assert status == 0
    assert str(path) in said
    text = path.read_text(encoding="utf-8")
    assert len(json.loads(text[text.index("\n[") :])) == len(STEPS) + 1


def test_a_report_that_can_not_be_written_is_noticed_before_an_order_is_made(site, run_command, tmp_path):
    status, _said = run_command("--yes", "--report", str(tmp_path / "nowhere" / "check.txt"))
    assert (status, actions(site)) == (2, ["ping"])


def test_a_broken_check_is_reported_too(site, run_command, tmp_path):
    site.faults.give(faults.answer_lost(), action="order.status")
    path = tmp_path / "check.txt"
    status, said = run_command("--yes", "--report", str(path))
    assert status == 2
    assert "–" in said
    text = path.read_text(encoding="utf-8")
    steps = {step["step"]: step for step in json.loads(text[text.index("\n[") :])}
    assert "no_answer" in steps["status"]["calls"][0]
    assert site.site.all_orders() == []


def test_without_an_address(run_command, settings):
    settings.BITRIX_API_URL = ""
    status, said = run_command("--yes")
    assert status == 2
    assert "BITRIX_API_URL" in said


@pytest.mark.parametrize("options", [{"legacy_bridge": True}, {"bridge_version": "1.1"}])
def test_an_endpoint_before_1_2_is_refused_with_what_to_install(run_command, settings, options):
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
        """Two orders that earlier checks have left, among those of people."""
        xml_ids = ("crm-check-1", "bx_1", "crm-check-2", "crm-2")
        return [int(site.place_order(xml_id=xml_id)["ID"]) for xml_id in xml_ids]

    def ids(self, site):
        return [int(order["ID"]) for order in site.site.all_orders()]

    def test_they_are_offered_first(self, site, run_command, answer, earlier):
        answer("y", "y")
        status, said = run_command()
        assert status == 0
        for order_id in (earlier[0], earlier[2]):
            assert str(order_id) in said[: said.index("✓")]
        assert self.ids(site) == [earlier[1], earlier[3]]

    def test_they_stay_when_it_is_not_agreed_to(self, site, run_command, answer, earlier):
        answer("y", "n")
        assert run_command()[0] == 0
        assert self.ids(site) == earlier

    def test_yes_is_meant_for_them_too(self, site, run_command, earlier):
        assert run_command("--yes")[0] == 0
        assert self.ids(site) == [earlier[1], earlier[3]]

    def test_a_list_that_is_not_given_does_not_keep_the_check_from_starting(self, site, run_command):
        site.faults.give(faults.status(500), action="order.list")
        status, said = run_command("--yes")
        assert status == 0
        assert "injected" in said[: said.index("✓")]

    def test_one_that_can_not_be_deleted_is_said(self, site, run_command, earlier):
        site.faults.give(faults.status(500), times=3, action="order.delete")
        _status, said = run_command("--yes")
        assert "injected" in said[: said.index("✓")]
        assert self.ids(site) == [earlier[0], earlier[1], earlier[3]]


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
@pytest.mark.parametrize("step", ["reference", "create", "pay", "cancel"])
def test_ctrl_c_removes_the_order(site, run_command, monkeypatch, numbers, step):
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


def test_no_secret_is_said(site, run_command, settings, spoil, tmp_path):
    settings.BITRIX_API_URL = site.bridge_url + "?key=s3cr3t-in-the-address"
    token = settings.BITRIX_API_TOKEN
    error = {"code": "refused", "message": f"{token} s3cr3t-in-the-address", "step": "x"}
    spoil("order.status", lambda *_: (422, {"success": False, "error": error}))
    spoil("ping", lambda _, status, said: said.update(queue_failed=1, last_error=f"{token} is wrong"))
    path = tmp_path / "check.txt"
    status, said = run_command("--yes", "--report", str(path))
    assert status == 1
    for text in (said, path.read_text(encoding="utf-8")):
        assert token not in text
        assert "s3cr3t" not in text


@pytest.mark.django_db(transaction=True)
def test_the_site_and_the_crm_over_http(live_server, settings, run_command, monkeypatch):
    """Both ways: the order's webhooks arrive here, are ignored, and leave nothing but themselves."""
    monkeypatch.setattr(arrival, "WAIT_SECONDS", 20.0)
    options = {"webhook_url": f"{live_server.url}/webhooks/bitrix/order", "webhook_token": settings.WEBHOOK_TOKENS[0]}
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, **options) as site:
        settings.BITRIX_API_URL = site.bridge_url
        with CaptureQueriesContext(connection) as queries:
            status, said = run_command("--yes")
        assert status == 0, said
        assert "order.create × 1" in said
        assert "order.delete × 1" in said
        site.flush()
    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}, "the check itself writes nothing"
    assert set(WebhookEvent.objects.values_list("action", flat=True)) == {"ignored"}
    for model in (Order, Push, TelegramMessage):
        assert not model.objects.exists(), model
