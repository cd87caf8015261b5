"""Lines that several kinds of timeline entries have in common."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext

from orders.presentation.timeline.labels import field_label, problem_text
from orders.presentation.timeline.names import Names
from orders.presentation.timeline.values import value_text
from orders.rules.visibility import HIDDEN
from orders.timeline_payloads import FromSite


def comment(text: str, names: Names) -> Iterator[str]:
    """Yield the comment unless it is empty, with phones masked if the reader may not see them."""
    if text:
        yield gettext("Comment: %(text)s") % {"text": names.masked(text)}


def courier(name: str) -> Iterator[str]:
    """Yield the courier's name unless it is empty."""
    if name:
        yield gettext("Courier: %(name)s") % {"name": name}


def remarks(payload: FromSite, names: Names) -> Iterator[str]:
    """Yield the remarks about unusual data of the order in the copy of the site's database."""
    yield from (names.masked(remark) for remark in payload.remarks)


def problems(payload: FromSite, names: Names) -> Iterator[str]:
    """Yield the fields that could not be read, with their names on the site. Their names in the CRM are not known.

    The values are hidden if there are any fields that the reader may not see.
    """
    for problem in payload.problems:
        yield problem_text(replace(problem, value=HIDDEN) if names.hidden else problem)


def site_values(values: Mapping[str, Any], names: Names) -> Iterator[str]:
    """Yield one line for each value of the site, with the label of its field."""
    for name, value in values.items():
        yield gettext("On the site: %(field)s — %(value)s") % {
            "field": field_label(name),
            "value": value_text(name, value, names),
        }
