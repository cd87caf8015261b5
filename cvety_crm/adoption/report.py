"""The survey as lines of text."""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext

from cvety_crm.adoption.comparison import LABELS
from cvety_crm.adoption.database_kind import EARLIER_SCHEMA
from cvety_crm.adoption.engine import Survey
from cvety_crm.adoption.steps import MOST_NAMED

Line = tuple[str, bool]
"""A line, and whether it is a heading."""


def report_lines(survey: Survey) -> Iterator[Line]:
    """Yield the whole report."""
    yield gettext("Tables"), True
    rows = [(name, str(count), _fate(name, survey)) for name, count in sorted(survey.counts.items())]
    yield from _aligned(rows)
    yield from _columns(survey)
    yield from _statuses(survey)
    yield "", False
    yield gettext("What becomes of the rows"), True
    yield from _aligned(
        [(step.table, str(number), what) for step, tally in survey.tallies for what, number in tally.outcomes.items()]
    )
    yield from _policies(survey)
    yield from _refusals(survey)


def _fate(name: str, survey: Survey) -> str:
    where = gettext("moved to the schema %(schema)s") % {"schema": EARLIER_SCHEMA}
    if name in survey.unread:
        text = gettext("%(where)s, the CRM does not read it")
        return text % {"where": where if name in survey.moved else gettext("stays")}
    return gettext("%(where)s, the rows are copied") % {"where": where if name in survey.moved else gettext("stays")}


def _columns(survey: Survey) -> Iterator[Line]:
    for table, differences in survey.differences.items():
        yield "", False
        yield gettext("Columns of %(table)s") % {"table": table}, True
        yield from _aligned(
            [
                (one.column, str(LABELS[one.kind]), " → ".join(kind for kind in (one.theirs, one.ours) if kind))
                for one in differences
            ]
        )


def _statuses(survey: Survey) -> Iterator[Line]:
    for step, tally in survey.tallies:
        for column, counter in tally.values.items():
            if counter:
                yield "", False
                yield gettext("Values of %(table)s.%(column)s") % {"table": step.table, "column": column}, True
                yield from _aligned([(str(number), value) for value, number in counter.most_common()])


def _policies(survey: Survey) -> Iterator[Line]:
    if survey.policies:
        yield "", False
        yield gettext("Tables that Supabase's public key can read because of a policy"), True
        yield from _aligned(survey.policies)


def _refusals(survey: Survey) -> Iterator[Line]:
    for table, reason, rows in survey.refusals:
        yield "", False
        yield (
            gettext("Stops the adoption: %(table)s, rows: %(number)d: %(reason)s")
            % {
                "table": table,
                "number": len(rows),
                "reason": reason,
            },
            True,
        )
        yield from ((f"  {row}", False) for row in rows[:MOST_NAMED])
        if len(rows) > MOST_NAMED:
            yield "  …", False


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[Line]:
    """Yield the rows as columns. Columns of numbers are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if cell.isdecimal() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        yield "  " + "  ".join(cells).rstrip(), False
