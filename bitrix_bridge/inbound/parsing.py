"""Parse the body of a webhook. It must be valid JSON, but its values may have any of the types that PHP sends."""

import json
from collections.abc import Mapping
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, NoReturn

from bitrix_bridge.inbound.inbox import Incoming
from bitrix_bridge.payloads import PayloadError, object_id
from bitrix_bridge.payloads.storable import storable


class BadBodyError(Exception):
    """The body is not accepted. The message describes the error and its position in English, for the sender's log."""


def parse_body(body: bytes) -> dict[str, Any]:
    """Return the JSON object of the body without secrets, in a form that jsonb can store.

    Raise `BadBodyError` if the body is not a JSON object.
    """
    try:
        parsed = json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise BadBodyError(f"the body is not UTF-8: byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise BadBodyError(f"the body is not JSON: {error.msg} at line {error.lineno} column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise BadBodyError(f"the body is not JSON that can be read: {type(error).__name__}") from error
    if not isinstance(parsed, dict):
        raise BadBodyError(f"the body is {_kind(parsed)}, not an object")
    stored: dict[str, Any] = storable(parsed)
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
    try:
        key = object_id(data)
    except PayloadError as error:
        if known:
            raise BadBodyError(str(error)) from error
        key = None
    event_id = body.get("event_id") or data.get("event_id") or ""
    return Incoming(
        event=event.strip(),
        object_id=key,
        data=data,
        event_id=event_id if isinstance(event_id, str) else "",
        remote_addr=_address(remote_addr),
        payload={name: value for name, value in body.items() if name != "token"},
    )


def _address(text: str | None) -> str | None:
    # A Unix socket has no address, and a proxy's header may contain any string. PostgreSQL refuses `fe80::1%eth0`.
    try:
        return str(ip_address((text or "").strip().partition("%")[0]))
    except ValueError:
        return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
