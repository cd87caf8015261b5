"""Tests of the rule that decides whether two identities are one person. The table of the rule is tested row by row."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.guests import is_guest_account
from orders.rules.same_person import DECISIONS, Identity, Match, Verdict, compare, verdict_of

SAME, MAYBE, OTHER = Verdict.SAME, Verdict.MAYBE, Verdict.OTHER
EQUAL, DIFFERENT, UNKNOWN = Match.EQUAL, Match.DIFFERENT, Match.UNKNOWN
P1, P2 = "+77771234567", "+77010000001"

EXPECTED = {
    # account, phone: the verdicts for an equal, a different and an unknown name
    (EQUAL, EQUAL): (SAME, SAME, SAME),
    (EQUAL, DIFFERENT): (SAME, MAYBE, MAYBE),
    (EQUAL, UNKNOWN): (SAME, MAYBE, SAME),
    (DIFFERENT, EQUAL): (MAYBE, MAYBE, MAYBE),
    (DIFFERENT, DIFFERENT): (OTHER, OTHER, OTHER),
    (DIFFERENT, UNKNOWN): (OTHER, OTHER, OTHER),
    (UNKNOWN, EQUAL): (SAME, MAYBE, SAME),
    (UNKNOWN, DIFFERENT): (OTHER, OTHER, OTHER),
    (UNKNOWN, UNKNOWN): (OTHER, OTHER, OTHER),
}
EXAMPLES = [
    (Identity(1, P1, "Айгерим"), Identity(1, P1, "Данияр"), SAME),
    (Identity(1, P1, "Айгерим"), Identity(1, P2, "Айгерим С."), SAME),
    (Identity(1, P1, "Айгерим"), Identity(1, P2, "Данияр"), MAYBE),
    (Identity(1, P1, ""), Identity(1, P2, "Данияр"), MAYBE),
    (Identity(1), Identity(1), SAME),
    (Identity(1, "", "Айгерим"), Identity(1, "", "Данияр"), MAYBE),
    (Identity(1, P1, "Айгерим"), Identity(2, P1, "Айгерим"), MAYBE),
    (Identity(None, P1, "Айгерим"), Identity(None, P1, "Aigerim"), SAME),
    (Identity(None, P1, "Айгерим"), Identity(None, P1, "Данияр"), MAYBE),
    (Identity(None, P1, "Айгерим"), Identity(None, P1, ""), SAME),
    (Identity(None, P1, "Айгерим"), Identity(7, P1, "Айгерим"), SAME),
    (Identity(None, P1, "Айгерим"), Identity(None, P2, "Айгерим"), OTHER),
    (Identity(None, "", "Айгерим"), Identity(None, "", "Айгерим"), OTHER),
    (Identity(None, "нет", "Айгерим"), Identity(None, "нет", "Айгерим"), OTHER),  # a text that is not a phone
    (Identity(None, "12-34-56", "Айгерим"), Identity(None, "12-34-56", "Айгерим"), SAME),  # a phone of a small town
]

identities = st.builds(
    Identity,
    st.sampled_from([None, 1, 2]),
    st.sampled_from(["", P1, P2, "нет"]),
    st.sampled_from(["", "Айгерим", "Айгерим С.", "Aigerim", "Данияр", "клиент"]),
)


@pytest.mark.parametrize(("account", "phone", "name"), list(product(Match, Match, Match)))
def test_table_decides_each_combination(account, phone, name):
    expected = dict(zip((EQUAL, DIFFERENT, UNKNOWN), EXPECTED[account, phone], strict=True))
    assert verdict_of(account, phone, name) is expected[name]


def test_each_row_of_the_table_decides_something():
    found = {
        next(
            index
            for index, row in enumerate(DECISIONS)
            if all(value in part for value, part in zip(case, row[:3], strict=True))
        )
        for case in product(Match, Match, Match)
    }
    assert found == set(range(len(DECISIONS)))


@pytest.mark.parametrize(("one", "other", "expected"), EXAMPLES)
def test_example_is_decided(one, other, expected):
    assert compare(one, other) is compare(other, one) is expected


@given(identities, identities)
def test_neither_account_nor_phone_alone_makes_one_person(one, other):
    if compare(one, other) is SAME:
        equal = [one.account is not None and one.account == other.account, one.phone == other.phone and one.phone != ""]
        assert any(equal)
        if not all(equal):
            names = {one.name, other.name}
            assert names != {"Айгерим", "Данияр"}


@pytest.mark.parametrize(
    "columns",
    [
        {"auth_id": "saleanonymous"},
        {"auth_id": " SaleAnonymous "},
        {"name": "Анонимный пользователь"},
        {"name": "анонимный  пользователь"},
        {"email": "anonymous_9f2c@example.com"},
        {"login": "anonymous_000000003"},
    ],
)
def test_account_for_guests_is_recognised_by_each_mark(columns):
    assert is_guest_account(**columns)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"auth_id": "socservices"},
        {"name": "Айгерим"},
        {"email": "anonymous@mail.ru"},
        {"email": "anonymous_bouquet@mail.ru"},
        {"login": "anonymous"},
        {"login": "not_anonymous_5"},
    ],
)
def test_other_account_is_no_account_for_guests(columns):
    assert not is_guest_account(**columns)
