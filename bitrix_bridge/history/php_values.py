"""Read PHP's serialized values with a parser, without evaluating them. Their lengths are in bytes."""

import re
from typing import Any

import phpserialize

_SERIALIZED = re.compile(r"(?:a:\d+:\{|s:\d+:\"|i:-?\d+;|b:[01];|d:[-\d.]|N;)")


def looks_serialized(text: str) -> bool:
    """Return whether the text begins like a serialized PHP value."""
    return _SERIALIZED.match(text) is not None


def unserialize(text: str) -> Any:
    """Return the value: PHP lists as lists, other arrays as dictionaries. Raises `ValueError` for objects too."""
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
