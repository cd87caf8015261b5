"""Recognize repeated events by a fingerprint: a hash of the event's id, or of its contents if they include a clock."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bitrix_bridge.payloads.dates import read_clock

CLOCKS = frozenset({"DATE_UPDATE", "DATE_STATUS", "TIMESTAMP_X", "WEBHOOK_TIMESTAMP"})
"""Fields with a time. Like VERSION, such a field distinguishes two events whose other values are equal."""


def fingerprint(event: str, event_id: str, data: Mapping[str, Any]) -> str | None:
    """Return a hash that is equal for all repetitions of one event, or None if the event can't be identified.

    If events have no version, no date and no event id, two events may have equal content: a status can be set twice.
    """
    if event_id:
        content = f"id {event} {event_id}"
    elif has_clock(data):
        content = json.dumps([event, data], sort_keys=True, default=str)
    else:
        return None
    return hashlib.sha256(content.encode("utf-8", errors="replace")).hexdigest()


def has_clock(data: Mapping[str, Any]) -> bool:
    """Return whether the event contains a version or a time."""
    return any(_identifies_event(str(key).upper(), value) for key, value in data.items())


def _identifies_event(name: str, value: Any) -> bool:
    return (name == "VERSION" and bool(value)) or (name in CLOCKS and read_clock(value).value is not None)
