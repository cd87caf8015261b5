"""What a run has found, for people: reasons grouped and counted, what would make it better, and order by order."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from django.db import connection
from django.utils.translation import gettext, ngettext

from bitrix_bridge.history.reasons import Code, Reason
from bitrix_bridge.models import ImportRow, ImportRun

MOST_GROUPS = 500
"""Kept with the run; a report names those that most orders have."""
MOST_SUBJECTS = 10
"""Named one by one of each kind."""
EXAMPLES = 5
_CODES = frozenset(str(code) for code in Code)
_PAGE = 2000
_CODES = frozenset(Code)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report: so many orders, why, what becomes of them, and some of them by id."""

    code: Code
    orders: int
    text: str
    outcome: str
    advice: str
    examples: tuple[int, ...]


def grouped_reasons(run: ImportRun) -> list[dict[str, Any]]:
    """Count the orders of each reason. One query; the reasons that most orders have."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT reason->>'code', reason->>'subject', count(*),
                   (array_agg(bitrix_order_id ORDER BY bitrix_order_id))[1:%s]
            FROM bitrix_import_rows, jsonb_array_elements(reasons) AS reason
            WHERE run_id = %s GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %s
            """,
            [EXAMPLES, run.pk, MOST_GROUPS],
        )
        return [
            {"code": code, "subject": subject, "orders": orders, "examples": examples}
            for code, subject, orders, examples in cursor.fetchall()
        ]


def lines(reasons: Iterable[dict[str, Any]], *, is_dry: bool = False) -> Iterator[Line]:
    """Put grouped reasons into words, the failed ones first; of each kind the rarer subjects together."""
    kinds: dict[Code, list[dict[str, Any]]] = {}
    for group in reasons:
        if group["code"] in _CODES:
            kinds.setdefault(Code(group["code"]), []).append(group)
    for code in sorted(kinds, key=lambda code: (code != Code.FAILED, -sum(one["orders"] for one in kinds[code]))):
        for group in kinds[code][:MOST_SUBJECTS]:
            reason = Reason(code, group["subject"])
            yield _line(reason, group["orders"], reason.what, group["examples"], is_dry)
        if rest := kinds[code][MOST_SUBJECTS:]:
            few = ", ".join(group["subject"] for group in rest[:MOST_SUBJECTS])
            few += "" if len(rest) <= MOST_SUBJECTS else "…"
            examples = [group["examples"][0] for group in rest[:EXAMPLES]]
            reason = Reason(code, rest[0]["subject"])
            yield _line(
                reason,
                sum(group["orders"] for group in rest),
                gettext("and others like it: %(few)s") % {"few": few},
                examples,
                is_dry,
            )


def _line(reason: Reason, orders: int, text: str, examples: Iterable[int], is_dry: bool) -> Line:
    return Line(reason.code, orders, text, reason.outcome(is_dry=is_dry), reason.advice, tuple(examples))


def number_of_orders(number: int) -> str:
    """Return `14 orders`."""
    return ngettext("%(number)d order", "%(number)d orders", number) % {"number": number}


def result_line(run: ImportRun, *, is_dry: bool = False) -> str:
    """Return `54 of 54 orders have come over: created 54, …`. Those being saved on the site do not count."""
    counted = run.come_over + run.failed
    if is_dry:
        words = ngettext(
            "%(done)d of %(all)d order will come over", "%(done)d of %(all)d orders will come over", counted
        )
    else:
        words = ngettext(
            "%(done)d of %(all)d order has come over", "%(done)d of %(all)d orders have come over", counted
        )
    return words % {"done": run.come_over, "all": counted}


def counts(run: ImportRun) -> list[tuple[str, int]]:
    """Return how many orders ended how, and what was left out, with words for each."""
    names = ("created", "updated", "unchanged", "skipped", "failed", "carts", "system_shipments")
    return [(str(ImportRun._meta.get_field(name).verbose_name), getattr(run, name)) for name in names]  # type: ignore[union-attr]


def write_table(run: ImportRun, file: TextIO, *, is_dry: bool = False) -> int:
    """Write a line for each order: id on the site, outcome, reasons. For a spreadsheet; return how many."""
    writer = csv.writer(file, delimiter=";")
    writer.writerow([gettext("id on the site"), gettext("outcome"), gettext("reasons")])
    written, after_id = 0, 0
    outcomes = dict(ImportRow.Outcome.choices)
    while True:
        rows = ImportRow.objects.filter(run=run, bitrix_order_id__gt=after_id).order_by("bitrix_order_id")
        page = list(rows.values_list("bitrix_order_id", "outcome", "reasons")[:_PAGE])
        for bitrix_order_id, outcome, reasons in page:
            writer.writerow([bitrix_order_id, outcomes[outcome], "; ".join(texts(reasons, is_dry=is_dry))])
        written += len(page)
        if len(page) < _PAGE:
            return written
        after_id = page[-1][0]


def texts(reasons: Iterable[Any], *, is_dry: bool = False) -> list[str]:
    """Return the reasons of one order in words; what no code knows any more is left out."""
    found = (Reason.from_json(value) for value in reasons if isinstance(value, dict) and value.get("code") in _CODES)
    return [f"{reason.what} — {reason.outcome(is_dry=is_dry)}" for reason in found]
