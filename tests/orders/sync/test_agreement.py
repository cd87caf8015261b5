"""Tests of the agreement of an order: exactly what each method changes in it."""

from datetime import UTC, datetime, timedelta

import pytest

from orders.sync.agreement import MOST_PAST, MOST_WARNINGS, Agreement, Answered, RefusedValue, Request
from orders.sync.site_response import FieldRefusal, SiteWarning
from orders.sync.site_storage import Damaged
from orders.sync.three_way_merge import merge

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)
TOO_LONG = FieldRefusal("property_too_long", "Длинно", is_of_value=True)
BUSY = FieldRefusal("busy", "Занято", is_of_value=False)


def full():
    return Agreement(
        agreed={"comment": "a", "status": "new"},
        sent={"comment": ["b", "c"]},
        unanswered=Request("key", {"comment": "c"}, 4),
        unread=["earlier"],
        refused={"city": RefusedValue(7, "property_unknown_value", "Нет такого")},
        unconfirmed={"comment": "c"},
        damaged={"postcard_text": Damaged("🌷", "?", ("letters",))},
        past_damaged={"comment": [Damaged("🌹", "?", ("letters",))]},
        warnings=[SiteWarning("marked", "Отмечен", "", "comment", "5")],
        site_status="N",
        received_version=5,
        received_updated_at=NOON,
        checksum="abc",
        times_received=9,
        answered=Answered(6, ["comment"]),
        is_unclear=True,
        announced_at=NOON + timedelta(seconds=1),
        status_announced_at=NOON + timedelta(seconds=2),
        status_received_at=NOON + timedelta(seconds=3),
        past_statuses=["paid"],
        answered_at=NOON + timedelta(seconds=4),
        unversioned_at=NOON + timedelta(seconds=5),
    )


class TestColumn:
    def test_json_has_every_field_and_is_read_back(self):
        assert full().as_json() == {
            "agreed": {"comment": "a", "status": "new"},
            "sent": {"comment": ["b", "c"]},
            "unanswered": {"key": "key", "values": {"comment": "c"}, "times_received": 4},
            "unread": ["earlier"],
            "refused": {"city": {"value": 7, "code": "property_unknown_value", "message": "Нет такого"}},
            "unconfirmed": {"comment": "c"},
            "damaged": {"postcard_text": {"ours": "🌷", "theirs": "?", "losses": ["letters"]}},
            "past_damaged": {"comment": [{"ours": "🌹", "theirs": "?", "losses": ["letters"]}]},
            "warnings": [{"code": "marked", "message": "Отмечен", "about": "", "field": "comment", "amount": "5"}],
            "site_status": "N",
            "received_version": 5,
            "received_updated_at": "2026-03-08T12:00:00+00:00",
            "checksum": "abc",
            "times_received": 9,
            "answered": {"version": 6, "names": ["comment"]},
            "is_unclear": True,
            "announced_at": "2026-03-08T12:00:01+00:00",
            "status_announced_at": "2026-03-08T12:00:02+00:00",
            "past_statuses": ["paid"],
            "status_received_at": "2026-03-08T12:00:03+00:00",
            "answered_at": "2026-03-08T12:00:04+00:00",
            "unversioned_at": "2026-03-08T12:00:05+00:00",
        }
        assert Agreement.from_json(full().as_json()) == full()

    def test_new_agreement_is_empty(self):
        assert Agreement().as_json() == {
            "agreed": {},
            "sent": {},
            "unanswered": None,
            "unread": [],
            "refused": {},
            "unconfirmed": {},
            "damaged": {},
            "past_damaged": {},
            "warnings": [],
            "site_status": "",
            "received_version": None,
            "received_updated_at": None,
            "checksum": None,
            "times_received": 0,
            "answered": None,
            "is_unclear": False,
            "announced_at": None,
            "status_announced_at": None,
            "past_statuses": [],
            "status_received_at": None,
            "answered_at": None,
            "unversioned_at": None,
        }
        assert Agreement.from_json({}) == Agreement.from_json(Agreement().as_json()) == Agreement()

    def test_agreement_does_not_share_data_with_its_json(self):
        state = full().as_json()
        other = Agreement.from_json(state)
        other.agreed["comment"] = "z"
        other.sent["comment"].append("z")
        other.past_statuses.append("z")
        assert state == full().as_json()
        assert other.as_json()["sent"]["comment"] is not other.sent["comment"]

    def test_on_returns_agreement_with_these_values(self):
        assert Agreement.on(name="А", sort=5) == Agreement(agreed={"name": "А", "sort": 5})


