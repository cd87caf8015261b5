"""The three-way merge: the table of the design, and what must hold for any values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.sync.three_way_merge import Agreement, merge


def agreement(value, sent=()):
    return Agreement(agreed={"comment": value}, sent={"comment": list(sent)} if sent else {})


@pytest.mark.parametrize(
    ("agreed", "ours", "theirs", "sent", "taken", "kept", "pending"),
    [
        pytest.param("a", "a", "a", (), False, False, False, id="nobody changed it"),
        pytest.param("a", "a", "b", (), True, False, False, id="the site changed it"),
        pytest.param("a", "b", "a", (), False, False, True, id="we changed it: ours stays, the push goes on"),
        pytest.param("a", "b", "b", (), False, False, False, id="both, to the same: agreed"),
        pytest.param("a", "b", "c", (), False, True, True, id="both, to different values: ours stays and is pushed"),
        pytest.param("a", "b", "b", ("b",), False, False, False, id="the echo of what we sent"),
        pytest.param("a", "c", "b", ("b",), False, False, True, id="an echo after a newer wish is no conflict"),
        pytest.param("a", "a", "b", ("b",), False, False, True, id="an echo after we went back"),
        pytest.param("a", "a", "", (), True, False, False, id="cleared on the site"),
        pytest.param("", "", "b", (), True, False, False, id="told for the first time"),
    ],
)
def test_the_table_of_the_design(agreed, ours, theirs, sent, taken, kept, pending):
    state = agreement(agreed, sent)
    result = merge(state, ours={"comment": ours}, theirs={"comment": theirs})
    after = theirs if "comment" in result.taken else ours
    assert ("comment" in result.taken, "comment" in result.kept) == (taken, kept)
    assert state.unsent({"comment": after}) == (["comment"] if pending else [])
    assert not result.yielded


def test_for_a_status_the_site_decides_and_the_wish_is_kept():
    state = Agreement(agreed={"status": "new"})
    result = merge(state, ours={"status": "accepted"}, theirs={"status": "declined"}, site_decides={"status"})
    assert (result.taken, result.yielded, result.kept) == (("status",), {"status": "accepted"}, {})
    assert state.agreed == {"status": "declined"}


def test_absent_is_not_empty():
    state = Agreement(agreed={"comment": "a", "city": 2})
    result = merge(state, ours={"comment": "a", "city": 2}, theirs={"comment": None})
    assert result.taken == ("comment",)
    assert state.agreed == {"comment": None, "city": 2}


def test_values_sent_after_the_one_that_came_back_are_still_on_their_way():
    state = agreement("a", ("b", "c", "d"))
    merge(state, ours={"comment": "d"}, theirs={"comment": "c"})
    assert state.sent == {"comment": ["d"]}
    merge(state, ours={"comment": "d"}, theirs={"comment": "d"})
    assert state.sent == {}


def test_it_survives_its_column():
    state = Agreement(agreed={"comment": "a"}, sent={"comment": ["b"]}, site_status="AP")
    assert Agreement.from_json(state.as_json()) == state
    assert Agreement.from_json({}) == Agreement()


values = st.sampled_from(["", "a", "b", "c"])


@given(agreed=values, ours=values, theirs=values, sent=st.lists(values, max_size=3))
def test_whatever_the_values_both_sides_can_still_come_to_agree(agreed, ours, theirs, sent):
    state = agreement(agreed, sent)
    result = merge(state, ours={"comment": ours}, theirs={"comment": theirs})
    after = theirs if "comment" in result.taken else ours
    # Either they are equal now, or ours is known to be still to send: never a difference that nobody knows of.
    assert after == theirs or state.unsent({"comment": after}) == ["comment"]
    # The site's change is never lost in silence.
    if theirs not in (agreed, ours, *sent):
        assert result.taken or result.kept


@given(values, values)
def test_the_same_news_twice_changes_nothing_more(agreed, theirs):
    state = agreement(agreed)
    merge(state, ours={"comment": agreed}, theirs={"comment": theirs})
    before = state.as_json()
    result = merge(state, ours={"comment": theirs}, theirs={"comment": theirs})
    assert (result.taken, result.kept, state.as_json()) == ((), {}, before)


class TestPayment:
    """The site says paid or not; that a payment was given back is known here alone."""

    @pytest.mark.parametrize(
        ("agreed", "ours", "theirs", "sent", "after", "told"),
        [
            pytest.param("pending", "paid", "pending", (), "paid", "paid", id="paid here: the push goes on"),
            pytest.param("pending", "paid", "pending", ("paid",), "paid", "paid", id="paid here, sent, not there yet"),
            pytest.param("pending", "paid", "paid", ("paid",), "paid", None, id="paid here: the echo"),
            pytest.param("pending", "paid", "paid", (), "paid", None, id="paid on both sides"),
            pytest.param("pending", "pending", "paid", (), "paid", None, id="paid there"),
            pytest.param("paid", "paid", "pending", (), "pending", None, id="taken back there"),
            pytest.param("paid", "refunded", "paid", (), "refunded", "pending", id="refunded here: the push goes on"),
            pytest.param("paid", "refunded", "paid", ("pending",), "refunded", "pending", id="refund not there yet"),
            pytest.param("paid", "refunded", "pending", ("pending",), "refunded", None, id="refunded here: the echo"),
            pytest.param("paid", "refunded", "pending", (), "refunded", None, id="refunded here, taken back there"),
            pytest.param("pending", "refunded", "pending", (), "refunded", None, id="a refund agreed on stays one"),
            pytest.param("pending", "refunded", "paid", (), "paid", None, id="paid anew after a refund"),
            pytest.param("pending", "paid", "paid", ("pending",), "paid", "paid", id="paid on both, refund sent"),
            pytest.param("paid", "pending", "paid", ("pending",), "pending", "pending", id="unmarked here"),
            pytest.param("pending", "pending", "paid", ("paid",), "paid", None, id="may be ours: believed"),
            pytest.param("pending", "refunded", "paid", ("paid",), "paid", None, id="the same after a refund"),
            pytest.param("pending", "pending", "pending", ("paid",), "pending", "pending", id="ours may have arrived"),
        ],
    )
    def test_the_table(self, agreed, ours, theirs, sent, after, told):
        state = Agreement(agreed={"payment_status": agreed}, sent={"payment_status": list(sent)} if sent else {})
        result = merge(state, ours={"payment_status": ours}, theirs={"payment_status": theirs})
        now = theirs if "payment_status" in result.taken else ours
        assert (now, result.kept, result.yielded) == (after, {}, {})
        assert state.unsent({"payment_status": now}) == (["payment_status"] if told else [])

    @given(
        agreed=st.sampled_from(["pending", "paid"]),
        ours=st.sampled_from(["pending", "paid", "refunded"]),
        news=st.lists(st.sampled_from(["pending", "paid", "push"]), max_size=6),
    )
    def test_it_always_comes_to_rest(self, agreed, ours, news):
        state = Agreement(agreed={"payment_status": agreed})
        site = agreed
        for event in [*news, "push"]:
            if event == "push":
                if state.unsent({"payment_status": ours}):
                    state.note_sending({"payment_status": ours})
                    site = "paid" if ours == "paid" else "pending"
                    state.settle({"payment_status": ours})
            else:
                site = event
            if merge(state, ours={"payment_status": ours}, theirs={"payment_status": site}).taken:
                ours = site
        # Nothing is left to send, and who has paid is paid on both sides.
        assert state.unsent({"payment_status": ours}) == []
        assert (ours == "paid") == (site == "paid")

    @pytest.mark.parametrize(
        ("agreed", "ours", "theirs", "after", "is_unsent"),
        [
            pytest.param("cash", "kaspi", "cash", "kaspi", True, id="chosen here"),
            pytest.param("cash", "", "cash", "", False, id="cleared here: the site has no none"),
            pytest.param("cash", "", "kaspi", "kaspi", False, id="cleared here, chosen there"),
            pytest.param("cash", "card", "kaspi", "card", True, id="chosen on both sides"),
        ],
    )
    def test_a_method_can_not_be_cleared_on_the_site(self, agreed, ours, theirs, after, is_unsent):
        state = Agreement(agreed={"payment_method": agreed})
        result = merge(state, ours={"payment_method": ours}, theirs={"payment_method": theirs})
        now = theirs if result.taken else ours
        assert (now, bool(state.unsent({"payment_method": now}))) == (after, is_unsent)

    @pytest.mark.parametrize(("theirs", "taken"), [("0.00", False), ("9000.00", True)])
    def test_what_was_paid_is_the_sites_to_say(self, theirs, taken):
        state = Agreement(agreed={"paid_amount": "0.00"})
        result = merge(state, ours={"paid_amount": "5000.00"}, theirs={"paid_amount": theirs})
        assert (bool(result.taken), result.kept) == (taken, {})
