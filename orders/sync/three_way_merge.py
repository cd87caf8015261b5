"""The three-way merge of our values, the site's values and the agreed values, field by field. It is pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from orders.sync.agreement import Agreement, is_unset
from orders.sync.fields import FIELDS, as_sent


@dataclass(frozen=True, slots=True)
class Merge:
    """The result of merging the site's values into our values."""

    taken: tuple[str, ...]
    """The fields in which the site's value replaces our value."""
    kept: Mapping[str, Any]
    """The site's value of each field that was changed on both sides and in which our value is kept."""
    yielded: Mapping[str, Any]
    """Our value of each field that was changed on both sides and in which the site decides. A manager may restore this
    value."""


def merge(
    agreement: Agreement, *, ours: Mapping[str, Any], theirs: Mapping[str, Any], site_decides: Collection[str] = ()
) -> Merge:
    """Merge the site's values into our values, and record the site's values as the agreed ones.

    Fields that are missing from `theirs` are not changed. The site has changed a field if its value differs from the
    agreed value and is not one that the CRM sent. The CRM has changed a field if our value differs from the agreed
    value. A change made on the site to a field that can't be pushed is always applied. If a field follows another field
    (`Field.follows`), both get the value of the same side.
    """
    taken: list[str] = []
    kept: dict[str, Any] = {}
    yielded: dict[str, Any] = {}
    following = {name: FIELDS[name].follows for name in theirs if name in FIELDS and FIELDS[name].follows}
    for name, value in theirs.items():
        if name in following:
            continue
        mine = as_sent(name, ours[name])
        if value not in (mine, ours[name]) and _site_changed(agreement, name, value):
            if not _we_changed(agreement, name, mine):
                taken.append(name)
            elif name in site_decides:
                taken.append(name)
                yielded[name] = mine
            else:
                kept[name] = value
        agreement.settle({name: value})
    for name, source in following.items():
        if source not in theirs:
            continue  # the site did not report the field from which this one is computed
        agreement.settle({name: theirs[name]})
        if source in agreement.damaged:
            continue  # the site has computed the field from values that it has damaged
        if theirs[name] != ours[name] and (source in taken or ours[source] == theirs[source]):
            taken.append(name)
    return Merge(tuple(taken), kept, yielded)


def _site_changed(agreement: Agreement, name: str, value: Any) -> bool:
    """Return whether the value is a change made on the site and not an echo.

    An echo may arrive after the field has been changed in the CRM again.
    """
    known = FIELDS.get(name)
    may_be_echo = value in agreement.sent.get(name, ()) and not (known and value in known.never_echo)
    return value != agreement.value(name) and not may_be_echo


def _we_changed(agreement: Agreement, name: str, mine: Any) -> bool:
    """Return whether our value is a change that can be pushed."""
    known = FIELDS.get(name)
    is_pushed = known is None or known.is_pushed
    return is_pushed and mine != agreement.value(name) and not is_unset(name, mine)
