"""Read the fields of a form, URL-encoded or multipart, as PHP reads them: `data[basket][0][NAME]` is a nested array."""

import re
from collections.abc import Iterable
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl

from bitrix_bridge.inbound.charsets import decode

_NAME = re.compile(r"([^\[]+)((?:\[[^\[\]]*\])*)")
_KEY = re.compile(r"\[([^\[\]]*)\]")
_DEEPEST = 64
"""The maximum number of keys in one name, as in PHP (`max_input_nesting_level`)."""
_MULTIPART = re.compile(rb"\s*--([^\r\n]{1,200}?)[ \t]*\r?\n(?:[^\r\n]+\r?\n)*?content-disposition:", re.IGNORECASE)


def read_url_encoded(raw: bytes, charset: str = "") -> dict[str, Any]:
    """Return the fields of an URL-encoded form."""
    # Latin-1 preserves every byte, so that the text is decoded after the percent signs have been resolved.
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return _nested((_decoded(name, charset), _decoded(value, charset)) for name, value in pairs)


def is_multipart(raw: bytes) -> bool:
    """Return whether the body is a multipart form: it begins with its boundary, even if the Content-Type is wrong."""
    return _MULTIPART.match(raw) is not None


def read_multipart(raw: bytes, charset: str = "") -> dict[str, Any]:
    """Return the fields of a multipart form. The value of a file is its text."""
    found = _MULTIPART.match(raw)
    if found is None:
        return {}
    head = b'Content-Type: multipart/form-data; boundary="' + found[1].replace(b'"', b"") + b'"\r\n\r\n'
    message = BytesParser().parsebytes(head + raw.lstrip())
    pairs = []
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            pairs.append((name, decode(content, str(part.get_param("charset") or charset))))
    return _nested(pairs)


def _decoded(text: str, charset: str) -> str:
    return decode(text.encode("latin-1"), charset)


def _nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        _put(fields, _keys(name), value)
    return {key: _with_lists(value) for key, value in fields.items()}


def _keys(name: str) -> list[str]:
    match = _NAME.fullmatch(name.strip())
    keys = [match[1].strip(), *_KEY.findall(match[2])] if match else [name]
    return keys if len(keys) <= _DEEPEST else [name]


def _put(fields: dict[str, Any], keys: list[str], value: str) -> None:
    target = fields
    for key in keys[:-1]:
        key = key or str(len(target))
        inner = target.get(key)
        if not isinstance(inner, dict):
            inner = target[key] = {}
        target = inner
    target[keys[-1] or str(len(target))] = value


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _with_lists(one) for key, one in value.items()}
    return list(inner.values()) if list(inner) == [str(number) for number in range(len(inner))] else inner
