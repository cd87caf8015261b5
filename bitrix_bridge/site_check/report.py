"""Build the report of a site check, for the screen and for a file that can be sent to others."""

import json
from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.site_check.calls import Call
from bitrix_bridge.site_check.check import Outcome
from bitrix_bridge.site_check.cleanup import Leftover
from bitrix_bridge.site_check.masking import mask_answer, mask_text, texts_in
from bitrix_bridge.site_check.sentences import sentence_in_step
from bitrix_bridge.site_check.step_runner import Mark, Result
from cvety_crm.masking import mask

TITLE_WIDTH = 40


def step_line(result: Result) -> str:
    """Return the line of a step, with its mark, its title and its duration in milliseconds."""
    line = f"{result.mark.value} {result.title:<{TITLE_WIDTH}}"
    if result.milliseconds:
        line += gettext("%(number)s ms") % {"number": f"{result.milliseconds:6}"}
    if result.note or result.reason:
        line += f"  {mask(result.note or result.reason)}"
    return line.rstrip()


def closing_lines(outcome: Outcome) -> Iterator[str]:
    """Yield the lines below the steps: the differences as sentences, and the summary."""
    sentences = [mask(sentence_in_step(result.title, one)) for result in outcome.results for one in result.differences]
    if sentences:
        yield ""
        yield gettext("Differences:")
        yield from (f"  {number}. {text}" for number, text in enumerate(sentences, start=1))
    yield ""
    counts = {name: outcome.count(mark) for name, mark in (("well", Mark.AS_EXPECTED), ("other", Mark.DIFFERENT))}
    counts["left"] = outcome.count(Mark.NOT_DONE)
    yield gettext("Steps as expected: %(well)d, with differences: %(other)d, not done: %(left)d.") % counts
    if outcome.problem:
        yield mask(outcome.problem)
    if outcome.leftover:
        yield from leftover_lines(outcome.leftover)


def leftover_lines(leftover: Leftover) -> Iterator[str]:
    """Yield lines that describe which order is left on the site and how it can be deleted by hand."""
    names = {"number": leftover.order_id, "xml_id": leftover.xml_id, "why": mask(leftover.why)}
    if leftover.order_id is None:
        yield gettext("The order of the check may still be on the site, XML_ID %(xml_id)s: %(why)s.") % names
    else:
        yield (
            gettext("The order of the check could not be deleted, its ID is %(number)d (%(xml_id)s): %(why)s.") % names
        )
    yield gettext(
        "Delete it there by hand (in Bitrix: shop, orders; its texts say that it is a check), or run check_site again: "
        "it offers to delete such orders."
    )


def file_text(outcome: Outcome) -> str:
    """Return the whole report with every response of the site. Secrets, addresses and personal data are masked."""
    own = frozenset(texts_in([call.request for result in outcome.results for call in result.calls]))
    heading = {"version": outcome.version, "date": timezone.localtime().isoformat(sep=" ", timespec="minutes")}
    lines = [*(step_line(result) for result in outcome.results), *closing_lines(outcome)]
    answers = [_step(result, own) for result in outcome.results]
    return "\n".join(
        [
            gettext("Check of the site's bridge, version %(version)s, on %(date)s") % heading,
            "",
            *(mask_text(line) for line in lines),
            "",
            gettext("Answers of the site:"),
            json.dumps(answers, ensure_ascii=False, indent=1, default=str),
            "",
        ]
    )


def _step(result: Result, own: frozenset[str]) -> dict[str, Any]:
    step: dict[str, Any] = {
        "step": result.key,
        "ended": result.mark.name.lower(),
        "milliseconds": result.milliseconds,
        "calls": [_call(call, own) for call in result.calls],
    }
    if result.reason:
        step["reason"] = mask_text(result.reason)
    if result.differences:
        step["differences"] = [mask_text(sentence_in_step(result.title, one)) for one in result.differences]
        step["expected"] = mask_answer(result.expected, own)
    return step


def _call(call: Call, own: frozenset[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {"request": call.request}
    if call.reply is None:
        return shown | {"no_answer": mask_text(call.failure)}
    shown |= {"status": call.reply.status, "milliseconds": call.reply.milliseconds}
    if call.reply.body is None:
        return shown | {"text": mask_text(call.reply.first_line)}
    return shown | {"answer": mask_answer(call.reply.body, own)}