class TestValue:
    @pytest.mark.parametrize(
        ("name", "empty"), [("comment", ""), ("items", []), ("delivery_fee", "0.00"), ("city", None), ("name", "")]
    )
    def test_value_is_empty_until_site_reports_one(self, name, empty):
        assert Agreement().value(name) == empty
        assert Agreement(agreed={name: "x"}).value(name) == "x"

    def test_has_compares_values_in_form_of_site(self):
        agreement = Agreement(agreed={"payment_status": "pending", "comment": "a"})
        assert agreement.has({"payment_status": "refunded", "comment": "a", "courier_comment": ""})
        assert not agreement.has({"payment_status": "paid", "comment": "a"})
        assert agreement.has({})


class TestSending:
    def test_note_sending_records_each_value_once_and_latest_last(self):
        agreement = Agreement(sent={"comment": ["a", "b"]})
        agreement.note_sending({"comment": "a", "payment_status": "refunded", "city": 2})
        assert agreement.sent == {"comment": ["b", "a"], "payment_status": ["pending"], "city": [2]}

    def test_empty_value_is_not_sent_if_site_does_not_allow_it(self):
        agreement = Agreement()
        agreement.note_sending({"payment_method": "", "comment": ""})
        assert agreement.sent == {"comment": [""]}
        assert agreement.unsent({"payment_method": "", "comment": "x"}) == ["comment"]

    def test_repeated_request_keeps_its_key_and_other_request_gets_new_one(self):
        agreement = Agreement(times_received=3)
        first = agreement.start_request({"comment": "a"})
        assert (first.values, first.times_received, agreement.sent) == ({"comment": "a"}, 3, {"comment": ["a"]})
        agreement.times_received = 4
        assert agreement.start_request({"comment": "a"}) is first is agreement.unanswered
        second = agreement.start_request({"comment": "b"})
        assert second is agreement.unanswered
        assert (second.key != first.key, second.times_received) == (True, 4)
        assert len(second.key) == 36
        assert agreement.unread == [first.key]

    def test_response_is_read_of_each_request_that_is_not_repeated(self):
        agreement = Agreement(unread=["first"], unanswered=Request("second", {"comment": "b"}))
        agreement.forget_request_unless({"comment": "b"})
        assert agreement.unread == ["first"]
        agreement.forget_request_unless({"comment": "c"})
        assert (agreement.unread, agreement.unanswered) == (["first", "second"], None)
        agreement.end_reading("first")
        assert agreement.unread == ["second"]

    def test_request_whose_response_was_read_is_not_repeated(self):
        agreement = Agreement(unanswered=Request("key", {"comment": "b"}))
        agreement.end_reading("other")
        assert agreement.unanswered is not None
        agreement.end_reading("key")
        assert (agreement.unanswered, agreement.unread) == (None, [])

    def test_only_the_latest_keys_are_kept(self):
        agreement = Agreement()
        keys = [agreement.start_request({"comment": f"{number}"}).key for number in range(22)]
        assert agreement.unread == keys[1:21]

    @pytest.mark.parametrize(
        ("ours", "agreed", "is_kept"),
        [
            ({"comment": "b", "city": 2}, {}, True),
            ({"comment": "c", "city": 2}, {}, False),
            ({"city": 3}, {}, False),
            ({}, {}, True),
            ({"comment": "b"}, {"comment": "b"}, True),
            ({"comment": "b"}, {"comment": "b", "city": 2}, False),
        ],
    )
    def test_request_is_forgotten_when_arrived_or_no_longer_desired(self, ours, agreed, is_kept):
        request = Request("key", {"comment": "b", "city": 2})
        agreement = Agreement(agreed=agreed, unanswered=request)
        agreement.forget_request_unless(ours)
        assert agreement.unanswered == (request if is_kept else None)

    def test_request_of_refund_is_forgotten_when_site_has_unpaid(self):
        agreement = Agreement(
            agreed={"payment_status": "pending"}, unanswered=Request("key", {"payment_status": "refunded"})
        )
        agreement.forget_request_unless({})
        agreement.forget_request_unless({})
        assert agreement.unanswered is None

    @pytest.mark.parametrize(
        ("ours", "agreed", "sent", "pending"),
        [
            ("a", "a", [], []),
            ("b", "a", [], ["comment"]),
            ("a", "a", ["a"], []),
            ("a", "a", ["a", "b"], ["comment"]),
            ("b", "a", ["b"], ["comment"]),
        ],
    )
    def test_unsent_names_fields_that_differ_or_may_have_been_overwritten(self, ours, agreed, sent, pending):
        assert Agreement(agreed={"comment": agreed}, sent={"comment": sent}).unsent({"comment": ours}) == pending

    def test_refused_value_is_not_pending_but_another_value_is(self):
        agreement = Agreement(refused={"city": RefusedValue(7, "x", "y")})
        assert agreement.unsent({"city": 7, "shop": 5}) == ["shop"]
        assert agreement.unsent({"city": 8}) == ["city"]


