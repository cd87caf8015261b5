"""Comparing one order: tables of cases, and what holds for any values."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrix_bridge.payloads.listing import ListedOrder
from bitrix_bridge.reconciliation.comparison import COMPARED, DELETED, LINK, VERSION, Ours, compare, looks_alike
from orders.sync.fields import PUSHED
from orders.sync.three_way_merge import Agreement

CODES = {"N": "new", "AP": "accepted", "PD": "delivering", "CO": "completed", "CF": "completed"}
VALUES = {"status": "new", "total_amount": "9000.00", "payment_status": "pending", "is_cancelled": False}
ON_SITE = {**VALUES, "status": "N"}


def ours(*, agreed=None, sent=None, site_status="N", **options):
    values = {name: options.pop(name) for name in list(options) if name in VALUES}
    agreement = Agreement(agreed={**VALUES, **(agreed or {})}, sent=sent or {}, site_status=site_status)
    defaults = {"key": uuid4(), "bitrix_order_id": 5, "version": 3, "agreement": agreement}
    options = {**defaults, **options}
    options.setdefault("received_version", options["version"])
    return Ours(values={**VALUES, **values}, **options)


def theirs(*, version=3, unreadable=None, **values):
    return ListedOrder(5, None, version, {**ON_SITE, **values}, unreadable or {})


def verdict(our, their, pushed=PUSHED):
    return compare(our, their, codes=CODES, pushed=pushed)


def differs(our, their, pushed=PUSHED):
    return {(one.field, one.needs_person) for one in verdict(our, their, pushed).differences}


def test_both_the_same():
    assert verdict(ours(), theirs()).differences == verdict(ours(), theirs()).on_their_way == ()
    assert looks_alike(ours(), theirs(), CODES)


@pytest.mark.parametrize(
    ("field", "value", "mine"),
    [
        ("status", "PD", "delivering"),
        ("total_amount", "1.00", "1.00"),
        ("payment_status", "paid", "paid"),
        ("is_cancelled", True, True),
    ],
)
class TestOneField:
    def test_the_site_has_changed_it(self, field, value, mine):
        (one,) = verdict(ours(), theirs(**{field: value})).differences
        assert (one.field, one.agreed, one.ours, one.theirs) == (field, VALUES[field], VALUES[field], mine)
        assert not one.needs_person
        assert not looks_alike(ours(), theirs(**{field: value}), CODES)

    def test_we_have_and_it_is_on_its_way(self, field, value, mine):
        found = verdict(ours(**{field: mine}, has_live_push=True), theirs(), pushed=COMPARED)
        assert (found.differences, found.on_their_way) == ((), (field,))

    def test_we_have_and_nobody_sends_it(self, field, value, mine):
        assert differs(ours(**{field: mine}), theirs(), pushed=COMPARED) == {(field, False)}

    def test_we_have_and_the_site_can_not_be_told(self, field, value, mine):
        our = ours(**{field: mine}, has_live_push=True)
        assert differs(our, theirs(), pushed=()) == {(field, True)}

    def test_both_to_the_same(self, field, value, mine):
        assert differs(ours(**{field: mine}), theirs(**{field: value})) == set()

    def test_the_answer_to_ours_was_lost(self, field, value, mine):
        our = ours(sent={field: [mine]}, has_live_push=True)  # taken back since
        assert differs(our, theirs(**{field: value}), pushed=COMPARED) == set()


def test_both_have_changed_it():
    assert differs(ours(status="accepted"), theirs(status="PD")) == {("status", True)}
    assert differs(ours(total_amount="5.00"), theirs(total_amount="7.00")) == {("total_amount", False)}
    assert differs(ours(total_amount="5.00"), theirs(total_amount="7.00"), pushed=()) == {("total_amount", True)}


def test_a_push_does_not_excuse_what_the_site_has_changed():
    our = ours(status="accepted", has_live_push=True)
    assert differs(our, theirs(status="PD", total_amount="7.00")) == {("status", True), ("total_amount", False)}


class TestVersion:
    @pytest.mark.parametrize(("mine", "version"), [(3, 4), (4, 3), (None, 1)])
    def test_another_one(self, mine, version):
        assert differs(ours(version=mine), theirs(version=version)) == {(VERSION, False)}

    def test_one_that_was_told_by_the_answer_to_a_push(self):
        our = ours(version=4, received_version=2)
        assert differs(our, theirs(version=4)) == {(VERSION, False)}
        assert not looks_alike(our, theirs(version=4), CODES)

    def test_the_site_tells_none(self):
        assert differs(ours(), theirs(version=None)) == set()

    def test_our_own_push_may_have_raised_it(self):
        our = ours(status="accepted", sent={"status": ["accepted"]}, has_live_push=True)
        assert verdict(our, theirs(status="AP", version=4)).on_their_way == (VERSION,)

    def test_a_push_that_has_sent_nothing_yet_has_not(self):
        our = ours(status="accepted", has_live_push=True)
        assert differs(our, theirs(version=4)) == {(VERSION, False)}


class TestStatus:
    def test_several_codes_of_one(self):
        assert differs(ours(status="completed"), theirs(status="CF")) == set()

    def test_nobody_has_described_it(self):
        (one,) = verdict(ours(), theirs(status="ZZ")).differences
        assert one.theirs == "bitrix_ZZ"

    def test_its_code_was_given_to_another_one(self):
        our = ours(status="mine", agreed={"status": "mine"}, site_status="AP")
        assert differs(our, theirs(status="AP")) == set()


class TestPaid:
    def test_of_a_refund_the_site_knows_no_word(self):
        refunded = {"payment_status": "refunded"}
        pushed = set(PUSHED) - {"payment_status"}
        assert differs(ours(**refunded), theirs(), pushed) == set()
        assert (
            differs(ours(**refunded, agreed={"payment_status": "paid"}), theirs(payment_status="paid"), pushed) == set()
        )

    def test_paid_on_the_site_after_all(self):
        pushed = set(PUSHED) - {"payment_status"}
        found = differs(ours(payment_status="refunded"), theirs(payment_status="paid"), pushed)
        assert found == {("payment_status", True)}


def test_an_order_made_here_that_the_site_has():
    our = ours(bitrix_order_id=None)
    assert differs(our, theirs()) == {(LINK, False)}
    assert verdict(ours(bitrix_order_id=None, has_live_push=True), theirs()).on_their_way == (LINK,)
    assert not looks_alike(our, theirs(), CODES)


def test_one_that_was_deleted_and_is_back():
    assert differs(ours(is_deleted=True), theirs()) == {(DELETED, False)}
    assert not looks_alike(ours(is_deleted=True), theirs(), CODES)


def test_what_can_not_be_read_is_for_a_person():
    their = ListedOrder(5, None, 3, {}, {"total_amount": "даром"})
    (one,) = verdict(ours(), their).differences
    assert (one.field, one.theirs, one.needs_person) == ("total_amount", "даром", True)
    assert not looks_alike(ours(), their, CODES)


def test_what_the_row_lacks_is_not_compared():
    their = ListedOrder(5, None, None, {})
    assert verdict(ours(status="accepted"), their).differences == ()


statuses = st.sampled_from(sorted(set(CODES.values())))
sums = st.sampled_from(["0.00", "1.00", "2.00"])
paid = st.sampled_from(["pending", "paid"])
sides = st.fixed_dictionaries(
    {"status": statuses, "total_amount": sums, "payment_status": paid, "is_cancelled": st.booleans()}
)
site_codes = {"new": "N", "accepted": "AP", "delivering": "PD", "completed": "CO"}


@given(
    agreed=sides, mine=sides, site=sides, live=st.booleans(), versions=st.tuples(st.integers(0, 2), st.integers(0, 2))
)
def test_any_values(agreed, mine, site, live, versions):
    our = ours(agreed=agreed, site_status=site_codes[agreed["status"]], version=versions[0], has_live_push=live, **mine)
    their = theirs(version=versions[1], **{**site, "status": site_codes[site["status"]]})
    found = verdict(our, their)
    named = {one.field for one in found.differences}
    really = {name for name in COMPARED if mine[name] != site[name]} | (
        {VERSION} if versions[0] != versions[1] else set()
    )
    # Nothing is missed and nothing made up: each real difference is named once, as one or as on its way.
    assert named | set(found.on_their_way) == really
    assert not named & set(found.on_their_way)
    assert len(named) == len(found.differences)
    assert looks_alike(our, their, CODES) == (not really)
    if not live:
        assert found.on_their_way == ()
    for one in found.differences:
        if one.field != VERSION:
            assert (one.agreed, one.ours, one.theirs) == (agreed[one.field], mine[one.field], site[one.field])
