"""The rule that decides whether two orders, or an order and a customer, belong to one person.

`DECISIONS` is the whole rule. Neither an account nor a phone decides alone: people share phones and accounts, and the
site has one account for all guests (`orders.rules.guests`).
"""

from dataclasses import dataclass
from enum import Enum

from orders.values.person_names import are_compatible, have_name
from orders.values.phones import phone_digits


class Match(Enum):
    """How two values compare. UNKNOWN means that at least one of them is missing."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


class Verdict(Enum):
    """Whether two identities are one person.

    MAYBE means that they stay two customers and staff read a hint.
    """

    SAME = "same"
    MAYBE = "maybe"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Identity:
    """What an order or a customer says of a person. The account is never one that many people use."""

    account: int | None = None
    phone: str = ""
    name: str = ""


_FEWEST_DIGITS = 5
"""From this number of digits a text that is not a possible number counts as a phone, such as one of a small town."""
_EQUAL, _DIFFERENT, _UNKNOWN = Match.EQUAL, Match.DIFFERENT, Match.UNKNOWN
_ANY = frozenset(Match)

DECISIONS: tuple[tuple[frozenset[Match], frozenset[Match], frozenset[Match], Verdict], ...] = (
    # account, phone, name -> verdict. The first row that fits decides.
    # An account with a contact that fits it.
    (frozenset({_EQUAL}), frozenset({_EQUAL}), _ANY, Verdict.SAME),
    (frozenset({_EQUAL}), _ANY, frozenset({_EQUAL}), Verdict.SAME),
    (frozenset({_EQUAL}), frozenset({_UNKNOWN}), frozenset({_UNKNOWN}), Verdict.SAME),
    # An account whose contacts contradict the account: someone else may have used it.
    (frozenset({_EQUAL}), _ANY, _ANY, Verdict.MAYBE),
    # One person with two accounts, or two people: the site does not say, so staff decide.
    (frozenset({_DIFFERENT}), frozenset({_EQUAL}), _ANY, Verdict.MAYBE),
    # A phone with a name that fits it, or without any name.
    (frozenset({_UNKNOWN}), frozenset({_EQUAL}), frozenset({_EQUAL, _UNKNOWN}), Verdict.SAME),
    # A phone that two people share.
    (frozenset({_UNKNOWN}), frozenset({_EQUAL}), frozenset({_DIFFERENT}), Verdict.MAYBE),
    # A name alone identifies no one.
    (_ANY, _ANY, _ANY, Verdict.OTHER),
)


def verdict_of(account: Match, phone: Match, name: Match) -> Verdict:
    """Return the decision of the first row of `DECISIONS` that fits."""
    return next(
        verdict
        for accounts, phones, names, verdict in DECISIONS
        if account in accounts and phone in phones and name in names
    )


def compare(one: Identity, other: Identity) -> Verdict:
    """Return whether two identities are one person. The sequence of the arguments does not matter."""
    return verdict_of(
        _match(one.account, other.account), _match(_phone(one.phone), _phone(other.phone)), names_match(one, other)
    )


def names_match(one: Identity, other: Identity) -> Match:
    """Return how the names compare. Names that one person may have used are equal."""
    if not have_name(one.name) or not have_name(other.name):
        return Match.UNKNOWN
    return Match.EQUAL if are_compatible(one.name, other.name) else Match.DIFFERENT


def _match(one: int | str | None, other: int | str | None) -> Match:
    if one is None or other is None:
        return Match.UNKNOWN
    return Match.EQUAL if one == other else Match.DIFFERENT


def _phone(text: str) -> str | None:
    """Return a stored phone, or None if the text that was typed is not a phone."""
    return text if text.startswith("+") or len(phone_digits(text)) >= _FEWEST_DIGITS else None
