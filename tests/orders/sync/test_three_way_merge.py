"""Tests of the three-way merge: tables of all combinations, and properties that hold for any values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.sync import three_way_merge
from orders.sync.agreement import Agreement
from orders.sync.fields import FIELDS, Field
from orders.sync.three_way_merge import merge


def agreement(value, sent=()):
    return Agreement(agreed={"comment": value}, sent={"comment": list(sent)} if sent else {})


@pytest.mark.parametrize(
    ("agreed", "ours", "theirs", "sent", "taken", "kept", "pending"),
    [
        pytest.param("a", "a", "a", (), False, False, False, id="no side changed it"),
        pytest.param("a", "a", "b", (), True, False, False, id="the site changed it"),
        pytest.param("a", "b", "a", (), False, False, True, id="we changed it: ours stays pending"),
        pytest.param("a", "b", "b", (), False, False, False, id="both changed it to the same value: agreed"),
        pytest.param("a", "b", "c", (), False, True, True, id="both changed it, to different values: ours stays"),
        pytest.param("a", "b", "b", ("b",), False, False, False, id="the echo of what we sent"),
        pytest.param("a", "c", "b", ("b",), False, False, True, id="echo after a newer change of ours is no conflict"),
        pytest.param("a", "a", "b", ("b",), False, False, True, id="echo after we changed it back"),
        pytest.param("a", "a", "", (), True, False, False, id="cleared on the site"),
        pytest.param("", "", "b", (), True, False, False, id="reported for the first time"),
    ],
)
def test_merge_of_each_combination_of_changes(agreed, ours, theirs, sent, taken, kept, pending):
    state = agreement(agreed, sent)
    result = merge(state, ours={"comment": ours}, theirs={"comment": theirs})
    after = theirs if "comment" in result.taken else ours
    assert result.taken == (("comment",) if taken else ())
    assert result.kept == ({"comment": theirs} if kept else {})
    assert state.unsent({"comment": after}) == (["comment"] if pending else [])
    assert not result.yielded


def test_merge_lets_site_decide_status_and_returns_ours():
    state = Agreement(agreed={"status": "new"})
    result = merge(state, ours={"status": "accepted"}, theirs={"status": "declined"}, site_decides={"status"})
    assert (result.taken, result.yielded, result.kept) == (("status",), {"status": "accepted"}, {})
    assert state.agreed == {"status": "declined"}


def test_merge_ignores_absent_field_and_takes_empty_one():
    state = Agreement(agreed={"comment": "a", "city": 2})
    result = merge(state, ours={"comment": "a", "city": 2}, theirs={"comment": None})
    assert result.taken == ("comment",)
    assert state.agreed == {"comment": None, "city": 2}


def test_fields_that_follow_others_are_merged_next_to_one_without_its_source(monkeypatch):
    follows = {"first": "absent", "second": "comment", "third": "city"}
    fields = {name: Field(name, name, "", follows=source) for name, source in follows.items()}
    monkeypatch.setattr(three_way_merge, "FIELDS", {**FIELDS, **fields})
    state = Agreement(agreed={"comment": "a", "city": 2})
    ours = {"first": "a", "second": "a", "third": "a", "comment": "a", "city": 3}
    result = merge(state, ours=ours, theirs=dict.fromkeys(ours, "b") | {"city": 2})
    assert (result.taken, result.kept) == (("comment", "second"), {})
    assert state.agreed == {"comment": "b", "city": 2, "second": "b", "third": "b"}


def test_values_sent_after_reported_one_stay_recorded():
    state = agreement("a", ("b", "c", "d"))
    merge(state, ours={"comment": "d"}, theirs={"comment": "c"})
    assert state.sent == {"comment": ["d"]}
    merge(state, ours={"comment": "d"}, theirs={"comment": "d"})
    assert state.sent == {}


def test_agreement_is_restored_from_its_json():
    state = Agreement(agreed={"comment": "a"}, sent={"comment": ["b"]}, site_status="AP")
    assert Agreement.from_json(state.as_json()) == state
    assert Agreement.from_json({}) == Agreement()


values = st.sampled_from(["", "a", "b", "c"])


@given(agreed=values, ours=values, theirs=values, sent=st.lists(values, max_size=3))
def test_merge_never_leaves_an_unknown_difference(agreed, ours, theirs, sent):
    state = agreement(agreed, sent)
    result = merge(state, ours={"comment": ours}, theirs={"comment": theirs})
    after = theirs if "comment" in result.taken else ours
    # Both sides are equal now, or the CRM's value is pending. There is no other difference.
    assert after == theirs or state.unsent({"comment": after}) == ["comment"]
    # A change made on the site is always applied or reported.
    if theirs not in (agreed, ours, *sent):
        assert result.taken or result.kept


@given(values, values)
def test_merging_same_values_twice_changes_nothing(agreed, theirs):
    state = agreement(agreed)
    merge(state, ours={"comment": agreed}, theirs={"comment": theirs})
    before = state.as_json()
    result = merge(state, ours={"comment": theirs}, theirs={"comment": theirs})
    assert (result.taken, result.kept, state.as_json()) == ((), {}, before)


class TestPayment:
    """The site knows only whether an order is paid. Only the CRM knows whether it was refunded."""

    @pytest.mark.parametrize(
        ("agreed", "ours", "theirs", "sent", "after", "pending"),
        [
            pytest.param("pending", "paid", "pending", (), "paid", "paid", id="paid here: pending"),
            pytest.param("pending", "paid", "pending", ("paid",), "paid", "paid", id="paid here, sent, not arrived"),
            pytest.param("pending", "paid", "paid", ("paid",), "paid", None, id="paid here: the echo"),
            pytest.param("pending", "paid", "paid", (), "paid", None, id="paid on both sides"),
            pytest.param("pending", "pending", "paid", (), "paid", None, id="paid on the site"),
            pytest.param("paid", "paid", "pending", (), "pending", None, id="unmarked on the site"),
            pytest.param("paid", "refunded", "paid", (), "refunded", "pending", id="refunded here: pending"),
            pytest.param("paid", "refunded", "paid", ("pending",), "refunded", "pending", id="refund not arrived yet"),
            pytest.param("paid", "refunded", "pending", ("pending",), "refunded", None, id="refunded here: the echo"),
            pytest.param("paid", "refunded", "pending", (), "refunded", None, id="refunded here, unmarked on the site"),
            pytest.param("pending", "refunded", "pending", (), "refunded", None, id="agreed refund stays"),
            pytest.param("pending", "refunded", "paid", (), "paid", None, id="paid again after a refund"),
            pytest.param("pending", "paid", "paid", ("pending",), "paid", "paid", id="paid on both, refund sent"),
            pytest.param("paid", "pending", "paid", ("pending",), "pending", "pending", id="unmarked here"),
            pytest.param(
                "pending",
                "pending",
                "paid",
                ("paid",),
                "paid",
                None,
                id="possible echo counts as a payment",
            ),
            pytest.param("pending", "refunded", "paid", ("paid",), "paid", None, id="the same after a refund here"),
            pytest.param("pending", "pending", "pending", ("paid",), "pending", "pending", id="ours may have arrived"),
        ],
    )
    def test_merge_of_each_combination_of_payments(self, agreed, ours, theirs, sent, after, pending):
        state = Agreement(agreed={"payment_status": agreed}, sent={"payment_status": list(sent)} if sent else {})
        result = merge(state, ours={"payment_status": ours}, theirs={"payment_status": theirs})
        now = theirs if "payment_status" in result.taken else ours
        assert (now, result.kept, result.yielded) == (after, {}, {})
        assert state.unsent({"payment_status": now}) == (["payment_status"] if pending else [])

    @given(
        agreed=st.sampled_from(["pending", "paid"]),
        ours=st.sampled_from(["pending", "paid", "refunded"]),
        changes=st.lists(st.sampled_from(["pending", "paid", "push"]), max_size=6),
    )
    def test_both_sides_agree_after_any_changes_of_payment(self, agreed, ours, changes):
        state = Agreement(agreed={"payment_status": agreed})
        site = agreed
        for event in [*changes, "push"]:
            if event == "push":
                if state.unsent({"payment_status": ours}):
                    state.note_sending({"payment_status": ours})
                    site = "paid" if ours == "paid" else "pending"
                    state.settle({"payment_status": ours})
            else:
                site = event
            if merge(state, ours={"payment_status": ours}, theirs={"payment_status": site}).taken:
                ours = site
        # No payment is pending, and both sides agree on whether the order is paid.
        assert state.unsent({"payment_status": ours}) == []
        assert (ours == "paid") == (site == "paid")

    @pytest.mark.parametrize(
        ("agreed", "ours", "theirs", "after", "is_unsent"),
        [
            pytest.param("cash", "kaspi", "cash", "kaspi", True, id="chosen here"),
            pytest.param("cash", "", "cash", "", False, id="cleared here: never sent"),
            pytest.param("cash", "", "kaspi", "kaspi", False, id="cleared here, chosen on the site"),
            pytest.param("cash", "card", "kaspi", "card", True, id="chosen on both sides"),
        ],
    )
    def test_cleared_payment_method_is_never_sent(self, agreed, ours, theirs, after, is_unsent):
        state = Agreement(agreed={"payment_method": agreed})
        result = merge(state, ours={"payment_method": ours}, theirs={"payment_method": theirs})
        now = theirs if result.taken else ours
        assert (now, bool(state.unsent({"payment_method": now}))) == (after, is_unsent)

    @pytest.mark.parametrize(("theirs", "taken"), [("0.00", False), ("9000.00", True)])
    def test_paid_amount_is_taken_from_site(self, theirs, taken):
        state = Agreement(agreed={"paid_amount": "0.00"})
        result = merge(state, ours={"paid_amount": "5000.00"}, theirs={"paid_amount": theirs})
        assert (bool(result.taken), result.kept) == (taken, {})
