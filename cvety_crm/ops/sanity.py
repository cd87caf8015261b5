"""Find rows that contradict each other, and say how each contradiction is removed.

An app lists its checks in a function that `settings.SANITY_CHECKS` names. A check is one query, and nothing is written:
the checks run in a read-only transaction that is rolled back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext, ngettext

from cvety_crm.alerts import Alert, raise_alert
from cvety_crm.models import Heartbeat

MOST_COUNTED = 1000
"""The number of rows of one check that are read at most."""
EXAMPLES = 5
LIMIT = timedelta(seconds=30)
"""The time limit of one query in the nightly run."""
CHECKED, CLEAN = "sanity-checked", "sanity-clean"
"""The heartbeats with the time of the last nightly run, and of the last one that found nothing."""


@dataclass(frozen=True, slots=True)
class SanityCheck:
    """A rule that all rows should keep."""

    name: str
    title: str | Promise
    """What the rows have in common that break the rule."""
    fix: str | Promise
    find: Callable[[], QuerySet[Any]]
    """Return the rows that break the rule."""
    shown: str = "pk"
    """The lookup of the value by which staff know a row, such as the number of an order."""

    def run(self) -> "Contradiction":
        """Read the rows, with one query."""
        rows = self.find().order_by(self.shown).values_list(self.shown, flat=True)[: MOST_COUNTED + 1]
        found = [str(value) for value in rows]
        return Contradiction(self.name, str(self.title), str(self.fix), len(found), tuple(found[:EXAMPLES]))


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The result of a check. `number` is 0 if all rows keep the rule, and `MOST_COUNTED` + 1 stands for more."""

    name: str
    title: str
    fix: str
    number: int
    examples: tuple[str, ...]

    @property
    def figure(self) -> str:
        """Return the number of rows, and the first of them."""
        if self.number > MOST_COUNTED:
            number = gettext("more than %(number)d") % {"number": MOST_COUNTED}
        else:
            number = str(self.number)
        return f"{number} ({', '.join(self.examples)}{', …' if self.number > len(self.examples) else ''})"


def by_hand(table: str, values: str, where: str) -> str:
    """Return the advice to run a statement, for a contradiction that no page can remove."""
    statement = f"UPDATE {table} SET {values} WHERE {where};"  # noqa: S608 - is shown, and not executed
    return gettext("Run in psql: %(statement)s") % {"statement": statement}


def run_checks() -> list[Contradiction]:
    """Return the results of all checks, one query each."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            milliseconds = str(int(LIMIT.total_seconds() * 1000))
            cursor.execute(
                "SELECT set_config('transaction_read_only', 'on', true), set_config('statement_timeout', %s, true)",
                [milliseconds],
            )
        found = [check.run() for check in _checks()]
        # Inside another transaction, the settings end only with a rollback.
        transaction.set_rollback(True)
    return found


def check_nightly() -> None:
    """Run all checks, and store the result for the system status. The first night with contradictions raises an alert.

    The worker calls this function each night.
    """
    found = [one for one in run_checks() if one.number]
    was_clean = is_clean() is not False
    with transaction.atomic():
        Heartbeat.beat(CHECKED)
        if not found:
            Heartbeat.beat(CLEAN)
        elif was_clean:
            raise_alert(Alert(title=summary(found), text="\n".join(f"{one.title}: {one.number}" for one in found)))


def is_clean() -> bool | None:
    """Return whether the last nightly run found nothing. Return None if there was none yet."""
    checked, clean = Heartbeat.last(CHECKED), Heartbeat.last(CLEAN)
    if checked is None:
        return None
    return clean is not None and clean >= checked


def summary(found: Sequence[Contradiction]) -> str:
    """Return how many rules are broken."""
    return ngettext("Data contradict %(number)d rule", "Data contradict %(number)d rules", len(found)) % {
        "number": len(found)
    }


def _checks() -> list[SanityCheck]:
    found: list[SanityCheck] = []
    for path in settings.SANITY_CHECKS:
        checks: Callable[[], Sequence[SanityCheck]] = import_string(path)
        found += checks()
    return found
