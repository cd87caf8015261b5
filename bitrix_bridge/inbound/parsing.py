"""Parse the body of a webhook: JSON, a form, or a serialized PHP array. Its values may have any type that PHP sends."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address
from typing import Any

from django.utils.http import parse_header_parameters

from bitrix_bridge.inbound.charsets import decode
from bitrix_bridge.inbound.forms import is_multipart, read_multipart, read_url_encoded
from bitrix_bridge.inbound.inbox import Incoming
from bitrix_bridge.inbound.posted_orders import is_posted, order_key
from bitrix_bridge.inbound.transport import BadBodyError
from bitrix_bridge.payloads import PayloadError, object_id
from bitrix_bridge.payloads.php_values import looks_serialized, unserialize
from bitrix_bridge.payloads.storable import storable

_AROUND = "\0\ufeff \t\r\n"
"""Characters before and after the body that mean nothing. C programs append NUL."""
_LONGEST_INTEGER = 1000
_ENCODED_OBJECT = "%7b"


def parse_body(raw: bytes, content_type: str = "") -> dict[str, Any]:
    """Return the object of the body without secrets, in a form that jsonb can store.

    The content decides what the body is, because `Content-Type` is often wrong. Raise `BadBodyError` if the body
    contains no object.
    """
    charset = _charset(content_type)
    try:
        parsed = _parse(raw, charset)
    except json.JSONDecodeError as error:
        message = f"the body is not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        raise BadBodyError(message, received=raw) from error
    except (ValueError, RecursionError) as error:
        message = f"the body is not JSON that can be read: {type(error).__name__}"
        raise BadBodyError(message, received=raw) from error
    if not isinstance(parsed, dict):
        raise BadBodyError(f"the body is {_kind(parsed)}, not an object", received=raw)
    stored: dict[str, Any] = storable(_unpacked(parsed))
    return stored


def read_incoming(body: Mapping[str, Any], *, known: bool, remote_addr: str | None) -> Incoming:
    """Return the event of a body.

    Raise `BadBodyError` if the event has no name, or if a known event has no valid `data` or no valid id.
    """
    event = body.get("event")
    if not isinstance(event, str) or not event.strip():
        raise BadBodyError("event: a non-empty string is needed")
    data = body.get("data")
    if known and not isinstance(data, Mapping):
        raise BadBodyError(f"data: an object is needed, not {_kind(data)}")
    data = data if isinstance(data, Mapping) else {}
    key: int | None = None
    try:
        if is_posted(event, data):
            order_key(data)
        else:
            key = object_id(data)
    except PayloadError as error:
        if known:
            raise BadBodyError(str(error)) from error
    event_id = body.get("event_id") or data.get("event_id") or ""
    return Incoming(
        event=event.strip(),
        object_id=key,
        data=data,
        event_id=event_id if isinstance(event_id, str) else "",
        remote_addr=address_of(remote_addr),
        payload={name: value for name, value in body.items() if name != "token"},
    )


def address_of(text: str | None) -> str | None:
    """Return the IP address in the form that PostgreSQL accepts, or None if the text is no address."""
    # A Unix socket has no address, and a proxy's header may contain any string. PostgreSQL refuses `fe80::1%eth0`.
    try:
        return str(ip_address((text or "").strip().partition("%")[0]))
    except ValueError:
        return None


def _charset(content_type: str) -> str:
    try:
        return parse_header_parameters(content_type)[1].get("charset", "")
    except (LookupError, ValueError):  # a parameter in an encoding that does not exist
        return ""


def _parse(raw: bytes, charset: str) -> Any:
    if is_multipart(raw):
        return read_multipart(raw, charset)
    text = decode(raw, charset).strip(_AROUND)
    if not text:
        raise BadBodyError("the body is empty", received=raw)
    if looks_serialized(text):
        return unserialize(text)
    if text[:3].lower() == _ENCODED_OBJECT and "=" not in text:
        # The value of a form without a name, as curl's --data-urlencode sends it.
        return _json("".join(read_url_encoded(raw.strip(b"\0 \t\r\n"), charset)))
    if text[:1].isascii() and (text[:1].isalpha() or text[:1] in "%_") and "=" in text:
        return read_url_encoded(raw.strip(b"\0 \t\r\n"), charset)
    parsed = _json(text)
    return _json(parsed) if isinstance(parsed, str) and parsed.startswith("{") else parsed


def _json(text: str) -> Any:
    # A value that makes no sense is kept as a text. It is an error only if its field is read.
    return json.loads(text, strict=False, parse_float=_float, parse_int=_integer, parse_constant=str)


def _float(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= _LONGEST_INTEGER else text


def _unpacked(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with the object that one of its fields contains as text: JSON or a serialized array."""
    if isinstance(body.get("data"), str):
        return {**body, "data": _object_in(body["data"])}
    if "event" not in body:
        objects = [found for value in body.values() if isinstance(found := _object_in(value), dict)]
        if len(objects) == 1 and "event" in objects[0]:
            return {**body, **objects[0]}
    return body


def _object_in(value: Any) -> Any:
    """Return the array or object that a text contains. Return any other value unchanged."""
    if not isinstance(value, str):
        return value
    text = value.strip(_AROUND)
    try:
        if text.startswith(("{", "[")):
            return _json(text)
        return unserialize(text) if text.startswith("a:") else value
    except (ValueError, RecursionError):
        return value


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
