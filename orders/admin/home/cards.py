"""The cards of the home page: numbers that lead to their lists."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.utils import timezone

from cvety_crm.users import AnyUser
from orders.selectors import counts
from orders.selectors.presets import Moment, preset_url


@dataclass(frozen=True, slots=True)
class Card:
    """A number with its title, which leads to its list."""

    title: str
    value: str
    url: str
    words: str = ""
    """What the number means, or what to do if it is zero."""
    is_problem: bool = False


class Visit:
    """A user who opens the home page. What several blocks need is read once."""

    def __init__(self, user: AnyUser) -> None:
        self.user = user
        self.today: date = timezone.localdate()

    @cached_property
    def moment(self) -> Moment:
        """Return the moment of the queries, with one query for the statuses."""
        return Moment.of(self.user)


def preset_card(key: str, title: str, *, words: str, none: str, is_problem: bool = False) -> Card:
    """Return the card of a preset of the order list. `none` are the words if there are no such orders."""
    return count_card(counts.of_preset(key), preset_url(key), title, words=words, none=none, is_problem=is_problem)


def count_card(count: int, url: str, title: str, *, words: str, none: str, is_problem: bool = False) -> Card:
    """Return the card of a number of rows. `none` are the words if there are no rows."""
    return Card(title, str(count), url, words if count else none, is_problem and bool(count))
