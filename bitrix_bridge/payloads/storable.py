"""Convert raw values of a payload to a form that jsonb stores and returns unchanged."""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from bitrix_bridge.payloads.memory import Memory, is_short
from bitrix_bridge.payloads.secrets import is_secret
from orders.values.text import storable_text

_DEEPEST = 40
"""The maximum depth of nested values. Deeper values become JSON strings, because `json` and PostgreSQL have a limit."""

_COUNTED = 9

_LARGEST_BITS = 1024
"""The limit for integers. Python refuses to convert an int of more than 4300 digits to a string."""


def storable(value: Any) -> Any:
    """Return `value` as plain JSON without secrets, NUL, lone surrogates, NaN and infinities.

    Decimals become strings, as amounts of money are in payloads. Dates become strings in ISO 8601, and values nested
    deeper than 40 levels become JSON strings. No exception is raised.
    """
    return storable_text(value) if type(value) is str else _storable(value, _DEEPEST)


def add_under_free_key(target: dict[str, Any], key: str, value: Any) -> None:
    """Store `value` under `key`, or under `key#2`, `key#3`… if the key already has a different value."""
    key = storable_text(key)
    free, number = key, 1
    while free in target and target[free] != value:
        # Counting up from 2 would be too slow when thousands of values share one key.
        number = number + 1 if number < _COUNTED else max(number + 1, len(target))
        free = f"{key}#{number}"
    target[free] = value


def _storable(value: Any, levels: int) -> Any:
    # Nearly all values of a webhook have one of these types, which are found faster than by the cases below.
    kind = type(value)
    if kind is str:
        return storable_text(value)
    if kind is dict or kind is list:
        return _container(value, levels)
    match value:
        case None | bool():
            return value
        case int():
            return int(value) if value.bit_length() <= _LARGEST_BITS else hex(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime() | date():
            return value.isoformat()
        case Mapping() | list() | tuple():
            return _container(value, levels)
        case _:  # text, Decimal, and types that a database driver may return
            return storable_text(str(value))


def _container(value: Any, levels: int) -> Any:
    if levels == 0:
        return _as_text(value)
    if not isinstance(value, dict | Mapping):
        return [_storable(element, levels - 1) for element in value]
    plain: dict[str, Any] = {}
    for key, element in value.items():
        name = STORED_NAMES[str(key)]
        if name is not None:
            stored = _storable(element, levels - 1)
            if name in plain:
                add_under_free_key(plain, name, stored)
            else:
                plain[name] = stored
    return plain


def _stored_name(name: str) -> str | None:
    return None if is_secret(name) else storable_text(name)


STORED_NAMES = Memory(_stored_name, is_remembered=is_short, most=4096)
"""Name of a field -> the name under which its value is stored, or None if it is a secret, which must not be stored."""


def _as_text(value: Any) -> str:
    try:
        return storable_text(json.dumps(value, ensure_ascii=False, default=str))
    except (RecursionError, ValueError, TypeError):
        return "…"
