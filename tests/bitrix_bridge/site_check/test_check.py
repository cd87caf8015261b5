"""Tests of the whole site check, interrupted at every step: it leaves no order and changes no other order."""

import pytest

from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_check import cleanup, webhook_arrival
from bitrix_bridge.site_check.calls import CHANGING, NotOwnOrderError, SiteBridge
from bitrix_bridge.site_check.check import (
    AS_EXPECTED,
    DIFFERENCES,
    NOT_DONE,
    Outcome,
    UnusableSiteError,
    require_bridge,
    run_check,
)
from bitrix_bridge.site_check.step_runner import Mark
from bitrix_bridge.site_check.steps import STEPS


@pytest.fixture
def check(site, monkeypatch):
    """Return a function that checks the site and returns the outcome. All webhooks count as received."""
    monkeypatch.setattr(webhook_arrival, "_events", lambda *_: ("order.create", "order.delete"))

    def check(**options):
        outcome = Outcome("1.2")
        run_check(SiteBridge(), outcome, sleep=lambda _seconds: None, **options)
        return outcome

    return check


@pytest.fixture
def others(site):
    """Yield three orders of customers, and check at the end that the site check has not changed them."""
    placed = [site.place_order() for _ in range(3)]
    yield placed
    assert [site.site.order(int(order["ID"])) for order in placed] == placed
    own = {entry["body"].get("order_id") for entry in site.site.requests if entry["action"] in CHANGING}
    assert own.isdisjoint(int(order["ID"]) for order in placed)


def left(site, others):
    return [order["ID"] for order in site.site.all_orders() if order not in others]


def test_check_of_a_sandbox_is_as_expected(check, site, others):
    outcome = check()
    assert (outcome.exit_status, outcome.problem, outcome.leftover) == (AS_EXPECTED, "", None)
    assert [one.key for one in outcome.results] == [*(step.key for step in STEPS), "webhooks"]
    assert left(site, others) == []


def test_difference_sets_the_exit_status(check, alter, others):
    alter("order.status", lambda _, status, said: said.update(version=99))
    assert check().exit_status == DIFFERENCES


def test_impossible_step_sets_the_exit_status(check, alter, others):
    alter("reference", lambda _, status, said: said.update(statuses=[{"id": "N", "name": "N", "sort": 1}]))
    outcome = check()
    assert (outcome.exit_status, outcome.count(Mark.NOT_DONE)) == (DIFFERENCES, 4)


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_order_is_deleted_when_the_check_stops_before_a_step(check, site, others, number):
    asked = iter(range(100))

    def stop():
        if next(asked) == number:
            raise KeyboardInterrupt

    outcome = check(stop_if_requested=stop)
    assert outcome.exit_status == NOT_DONE
    assert outcome.problem
    assert len(outcome.results) == number
    assert left(site, others) == []
    assert outcome.leftover is None


