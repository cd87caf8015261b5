"""Lines that several kinds of entries share."""

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
    """Yield a comment, if there is one."""
    if text:
        yield gettext("Comment: %(text)s") % {"text": names.masked(text)}


def courier(name: str) -> Iterator[str]:
    """Yield a courier's name, if there is one."""
    if name:
        yield gettext("Courier: %(name)s") % {"name": name}


def remarks(payload: FromSite, names: Names) -> Iterator[str]:
    """Yield the remarks on the site's copy of the order."""
    yield from (names.masked(remark) for remark in payload.remarks)


def problems(payload: FromSite, names: Names) -> Iterator[str]:
    """Yield the fields that could not be read, under the site's names because ours are not known."""
    for problem in payload.problems:
        yield problem_text(replace(problem, value=HIDDEN) if names.hidden else problem)


def site_values(values: Mapping[str, Any], names: Names) -> Iterator[str]:
    """Yield the site's values."""
    for name, value in values.items():
        yield gettext("On the site: %(field)s — %(value)s") % {
            "field": field_label(name),
            "value": value_text(name, value, names),
        }
