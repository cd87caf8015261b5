"""The whole check, broken off at every place: no order stays, no other order is touched."""

import pytest

from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_check import arrival, cleanup
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
from bitrix_bridge.site_check.steps import STEPS
from bitrix_bridge.site_check.walk import Mark


@pytest.fixture
def check(site, monkeypatch):
    """Check the site; return the outcome. The webhooks are said to have arrived."""
    monkeypatch.setattr(arrival, "_events", lambda *_: ("order.create", "order.delete"))

    def check(**options):
        outcome = Outcome("1.2")
        run_check(SiteBridge(), outcome, sleep=lambda _seconds: None, **options)
        return outcome

    return check


@pytest.fixture
def others(site):
    """Orders of people, which have to stay as they are."""
    placed = [site.place_order() for _ in range(3)]
    yield placed
    assert [site.site.order(int(order["ID"])) for order in placed] == placed
    own = {entry["body"].get("order_id") for entry in site.site.requests if entry["action"] in CHANGING}
    assert own.isdisjoint(int(order["ID"]) for order in placed)


def left(site, others):
    return [order["ID"] for order in site.site.all_orders() if order not in others]


def test_everything_is_as_expected(check, site, others):
    outcome = check()
    assert (outcome.exit_status, outcome.problem, outcome.leftover) == (AS_EXPECTED, "", None)
    assert [one.key for one in outcome.results] == [*(step.key for step in STEPS), "webhooks"]
    assert left(site, others) == []


def test_a_difference_is_one(check, spoil, others):
    spoil("order.status", lambda _, status, said: said.update(version=99))
    assert check().exit_status == DIFFERENCES


def test_a_step_that_is_not_possible_is_not_as_expected(check, spoil, others):
    spoil("reference", lambda _, status, said: said.update(statuses=[{"id": "N", "name": "N", "sort": 1}]))
    outcome = check()
    assert (outcome.exit_status, outcome.count(Mark.NOT_DONE)) == (DIFFERENCES, 4)


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_stopped_before_any_step_the_order_is_deleted(check, site, others, number):
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


def test_stopped_within_a_step_the_order_is_deleted(check, site, others, monkeypatch):
    from bitrix_bridge.site_check import walk

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(walk, "compare_orders", broken)
    outcome = check()
    assert (outcome.exit_status, outcome.results[-1].key, outcome.results[-1].mark) == (
        NOT_DONE,
        "create",
        Mark.NOT_DONE,
    )
    assert left(site, others) == []


def test_a_mistake_of_ours_deletes_the_order_too(check, site, others, monkeypatch, caplog):
    from bitrix_bridge.site_check import walk

    monkeypatch.setattr(walk, "compare_orders", lambda *_: 1 / 0)
    outcome = check()
    assert outcome.exit_status == NOT_DONE
    assert "ZeroDivisionError" in outcome.problem
    assert left(site, others) == []


ACTIONS = ["reference", "order.create", "order.get", "order.list", "order.update", "order.status", "order.delete"]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("fault", [faults.silent, faults.answer_lost])
def test_a_broken_connection_leaves_nothing(check, site, others, settings, action, fault):
    settings.OUTBOX_TIMEOUT = 0.5
    site.faults.give(fault(), action=action)
    outcome = check()
    assert outcome.exit_status == NOT_DONE
    assert outcome.problem
    assert left(site, others) == []
    if (action, fault) == ("order.create", faults.silent):
        # It may only be slow: this is reported, since there is nothing that could be deleted.
        assert outcome.leftover.order_id is None
        assert outcome.leftover.xml_id == outcome.xml_id
    else:
        assert outcome.leftover is None


def test_a_site_that_goes_away_for_good_is_said_with_the_order(check, site, others, settings, replace, spoiled):
    settings.OUTBOX_TIMEOUT = 0.3

    def away(request):
        site.faults.give(faults.silent(), times=1000)
        return spoiled.honest(request)

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