def test_order_is_deleted_when_the_check_stops_within_a_step(check, site, others, monkeypatch):
    from bitrix_bridge.site_check import step_runner

    def failing(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(step_runner, "compare_orders", failing)
    outcome = check()
    assert (outcome.exit_status, outcome.results[-1].key, outcome.results[-1].mark) == (
        NOT_DONE,
        "create",
        Mark.NOT_DONE,
    )
    assert left(site, others) == []


def test_order_is_deleted_after_an_error_of_the_crm(check, site, others, monkeypatch, caplog):
    from bitrix_bridge.site_check import step_runner

    monkeypatch.setattr(step_runner, "compare_orders", lambda *_: 1 / 0)
    outcome = check()
    assert outcome.exit_status == NOT_DONE
    assert "ZeroDivisionError" in outcome.problem
    assert left(site, others) == []


ACTIONS = ["reference", "order.create", "order.get", "order.list", "order.update", "order.status", "order.delete"]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("fault", [faults.silent, faults.answer_lost])
def test_order_is_deleted_after_a_lost_connection(check, site, others, settings, action, fault):
    settings.OUTBOX_TIMEOUT = 2  # seconds; the other requests must not take longer on a busy machine
    site.faults.give(fault(), action=action)
    outcome = check()
    assert outcome.exit_status == NOT_DONE
    assert outcome.problem
    assert left(site, others) == []
    if (action, fault) == ("order.create", faults.silent):
        # The create request may still be running, so the order is reported although its id is not known.
        assert outcome.leftover.order_id is None
        assert outcome.leftover.xml_id == outcome.xml_id
    else:
        assert outcome.leftover is None


def test_unreachable_site_is_reported_with_the_order(check, site, others, settings, replace, changed_bridge):
    settings.OUTBOX_TIMEOUT = 2  # seconds; the requests before it must not take longer on a busy machine

    def away(request):
        site.faults.give(faults.silent(), times=1000)
        return changed_bridge.honest(request)

    replace("order.status", away)
    outcome = check()
    assert outcome.exit_status == NOT_DONE
    assert outcome.problem
    (order_id,) = left(site, others)
    assert (str(outcome.leftover.order_id), outcome.leftover.xml_id) == (order_id, outcome.xml_id)
    site.faults.clear()
    bridge = SiteBridge()
    (found,) = cleanup.leftovers(bridge)
    assert (found.order_id, found.xml_id) == (int(order_id), outcome.xml_id)
    assert cleanup.remove(bridge, found.xml_id, found.order_id) is None
    assert left(site, others) == []


def test_deletion_is_retried_after_a_refusal(check, site, others):
    site.faults.give(faults.status(503), times=2, action="order.delete")
    outcome = check()
    assert (outcome.leftover, left(site, others)) == (None, [])
    assert outcome.exit_status == DIFFERENCES, "one step refused, the run ended"


def test_order_that_can_not_be_deleted_is_reported(check, site, others):
    site.faults.give(faults.status(500), times=10, action="order.delete")
    outcome = check()
    assert outcome.exit_status == NOT_DONE
    assert "injected" in outcome.leftover.why
    assert left(site, others) == [str(outcome.leftover.order_id)]


def test_second_ctrl_c_during_cleanup_reports_the_order(check, site, others, monkeypatch):
    site.faults.give(faults.status(500), times=10, action="order.delete")

    def sleep(_seconds):
        raise KeyboardInterrupt

    outcome = Outcome("1.2")
    run_check(SiteBridge(), outcome, sleep=sleep)
    assert outcome.exit_status == NOT_DONE
    assert left(site, others) == [str(outcome.leftover.order_id)]


def test_order_is_deleted_when_only_the_answer_to_create_failed(check, site, others, replace, changed_bridge):
    def done_and_failed(request):
        changed_bridge.honest(request)
        return 500, {"success": False, "error": {"code": "internal", "message": "", "step": "save"}}

    replace("order.create", done_and_failed, lambda request: True)
    outcome = check()
    assert outcome.exit_status == DIFFERENCES
    assert outcome.results[2].mark is Mark.DIFFERENT
    assert left(site, others) == []


def test_refused_create_needs_no_cleanup(check, site, others, replace):
    error = {"code": "no_person_type", "message": "Нет типа плательщика", "step": "order"}
    replace("order.create", lambda _: (422, {"success": False, "error": error}))
    outcome = check()
    assert outcome.leftover is None
    assert outcome.exit_status == DIFFERENCES
    assert {one.mark for one in outcome.results[3:]} == {Mark.NOT_DONE}
    assert "order.get" not in [entry["action"] for entry in site.site.requests], "there is no order to look up"


class TestAnotherOrder:
    """Tests of a site that responds with a different order than the order of the check."""

    def test_create_that_returns_another_id_ends_the_check(self, check, site, others, alter):
        alter("order.create", lambda _, status, said: said.update(order_id=int(others[0]["ID"])))
        outcome = check()
        assert outcome.exit_status == NOT_DONE
        assert outcome.problem
        assert left(site, others) == [], "the order is found by its XML_ID"

    def test_read_that_returns_another_order_ends_the_check(self, check, site, others, alter):
        def another(_request, _status, said):
            said["order"] = site.site.order(int(others[0]["ID"]))

        alter("order.get", another)
        outcome = check()
        assert outcome.exit_status == NOT_DONE
        assert outcome.leftover.order_id is None, "the order can't be found, and its id is not guessed"

    def test_order_of_the_crm_is_not_taken_for_that_of_a_check(self, check, site, others, alter):
        alter("order.get", lambda _, status, said: said.get("order", {}).update(XML_ID="crm-" + "0" * 8))
        assert check().exit_status == NOT_DONE

    def test_create_without_an_id_ends_the_check(self, check, site, others, alter):
        alter("order.create", lambda _, status, said: said.pop("order_id") and None)
        outcome = check()
        assert outcome.exit_status == NOT_DONE
        assert left(site, others) == []

    @pytest.mark.parametrize("action", sorted(CHANGING))
    def test_changing_request_for_another_order_is_not_sent(self, site, others, action):
        with pytest.raises(NotOwnOrderError):
            SiteBridge().send({"action": action, "order_id": int(others[0]["ID"])})
        assert len(site.site.requests) == 0

    def test_leftovers_contain_only_orders_of_checks(self, site, others):
        site.place_order(xml_id="crm-check-1")
        site.place_order(xml_id="crm-checked")
        bridge = SiteBridge()
        assert [one.xml_id for one in cleanup.leftovers(bridge)] == ["crm-check-1"]
        assert list(bridge.own.values()) == ["crm-check-1"]
        assert bridge.calls == [], "orders of customers are not in the report"


def test_leftovers_are_read_page_by_page(site, monkeypatch):
    monkeypatch.setattr(cleanup, "PAGE", 2)
    ids = [int(site.place_order(xml_id=xml_id)["ID"]) for xml_id in ("a", "crm-check-1", "b", "c", "crm-check-2")]
    assert [one.order_id for one in cleanup.leftovers(SiteBridge())] == [ids[1], ids[4]]


def test_list_that_repeats_its_page_ends(site, alter):
    site.place_order()
    alter("order.list", lambda _, status, said: said.update(next_after_id=1))
    assert cleanup.leftovers(SiteBridge()) == []


@pytest.mark.parametrize("options", [{"legacy_bridge": True}, {"bridge_version": "1.1"}])
def test_endpoint_before_1_2_is_not_checked(settings, options):
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, **options) as old:
        settings.BITRIX_API_URL = old.bridge_url
        with pytest.raises(UnusableSiteError, match="bitrix_bridge/php"):
            require_bridge()
        assert [entry["action"] for entry in old.site.requests] == ["ping"]
        assert old.site.all_orders() == []


