"""Tests of the comparison of one order: tables of cases, and properties that hold for any values."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrix_bridge.payloads.listing import ListedOrder
from bitrix_bridge.reconciliation.comparison import COMPARED, DELETED, LINK, VERSION, Ours, compare, looks_alike
from orders.sync.agreement import Agreement
from orders.sync.fields import PUSHED

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


def test_equal_sides_have_no_difference():
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
    def test_change_by_the_site_is_a_difference(self, field, value, mine):
        (one,) = verdict(ours(), theirs(**{field: value})).differences
        assert (one.field, one.agreed, one.ours, one.theirs) == (field, VALUES[field], VALUES[field], mine)
        assert not one.needs_person
        assert not looks_alike(ours(), theirs(**{field: value}), CODES)

    def test_our_change_with_a_live_push_is_on_its_way(self, field, value, mine):
        found = verdict(ours(**{field: mine}, has_live_push=True), theirs(), pushed=COMPARED)
        assert (found.differences, found.on_their_way) == ((), (field,))

    def test_our_change_without_a_push_is_a_difference(self, field, value, mine):
        assert differs(ours(**{field: mine}), theirs(), pushed=COMPARED) == {(field, False)}

    def test_our_change_that_cannot_be_sent_needs_a_person(self, field, value, mine):
        our = ours(**{field: mine}, has_live_push=True)
        assert differs(our, theirs(), pushed=()) == {(field, True)}

    def test_same_change_on_both_sides_is_no_difference(self, field, value, mine):
        assert differs(ours(**{field: mine}), theirs(**{field: value})) == set()

    def test_site_value_that_was_sent_by_us_is_on_its_way(self, field, value, mine):
        our = ours(sent={field: [mine]}, has_live_push=True)  # the value was sent, and it was undone since then
        assert differs(our, theirs(**{field: value}), pushed=COMPARED) == set()


def test_different_changes_on_both_sides_need_a_person_by_field():
    assert differs(ours(status="accepted"), theirs(status="PD")) == {("status", True)}
    assert differs(ours(total_amount="5.00"), theirs(total_amount="7.00")) == {("total_amount", False)}
    assert differs(ours(total_amount="5.00"), theirs(total_amount="7.00"), pushed=()) == {("total_amount", True)}


def test_live_push_does_not_hide_a_change_by_the_site():
    our = ours(status="accepted", has_live_push=True)
    assert differs(our, theirs(status="PD", total_amount="7.00")) == {("status", True), ("total_amount", False)}


class TestVersion:
    @pytest.mark.parametrize(("mine", "version"), [(3, 4), (4, 3), (None, 1)])
    def test_another_version_is_a_difference(self, mine, version):
        assert differs(ours(version=mine), theirs(version=version)) == {(VERSION, False)}

    def test_version_of_a_push_response_without_snapshot_is_a_difference(self):
        our = ours(version=4, received_version=2)
        assert differs(our, theirs(version=4)) == {(VERSION, False)}
        assert not looks_alike(our, theirs(version=4), CODES)

    def test_missing_site_version_is_no_difference(self):
        assert differs(ours(), theirs(version=None)) == set()

    def test_version_is_on_its_way_after_our_live_push(self):
        our = ours(status="accepted", sent={"status": ["accepted"]}, has_live_push=True)
        assert verdict(our, theirs(status="AP", version=4)).on_their_way == (VERSION,)

    def test_version_is_a_difference_when_the_live_push_has_sent_nothing(self):
        our = ours(status="accepted", has_live_push=True)
        assert differs(our, theirs(version=4)) == {(VERSION, False)}


class TestStatus:
    def test_second_site_code_of_a_status_is_no_difference(self):
        assert differs(ours(status="completed"), theirs(status="CF")) == set()

    def test_unknown_site_status_is_shown_as_its_stub(self):
        (one,) = verdict(ours(), theirs(status="ZZ")).differences
        assert one.theirs == "bitrix_ZZ"

    def test_agreed_site_code_keeps_our_status_after_the_code_moved(self):
        our = ours(status="mine", agreed={"status": "mine"}, site_status="AP")
        assert differs(our, theirs(status="AP")) == set()


class TestPaid:
    def test_refund_equals_an_unpaid_order_on_the_site(self):
        refunded = {"payment_status": "refunded"}
        pushed = set(PUSHED) - {"payment_status"}
        assert differs(ours(**refunded), theirs(), pushed) == set()
        assert (
            differs(ours(**refunded, agreed={"payment_status": "paid"}), theirs(payment_status="paid"), pushed) == set()
        )

    def test_refunded_order_paid_on_the_site_needs_a_person(self):
        pushed = set(PUSHED) - {"payment_status"}
        found = differs(ours(payment_status="refunded"), theirs(payment_status="paid"), pushed)
        assert found == {("payment_status", True)}


def test_missing_site_id_of_an_order_made_here_is_a_difference():
    our = ours(bitrix_order_id=None)
    assert differs(our, theirs()) == {(LINK, False)}
    assert verdict(ours(bitrix_order_id=None, has_live_push=True), theirs()).on_their_way == (LINK,)
    assert not looks_alike(our, theirs(), CODES)


def test_deleted_order_that_exists_on_the_site_is_a_difference():
    assert differs(ours(is_deleted=True), theirs()) == {(DELETED, False)}
    assert not looks_alike(ours(is_deleted=True), theirs(), CODES)


def test_unreadable_site_value_needs_a_person():
    their = ListedOrder(5, None, 3, {}, {"total_amount": "даром"})
    (one,) = verdict(ours(), their).differences
    assert (one.field, one.theirs, one.needs_person) == ("total_amount", "даром", True)
    assert not looks_alike(ours(), their, CODES)


def test_fields_missing_in_the_row_are_not_compared():
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
def test_every_real_difference_is_reported_exactly_once(agreed, mine, site, live, versions):
    our = ours(agreed=agreed, site_status=site_codes[agreed["status"]], version=versions[0], has_live_push=live, **mine)
    their = theirs(version=versions[1], **{**site, "status": site_codes[site["status"]]})
    found = verdict(our, their)
    named = {one.field for one in found.differences}
    really = {name for name in COMPARED if mine[name] != site[name]} | (
        {VERSION} if versions[0] != versions[1] else set()
    )
    # Each real difference is reported exactly once, either as a difference or as on its way.
    assert named | set(found.on_their_way) == really
    assert not named & set(found.on_their_way)
    assert len(named) == len(found.differences)
    assert looks_alike(our, their, CODES) == (not really)
    if not live:
        assert found.on_their_way == ()
    for one in found.differences:
        if one.field != VERSION:
            assert (one.agreed, one.ours, one.theirs) == (agreed[one.field], mine[one.field], site[one.field])
