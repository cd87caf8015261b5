"""An order in the memory of one process of the site, with its state when loaded and its changes since then.

Bitrix writes only the columns that a process has changed itself, and the loaded VERSION plus one. So if two processes
load the same order and then save it, their changes are mixed, and the version may decrease.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

from .accounts import Accounts, Booking
from .catalogue import Catalogue
from .properties import Properties
from .users import Users
from .values import Order

# Each of these is a list of rows. The rows are compared and written one by one.
ROWS = ("basket", "payments")


@dataclass(frozen=True)
class Tables:
    """The data of a site except its orders. `next_id` returns the next id of a counter."""

    catalogue: Catalogue
    properties: Properties
    accounts: Accounts
    users: Users
    next_id: Callable[[str], int]


@dataclass
class Draft:
    """An order that is being changed. The save moves `bookings` to or from the customer's account."""

    tables: Tables
    now: str
    order: Order
    loaded: Order = field(default_factory=dict)
    bookings: list[Booking] = field(default_factory=list)

    @property
    def is_changed(self) -> bool:
        """Whether a save would write anything."""
        return self.order != self.loaded

    def checkpoint(self) -> Callable[[], None]:
        """Return a function that restores the present state of the draft."""
        order, bookings = copy.deepcopy(self.order), list(self.bookings)

        def restore() -> None:
            self.order, self.bookings = order, bookings

        return restore


def written(stored: Order, draft: Draft) -> Order:
    """Return the stored order with the draft's own changes written over it."""
    result = copy.deepcopy(stored)
    for name, value in draft.order.items():
        if name == "properties":
            before = draft.loaded["properties"]
            result[name] |= {code: one for code, one in value.items() if code not in before or before[code] != one}
        elif name in ROWS:
            result[name] = _rows(result[name], draft.loaded[name], value)
        elif name not in draft.loaded or draft.loaded[name] != value:
            result[name] = copy.deepcopy(value)
    return result


def _rows(stored: list[Order], loaded: list[Order], changed: list[Order]) -> list[Order]:
    before = {row["ID"]: row for row in loaded}
    after = {row["ID"]: row for row in changed}
    result: list[Order] = []
    for row in stored:
        if row["ID"] in after:
            mine, old = after[row["ID"]], before[row["ID"]]
            result.append(row | {name: value for name, value in mine.items() if old.get(name) != value})
        elif row["ID"] not in before:
            result.append(row)
    # A row that another process has deleted is not restored: an UPDATE finds no row to write.
    result += [copy.deepcopy(row) for key, row in after.items() if key not in before]
    return sorted(result, key=lambda row: int(row["ID"]))