@pytest.mark.parametrize(("version", "is_good"), [("1.2", True), ("1.10", True), ("2.0", True), ("1.2.1", True)])
def test_bridge_of_1_2_or_newer_is_checked(site, alter, version, is_good):
    alter("ping", lambda _, status, said: said["versions"].update(bridge=version))
    assert require_bridge() == version


@pytest.mark.parametrize("version", ["1.1", "0.9", "", None, "x", 12])
def test_bridge_with_an_invalid_version_is_not_checked(site, alter, version):
    alter("ping", lambda _, status, said: said["versions"].update(bridge=version))
    with pytest.raises(UnusableSiteError):
        require_bridge()


@pytest.mark.parametrize("fault", [faults.html(), faults.redirect(), faults.status(500), faults.status(401)])
def test_unreachable_site_is_not_checked(site, fault):
    site.faults.give(fault)
    with pytest.raises(UnusableSiteError):
        require_bridge()


class TestWebhooks:
    @pytest.mark.parametrize("events", [(), ("order.create",)])
    def test_missing_webhooks_are_a_difference(self, check, alter, monkeypatch, events):
        monkeypatch.setattr(webhook_arrival, "_events", lambda *_: events)
        alter("ping", lambda _, status, said: said.update(last_error="order.create 5: HTTP 401"))
        outcome = check()
        assert outcome.exit_status == DIFFERENCES
        (one,) = outcome.results[-1].differences
        assert one.kind == ("no_last_webhook" if events else "no_webhook")
        assert "HTTP 401" in one.message

    def test_unreadable_database_skips_the_webhooks(self, check, monkeypatch):
        from django.db import OperationalError

        def away(*_):
            raise OperationalError

        monkeypatch.setattr(webhook_arrival, "_events", away)
        outcome = check()
        assert (outcome.results[-1].mark, outcome.exit_status) == (Mark.NOT_DONE, DIFFERENCES)

    def test_site_without_webhooks_skips_the_webhooks(self, check, alter):
        alter("ping", lambda _, status, said: said.update(webhook_installed=False))
        outcome = check()
        assert outcome.results[-1].mark is Mark.NOT_DONE
        assert outcome.results[-1].reason

    def test_check_waits_for_the_last_webhook(self, site, monkeypatch):
        monkeypatch.setattr(webhook_arrival, "WAIT_SECONDS", 5.0)
        answers = iter([(), ("order.create",), ("order.create", "order.delete")])
        monkeypatch.setattr(webhook_arrival, "_events", lambda *_: next(answers))
        slept = []
        arrived = webhook_arrival.wait_for_events(5, "crm-check-1", sleep=slept.append)
        assert arrived.is_complete
        assert len(slept) == 2
