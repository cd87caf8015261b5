"""Functions for the data of a snapshot that has no column or could not be read.

`Order.metadata` stores this data, and the timeline lists the fields that could not be read.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orders.sync.snapshot import HistoryRead, OrderSnapshot, Problem
from orders.timeline_payloads import FromSite


def merged_metadata(ours: Mapping[str, Any], snapshot: OrderSnapshot) -> dict[str, Any]:
    """Return `ours` updated with the snapshot's metadata, without the raw values of fields that can be read now.

    A list that the sender has read and found empty is removed.
    """
    merged = dict(ours)
    for part, value in snapshot.metadata.items():
        both_are_objects = isinstance(value, Mapping) and isinstance(merged.get(part), Mapping)
        merged[part] = {**merged[part], **value} if both_are_objects else value
    for part, names in snapshot.readable.items():
        kept = merged.get(part)
        if isinstance(kept, Mapping):
            sent = snapshot.metadata.get(part, {})
            left = {key: value for key, value in kept.items() if key in sent or _name(key) not in names}
            merged[part] = left
            if not left:
                del merged[part]
        elif part not in snapshot.metadata:
            merged.pop(part, None)
    return merged


def _name(key: str) -> str:
    # `basket[0].PRICE` belongs to the field `basket`, and `PRICE#2` is the second value of the field `PRICE`.
    return re.split(r"[\[#]", key, maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class Oddities:
    """The fields of the payload that could not be read, and the remarks of an import about the order."""

    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is any unreadable field or remark."""
        return bool(self.problems or self.remarks)


def new_oddities(
    snapshot: OrderSnapshot, history: HistoryRead | None, entries: Callable[[], Iterable[FromSite]]
) -> Oddities:
    """Return the unreadable fields and remarks that the order's timeline does not contain yet.

    `entries` returns the entries with unreadable fields or remarks. It is not called if the snapshot has none of them.
    """
    odd = oddities(snapshot, history)
    if not odd:
        return odd
    named = list(entries())
    problems = [problem for entry in named for problem in entry.problems]
    remarks = {remark for entry in named for remark in entry.remarks}
    return Oddities(
        problems=tuple(problem for problem in odd.problems if problem not in problems),
        remarks=tuple(remark for remark in odd.remarks if remark not in remarks),
    )


def oddities(snapshot: OrderSnapshot, history: HistoryRead | None = None) -> Oddities:
    """Return the unreadable fields of the snapshot and the remarks of the import."""
    return Oddities(problems=snapshot.problems, remarks=history.remarks if history is not None else ())
