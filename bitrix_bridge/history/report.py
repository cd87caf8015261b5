"""The report of an import run for staff, with reasons, counts and advice, and with the outcome of each order."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from django.db import connection
from django.utils.translation import gettext, ngettext

from bitrix_bridge.history.reasons import Code, Reason
from bitrix_bridge.models import ImportRow, ImportRun
from cvety_crm.model_fields import field_label

MOST_SUBJECTS = 10
"""The number of subjects of a code that get their own line. The other subjects share one line, which names this number
of them at most."""
EXAMPLES = 5
_PAGE = 2000
_CODES = frozenset(Code)
_GROUPS = """
    WITH reason AS (
        SELECT bitrix_order_id AS id, reason->>'code' AS code, reason->>'subject' AS subject
        FROM bitrix_import_rows, jsonb_array_elements(reasons) AS reason WHERE run_id = %(run)s
    ), counted AS (
        SELECT code, subject, row_number() OVER (PARTITION BY code ORDER BY count(*) DESC, subject) AS rank
        FROM reason GROUP BY code, subject
    )
    SELECT code, (array_agg(DISTINCT subject))[1:%(most)s + 1], count(DISTINCT id),
           (array_agg(DISTINCT id ORDER BY id))[1:%(examples)s]
    FROM reason JOIN counted USING (code, subject)
    GROUP BY code, least(rank, %(most)s + 1) ORDER BY 3 DESC, 1, 2
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report: the number of orders, the reason, the outcome, advice, and ids of some orders."""

    code: Code
    orders: int
    text: str
    outcome: str
    advice: str
    examples: tuple[int, ...]


def grouped_reasons(run: ImportRun) -> list[dict[str, Any]]:
    """Count the orders of each reason with one query. The size of the result does not depend on the number of orders.

    A group with `others` contains the less frequent subjects of a code. An order with several of these subjects is
    counted once.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, {"run": run.pk, "most": MOST_SUBJECTS, "examples": EXAMPLES})
        return [
            {"code": code, "subject": subjects[0], "orders": orders, "examples": examples}
            | ({"others": subjects} if len(subjects) > 1 else {})
            for code, subjects, orders, examples in cursor.fetchall()
        ]


def lines(reasons: Iterable[dict[str, Any]], *, is_dry: bool = False) -> Iterator[Line]:
    """Yield the grouped reasons as lines. Failures come first, and the shared line of a code is its last line."""
    kinds: dict[Code, list[dict[str, Any]]] = {}
    for group in reasons:
        if group["code"] in _CODES:
            kinds.setdefault(Code(group["code"]), []).append(group)
    for code in sorted(kinds, key=lambda code: (code != Code.FAILED, -sum(one["orders"] for one in kinds[code]))):
        for group in sorted(kinds[code], key=lambda group: "others" in group):
            reason = Reason(code, group["subject"])
            text = _others(group["others"]) if "others" in group else reason.what
            yield _line(reason, group["orders"], text, group["examples"], is_dry)


def _others(subjects: list[str]) -> str:
    few = ", ".join(subjects[:MOST_SUBJECTS]) + ("…" if len(subjects) > MOST_SUBJECTS else "")
    return gettext("and others like it: %(few)s") % {"few": few}


def _line(reason: Reason, orders: int, text: str, examples: Iterable[int], is_dry: bool) -> Line:
    return Line(reason.code, orders, text, reason.outcome(is_dry=is_dry), reason.advice, tuple(examples))


def number_of_orders(number: int) -> str:
    """Return the number with its noun, such as `14 orders`."""
    return ngettext("%(number)d order", "%(number)d orders", number) % {"number": number}


def result_line(run: ImportRun, *, is_dry: bool = False) -> str:
    """Return a sentence such as `54 of 54 orders were imported`. Orders that were skipped are not counted."""
    counted = run.come_over + run.failed
    if is_dry:
        words = ngettext(
            "%(done)d of %(all)d order will be imported", "%(done)d of %(all)d orders will be imported", counted
        )
    else:
        words = ngettext("%(done)d of %(all)d order was imported", "%(done)d of %(all)d orders were imported", counted)
    return words % {"done": run.come_over, "all": counted}


def counts(run: ImportRun) -> list[tuple[str, int]]:
    """Return labels with the numbers of orders by outcome and with the numbers of rows that were left out."""
    names = ("created", "updated", "unchanged", "skipped", "failed", "carts", "system_shipments")
    return [(field_label(ImportRun, name), getattr(run, name)) for name in names]


def write_table(run: ImportRun, file: TextIO, *, is_dry: bool = False) -> int:
    """Write a CSV line for each order (id on the site, outcome, reasons), and return the number of orders."""
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
    """Return the messages of one order's reasons. Leave out reasons whose code no longer exists."""
    found = (Reason.from_json(value) for value in reasons if isinstance(value, dict) and value.get("code") in _CODES)
    return [f"{reason.what} — {reason.outcome(is_dry=is_dry)}" for reason in found]