def test_a_deletion_that_the_site_refuses_once_is_tried_again(check, site, others):
    site.faults.give(faults.status(503), times=2, action="order.delete")
    outcome = check()
    assert (outcome.leftover, left(site, others)) == (None, [])
    assert outcome.exit_status == DIFFERENCES, "one step refused, the walk ended"


def test_a_deletion_that_the_site_refuses_for_good(check, site, others):
    site.faults.give(faults.status(500), times=10, action="order.delete")
    outcome = check()
    assert outcome.exit_status == NOT_DONE
    assert "injected" in outcome.leftover.why
    assert left(site, others) == [str(outcome.leftover.order_id)]


def test_a_second_ctrl_c_while_it_cleans_up(check, site, others, monkeypatch):
    site.faults.give(faults.status(500), times=10, action="order.delete")

    def sleep(_seconds):
        raise KeyboardInterrupt

    outcome = Outcome("1.2")
    run_check(SiteBridge(), outcome, sleep=sleep)
    assert outcome.exit_status == NOT_DONE
    assert left(site, others) == [str(outcome.leftover.order_id)]


def test_a_create_of_which_only_the_answer_failed(check, site, others, replace, spoiled):
    def done_and_failed(request):
        spoiled.honest(request)
        return 500, {"success": False, "error": {"code": "internal", "message": "", "step": "save"}}

    replace("order.create", done_and_failed, lambda request: True)
    outcome = check()
    assert outcome.exit_status == DIFFERENCES
    assert outcome.results[2].mark is Mark.DIFFERENT
    assert left(site, others) == []


def test_a_create_that_is_refused_leaves_nothing_to_clean_up(check, site, others, replace):
    error = {"code": "no_person_type", "message": "Нет типа плательщика", "step": "order"}
    replace("order.create", lambda _: (422, {"success": False, "error": error}))
    outcome = check()
    assert outcome.leftover is None
    assert outcome.exit_status == DIFFERENCES
    assert {one.mark for one in outcome.results[3:]} == {Mark.NOT_DONE}
    assert "order.get" not in [entry["action"] for entry in site.site.requests], "there is nothing to look for"


class TestAnotherOrder:
    """A site that answers with another order than the check's own."""

    def test_the_create_names_it(self, check, site, others, spoil):
        spoil("order.create", lambda _, status, said: said.update(order_id=int(others[0]["ID"])))
        outcome = check()
        assert outcome.exit_status == NOT_DONE
        assert outcome.problem
        assert left(site, others) == [], "its own is found by its XML_ID"

    def test_a_read_shows_it(self, check, site, others, spoil):
        def another(_request, _status, said):
            said["order"] = site.site.order(int(others[0]["ID"]))

        spoil("order.get", another)
        outcome = check()
        assert outcome.exit_status == NOT_DONE
        assert outcome.leftover.order_id is None, "its own can't be found, and is not guessed"

    def test_one_of_the_crm_is_none_of_a_check(self, check, site, others, spoil):
        spoil("order.get", lambda _, status, said: said.get("order", {}).update(XML_ID="crm-" + "0" * 8))
        assert check().exit_status == NOT_DONE

    def test_the_create_says_no_id(self, check, site, others, spoil):
        spoil("order.create", lambda _, status, said: said.pop("order_id") and None)
        outcome = check()
        assert outcome.exit_status == NOT_DONE
        assert left(site, others) == []

    @pytest.mark.parametrize("action", sorted(CHANGING))
    def test_no_request_leaves_for_it(self, site, others, action):
        with pytest.raises(NotOwnOrderError):
            SiteBridge().send({"action": action, "order_id": int(others[0]["ID"])})
        assert len(site.site.requests) == 0

    def test_the_list_shows_it_among_those_of_checks(self, site, others):
        site.place_order(xml_id="crm-check-1")
        site.place_order(xml_id="crm-checked")
        bridge = SiteBridge()
        assert [one.xml_id for one in cleanup.leftovers(bridge)] == ["crm-check-1"]
        assert list(bridge.own.values()) == ["crm-check-1"]
        assert bridge.calls == [], "orders of people are no part of the report"


