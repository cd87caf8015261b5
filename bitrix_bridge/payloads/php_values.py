"""Parse serialized PHP values. No code is executed. The lengths in serialized values are in bytes."""

import re
from typing import Any

import phpserialize

_SERIALIZED = re.compile(r"(?:a:\d+:\{|s:\d+:\"|i:-?\d+;|b:[01];|d:[-\d.]|N;)")


def looks_serialized(text: str) -> bool:
    """Return whether the string begins like a serialized PHP value."""
    return _SERIALIZED.match(text) is not None


def unserialize(text: str) -> Any:
    """Return the value with PHP lists as lists and other arrays as dictionaries.

    Raise `ValueError` if the string is not a serialized value or contains an object.
    """
    try:
        value = phpserialize.loads(text.encode("utf-8"), decode_strings=True)
    except (ValueError, TypeError, IndexError, KeyError, RecursionError, OverflowError) as error:
        raise ValueError("not a serialized value") from error
    return _plain(value)


def _plain(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if list(value) == list(range(len(value))):
        return [_plain(one) for one in value.values()]
    return {str(key): _plain(one) for key, one in value.items()}