class TestSettle:
    def test_settle_forgets_sent_value_and_earlier_ones(self):
        agreement = Agreement(agreed={"comment": "a"}, sent={"comment": ["b", "c", "d"], "city": [2]})
        agreement.settle({"comment": "c", "payment_status": "refunded"})
        assert agreement.agreed == {"comment": "c", "payment_status": "pending"}
        assert agreement.sent == {"comment": ["d"], "city": [2]}
        agreement.settle({"comment": "x"})
        assert agreement.sent["comment"] == ["d"]
        agreement.settle({"comment": "d"})
        assert agreement.sent == {"city": [2]}

    def test_settle_forgets_refusal_of_value_that_site_has(self):
        refused = {"comment": RefusedValue("b", "x", "y"), "city": RefusedValue(7, "x", "y")}
        agreement = Agreement(refused=dict(refused))
        agreement.settle({"comment": "c", "city": 7})
        assert agreement.refused == {"comment": refused["comment"]}

    def test_settle_adds_replaced_and_sent_statuses_to_past_ones(self):
        agreement = Agreement(agreed={"status": "new"}, sent={"status": ["accepted", "paid", "done"]})
        agreement.settle({"status": "paid"})
        assert (agreement.past_statuses, agreement.sent) == (["new", "accepted", "paid"], {"status": ["done"]})
        assert [agreement.is_past(code) for code in ("new", "accepted", "paid", "done", None)] == [
            True,
            True,
            False,
            False,
            False,
        ]

    def test_settle_of_status_that_was_not_sent_adds_no_past_status(self):
        agreement = Agreement(agreed={"status": "new"}, sent={"status": ["paid"]})
        agreement.settle({"status": "done"})
        assert (agreement.past_statuses, agreement.sent) == ([], {"status": ["paid"]})

    def test_past_statuses_are_unique_and_limited_to_the_latest(self):
        agreement = Agreement(past_statuses=["b", "a", "c"], agreed={"status": "a"}, sent={"status": ["x"]})
        agreement.settle({"status": "x"})
        assert agreement.past_statuses == ["b", "c", "a", "x"]
        agreement = Agreement(past_statuses=list("abcdef"), sent={"status": ["x"]})
        agreement.settle({"status": "x"})
        assert agreement.past_statuses == list("bcdefx")
        assert len(agreement.past_statuses) == MOST_PAST == 6