def test_leftovers_are_looked_for_page_by_page(site, monkeypatch):
    monkeypatch.setattr(cleanup, "PAGE", 2)
    ids = [int(site.place_order(xml_id=xml_id)["ID"]) for xml_id in ("a", "crm-check-1", "b", "c", "crm-check-2")]
    assert [one.order_id for one in cleanup.leftovers(SiteBridge())] == [ids[1], ids[4]]


def test_a_list_that_goes_in_a_circle_ends(site, spoil):
    site.place_order()
    spoil("order.list", lambda _, status, said: said.update(next_after_id=1))
    assert cleanup.leftovers(SiteBridge()) == []


@pytest.mark.parametrize("options", [{"legacy_bridge": True}, {"bridge_version": "1.1"}])
def test_an_endpoint_before_1_2_is_not_checked(settings, options):
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, **options) as old:
        settings.BITRIX_API_URL = old.bridge_url
        with pytest.raises(UnusableSiteError, match="bitrix_bridge/php"):
            require_bridge()
        assert [entry["action"] for entry in old.site.requests] == ["ping"]
        assert old.site.all_orders() == []


@pytest.mark.parametrize(("version", "is_good"), [("1.2", True), ("1.10", True), ("2.0", True), ("1.2.1", True)])
def test_newer_ones_are(site, spoil, version, is_good):
    spoil("ping", lambda _, status, said: said["versions"].update(bridge=version))
    assert require_bridge() == version


@pytest.mark.parametrize("version", ["1.1", "0.9", "", None, "x", 12])
def test_odd_versions_are_not(site, spoil, version):
    spoil("ping", lambda _, status, said: said["versions"].update(bridge=version))
    with pytest.raises(UnusableSiteError):
        require_bridge()


@pytest.mark.parametrize("fault", [faults.html(), faults.redirect(), faults.status(500), faults.status(401)])
def test_a_site_that_can_not_be_reached(site, fault):
    site.faults.give(fault)
    with pytest.raises(UnusableSiteError):
        require_bridge()


class TestWayBack:
    @pytest.mark.parametrize("events", [(), ("order.create",)])
    def test_webhooks_that_do_not_come(self, check, spoil, monkeypatch, events):
        monkeypatch.setattr(arrival, "_events", lambda *_: events)
        spoil("ping", lambda _, status, said: said.update(last_error="order.create 5: HTTP 401"))
        outcome = check()
        assert outcome.exit_status == DIFFERENCES
        (one,) = outcome.results[-1].differences
        assert one.kind == ("no_last_webhook" if events else "no_webhook")
        assert "HTTP 401" in one.said

    def test_a_database_that_is_away(self, check, monkeypatch):
        from django.db import OperationalError

        def away(*_):
            raise OperationalError

        monkeypatch.setattr(arrival, "_events", away)
        outcome = check()
        assert (outcome.results[-1].mark, outcome.exit_status) == (Mark.NOT_DONE, DIFFERENCES)

    def test_a_site_that_sends_none(self, check, spoil):
        spoil("ping", lambda _, status, said: said.update(webhook_installed=False))
        outcome = check()
        assert outcome.results[-1].mark is Mark.NOT_DONE
        assert outcome.results[-1].reason

    def test_it_is_waited_for(self, site, monkeypatch):
        monkeypatch.setattr(arrival, "WAIT_SECONDS", 5.0)
        answers = iter([(), ("order.create",), ("order.create", "order.delete")])
        monkeypatch.setattr(arrival, "_events", lambda *_: next(answers))
        slept = []
        arrived = arrival.wait_for_events(5, "crm-check-1", sleep=slept.append)
        assert arrived.is_complete
        assert len(slept) == 2
