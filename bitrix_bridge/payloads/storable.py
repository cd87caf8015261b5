"""Raw values of a payload in a form that jsonb takes and that comes back from it unchanged."""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from bitrix_bridge.payloads.secrets import is_secret
from orders.values.text import storable_text

_DEEPEST = 40
"""Levels of nesting kept as structure; json and PostgreSQL both give up at some depth, text has none."""

_COUNTED = 9

_LARGEST_BITS = 1024
"""Python refuses to print an int of more than 4300 digits."""


def storable(value: Any) -> Any:
    """Return `value` as plain JSON without secrets, NUL, lone surrogates, NaN and infinities. Never raises.

    Decimals become strings (money is a string on the wire), dates ISO 8601, what nests deeper than 40 levels
    JSON text.
    """
    return _storable(value, _DEEPEST)


def add_under_free_key(target: dict[str, Any], key: str, value: Any) -> None:
    """Put `value` under `key`, or under `key#2`, `key#3`… when that is taken by another value."""
    key = storable_text(key)
    free, number = key, 1
    while free in target and target[free] != value:
        # Counting on from 2 would take for ever when thousands of values share one key.
        number = number + 1 if number < _COUNTED else max(number + 1, len(target))
        free = f"{key}#{number}"
    target[free] = value


def _storable(value: Any, levels: int) -> Any:
    match value:
        case None | bool():
            return value
        case str():
            return storable_text(str(value))
        case int():
            return int(value) if value.bit_length() <= _LARGEST_BITS else hex(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime() | date():
            return value.isoformat()
        case Mapping() | list() | tuple():
            return _container(value, levels)
        case _:  # Decimal, and what a database driver may bring
            return storable_text(str(value))


def _container(value: Any, levels: int) -> Any:
    if levels == 0:
        return _as_text(value)
    if not isinstance(value, Mapping):
        return [_storable(element, levels - 1) for element in value]
    plain: dict[str, Any] = {}
    for key, element in value.items():
        if not is_secret(str(key)):
            add_under_free_key(plain, str(key), _storable(element, levels - 1))
    return plain


def _as_text(value: Any) -> str:
    try:
        return storable_text(json.dumps(value, ensure_ascii=False, default=str))
    except (RecursionError, ValueError, TypeError):
        return "…"
