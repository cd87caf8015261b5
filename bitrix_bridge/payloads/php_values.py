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


def unserialize_packed(raw: bytes) -> Any:
    """Return the value with strings as bytes, arrays as dictionaries with string keys, and dates as strings.

    A date is an object of PHP or of Bitrix. The result is the text of the column from which PHP has read the date,
    because the object contains the time of the clock. Raise `ValueError` if the value cannot be read or contains an
    object of a different class.
    """
    try:
        return _with_text_keys(phpserialize.loads(raw, object_hook=_date))
    except (ValueError, TypeError, IndexError, KeyError, RecursionError, OverflowError) as error:
        raise ValueError("not a serialized value") from error


def _date(name: bytes, values: dict[bytes, Any]) -> Any:
    if name in (rb"Bitrix\Main\Type\DateTime", rb"Bitrix\Main\Type\Date"):
        value = values.get(b"\0*\0value")
        # A date without a time of day is stored without one, too.
        return value[:10] if name.endswith(b"Date") and isinstance(value, bytes) else value
    if name in (b"DateTime", b"DateTimeImmutable") and isinstance(values.get(b"date"), bytes):
        return values[b"date"][:19]
    raise ValueError("an object that is not a date")


def _with_text_keys(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key): _with_text_keys(one)
        for key, one in value.items()
    }


def _plain(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if list(value) == list(range(len(value))):
        return [_plain(one) for one in value.values()]
    return {str(key): _plain(one) for key, one in value.items()}
