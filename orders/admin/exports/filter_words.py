"""The filters of a list as texts."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext

from orders.export.table import Fact


def filter_words(changelist: ChangeList) -> Iterator[Fact]:
    """Yield the list, the day, the search and the chosen filters, each with its label."""
    preset = getattr(changelist, "preset", None)
    if preset is not None:
        yield gettext("List"), str(preset.label)
    day = getattr(changelist, "day", None)
    if day is not None:
        yield gettext("Day"), f"{day:%d.%m.%Y}"
    if changelist.query:
        yield pgettext("filter", "Search"), str(changelist.query)
    for spec in getattr(changelist, "filter_specs", ()):
        if words := _chosen(spec, changelist):
            yield str(capfirst(str(spec.title))), words


def _chosen(spec: Any, changelist: ChangeList) -> str:
    """Return the chosen values of a filter as texts, or an empty string if nothing is chosen."""
    given = {name: spec.used_parameters.get(name) for name in spec.expected_parameters()}
    values = [value for value in given.values() if value not in (None, "", [])]
    if not values:
        return ""
    labels = {str(key): str(label) for key, label in _choices(spec)}
    flat = [one for value in values for one in (value if isinstance(value, list | tuple) else [value])]
    return ", ".join(labels.get(str(one), str(one)) for one in flat)


def _choices(spec: Any) -> Any:
    for name in ("lookup_choices",):
        found = getattr(spec, name, None)
        if found:
            return [pair for pair in found if len(pair) == 2]
    field = getattr(spec, "field", None)
    return getattr(field, "flatchoices", None) or ()