class TestRefuse:
    def test_refusal_of_value_is_recorded_and_new_only_once(self):
        agreement = Agreement(sent={"comment": ["a", "b"], "city": [2]})
        assert agreement.refuse("comment", "b", TOO_LONG) is True
        assert agreement.sent == {"comment": ["a"], "city": [2]}
        assert agreement.refused == {"comment": RefusedValue("b", "property_too_long", "Длинно")}
        assert agreement.refuse("comment", "b", TOO_LONG) is False
        assert agreement.refuse("comment", "c", TOO_LONG) is True
        assert agreement.refused == {"comment": RefusedValue("c", "property_too_long", "Длинно")}

    def test_value_that_was_never_sent_can_be_refused(self):
        agreement = Agreement()
        agreement.refuse("comment", "b", TOO_LONG)
        assert agreement.sent == {}

    def test_temporary_refusal_is_always_new_and_not_recorded(self):
        agreement = Agreement(sent={"comment": ["b"]})
        assert [agreement.refuse("comment", "b", BUSY) for _ in range(2)] == [True, True]
        assert (agreement.sent, agreement.refused) == ({}, {})

    def test_refusal_records_value_in_form_of_site(self):
        agreement = Agreement(sent={"payment_status": ["pending"]})
        agreement.refuse("payment_status", "refunded", TOO_LONG)
        assert agreement.sent == {}
        assert agreement.refused["payment_status"].value == "pending"
        agreement.forget_refusals_unless({"payment_status": "refunded"})
        assert list(agreement.refused) == ["payment_status"]

    def test_refusal_is_forgotten_when_another_value_is_desired(self):
        refused = {name: RefusedValue("b", "x", "y") for name in ("comment", "courier_comment", "postcard_text")}
        agreement = Agreement(refused=refused)
        agreement.forget_refusals_unless({"comment": "b", "courier_comment": "c"})
        assert list(agreement.refused) == ["comment", "postcard_text"]


class TestWarnings:
    MARKED = SiteWarning("marked", "Отмечен")
    LONG = SiteWarning("no_property", "Нет свойства", "data", "delivery_date")
    MONEY = SiteWarning("inner_account", "На счёт", amount="500")
    TEXT = SiteWarning("", "Что-то не так")

    def test_standing_warning_is_new_only_once(self):
        agreement = Agreement()
        assert agreement.new_warnings([self.MARKED, self.LONG, self.MARKED], ["comment"]) == [self.MARKED, self.LONG]
        assert agreement.warnings == [self.MARKED, self.LONG]
        assert agreement.new_warnings([self.MARKED, self.LONG], ["comment"]) == []
        assert agreement.warnings == [self.MARKED, self.LONG]

    def test_occurrence_is_new_each_time_and_not_stored(self):
        agreement = Agreement()
        assert agreement.new_warnings([self.MONEY], []) == agreement.new_warnings([self.MONEY], []) == [self.MONEY]
        assert agreement.warnings == []

    @pytest.mark.parametrize(
        ("warning", "requested", "is_left"),
        [
            (MARKED, ["comment"], False),
            (LONG, ["comment"], True),
            (LONG, ["delivery_date"], False),
            (TEXT, ["comment"], True),
        ],
    )
    def test_unrepeated_warning_stays_if_request_was_about_other_field(self, warning, requested, is_left):
        agreement = Agreement(warnings=[warning])
        assert agreement.new_warnings([], requested) == []
        assert agreement.warnings == ([warning] if is_left else [])

    def test_oldest_warning_is_forgotten_above_limit(self):
        many = [SiteWarning("", str(number)) for number in range(MOST_WARNINGS)]
        agreement = Agreement(warnings=many)
        agreement.new_warnings([self.MARKED], [])
        assert MOST_WARNINGS == 50
        assert agreement.warnings == [*many[1:], self.MARKED]

    def test_repeated_warning_moves_to_the_end(self):
        agreement = Agreement(warnings=[self.TEXT, self.LONG])
        assert agreement.new_warnings([self.TEXT], ["comment"]) == []
        assert agreement.warnings == [self.LONG, self.TEXT]


class TestAnswer:
    """Tests of the received version after the response to a push."""

    @pytest.mark.parametrize(
        ("received", "version", "is_unclear", "known"),
        [
            pytest.param(5, 6, False, 6, id="next version"),
            pytest.param(5, 7, False, 5, id="another save in between"),
            pytest.param(5, 5, False, None, id="same version although ours was a change"),
            pytest.param(5, 4, False, None, id="lower version"),
            pytest.param(None, 6, False, None, id="no version was known"),
            pytest.param(5, 6, True, None, id="unclear"),
            pytest.param(5, 7, True, None, id="unclear, later version"),
            pytest.param(5, None, False, 5, id="response without a version"),
        ],
    )
    def test_merge_answer_sets_received_version(self, received, version, is_unclear, known):
        agreement = Agreement(agreed={"comment": "a"}, received_version=received)
        agreement.merge_answer(version, {"comment": "b"}, is_unclear=is_unclear)
        assert (agreement.received_version, agreement.is_unclear) == (known, is_unclear)
        assert (agreement.times_received, agreement.agreed) == (1, {"comment": "b"})

    @pytest.mark.parametrize(("version", "known"), [(5, 5), (6, 6), (4, None), (7, 5)])
    def test_received_version_stays_if_our_values_changed_nothing_there(self, version, known):
        agreement = Agreement(agreed={"comment": "b"}, received_version=5)
        agreement.merge_answer(version, {"comment": "b"}, is_unclear=False)
        assert agreement.received_version == known

    def test_answered_names_set_fields_without_computed_ones(self):
        agreement = Agreement(is_unclear=True, times_received=2)
        values = {"items": [], "comment": "b", "total_amount": "1.00", "discount_amount": "0.00"}
        agreement.merge_answer(6, values, is_unclear=False)
        assert agreement.answered == Answered(6, ["comment", "items"])
        assert (agreement.is_unclear, agreement.times_received) == (True, 3)
        agreement.merge_answer(None, {"comment": "c"}, is_unclear=False)
        assert agreement.answered == Answered(6, ["comment", "items"])

    @pytest.mark.parametrize(
        ("version", "theirs", "is_twin"),
        [
            (6, {"comment": "b", "city": 3}, False),
            (6, {"comment": "a"}, True),
            (6, {"comment": "b", "courier_comment": "x"}, True),
            (6, {"city": 9}, False),
            (5, {"comment": "a"}, False),
            (None, {"comment": "a"}, False),
        ],
    )
    def test_event_is_twin_if_it_lacks_accepted_values_of_same_version(self, version, theirs, is_twin):
        agreement = Agreement(agreed={"comment": "b"}, answered=Answered(6, ["comment", "courier_comment"]))
        assert agreement.is_twin(version, theirs) is is_twin
        assert Agreement().is_twin(None, theirs) is False


class TestFollowing:
    """The discount is taken from the side from which the items are taken, because it is computed from their prices."""

    @pytest.mark.parametrize(
        ("lines", "discount", "taken"),
        [
            pytest.param(("a", "a", "b"), ("1", "2"), ("items", "discount_amount"), id="the site's lines are taken"),
            pytest.param(("a", "b", "b"), ("1", "2"), ("discount_amount",), id="the lines are the same"),
            pytest.param(("a", "b", "a"), ("1", "2"), (), id="ours stay"),
            pytest.param(("a", "b", "c"), ("1", "2"), (), id="ours stay in a conflict"),
            pytest.param(("a", "a", "b"), ("1", "1"), ("items",), id="the discount is the same"),
        ],
    )
    def test_discount_is_taken_from_same_side_as_items(self, lines, discount, taken):
        agreed, ours, theirs = lines
        agreement = Agreement(agreed={"items": agreed, "discount_amount": "0"})
        result = merge(
            agreement,
            ours={"items": ours, "discount_amount": discount[0]},
            theirs={"discount_amount": discount[1], "items": theirs},
        )
        assert result.taken == taken
        assert agreement.agreed == {"items": theirs, "discount_amount": discount[1]}

    def test_discount_without_items_is_ignored_and_other_fields_are_merged(self):
        agreement = Agreement(agreed={"discount_amount": "0"})
        result = merge(
            agreement,
            ours={"discount_amount": "1", "comment": ""},
            theirs={"discount_amount": "2", "comment": "x"},
        )
        assert (result.taken, agreement.agreed) == (("comment",), {"discount_amount": "0", "comment": "x"})
