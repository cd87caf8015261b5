"""Read the warnings and the refused fields in a response of the bridge."""

from collections.abc import Iterator, Mapping
from typing import Any

from bitrix_bridge.payloads.order import read_order
from bitrix_bridge.payloads.outgoing import field_of
from cvety_crm.masking import truncate_masked
from orders.sync.fields import ITEMS, comparable
from orders.sync.site_response import UNNAMED, FieldRefusal, SiteResponse, SiteWarning

VALUE_CODES = frozenset({"property_too_long", "property_unknown_value"})
"""Error codes for a value that the property can't store. The site refuses such a value every time."""
MOST = 50
_LONGEST = 500


def read_response(answer: Mapping[str, Any]) -> SiteResponse:
    """Return the warnings and refusals of a response. Entries of an unknown format are left out.

    A bridge before version 1.2 sends warnings as strings. A refused field that does not exist in the CRM (such as the
    e-mail address of the account) becomes a warning for staff.
    """
    warnings = [warning for row in _rows(answer.get("warnings")) if (warning := _warning(row)) is not None]
    refused: dict[str, FieldRefusal] = {}
    for row in _rows(answer.get("refused")):
        if not isinstance(row, Mapping):
            continue
        what, code, message = (_text(row, name) for name in ("what", "code", "message"))
        name = field_of(what)
        if name is not None:
            refused.setdefault(name, FieldRefusal(code, message or code, code in VALUE_CODES))
        elif what and message:
            warnings.append(SiteWarning(code, message, about=what))
    return SiteResponse(tuple(warnings), refused, _held(answer))


def _held(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored values that differ from the request, read like the values of an event."""
    order: dict[str, Any] = {"ID": 1, "properties": {}}
    for row in _rows(answer.get("held")):
        if isinstance(row, Mapping) and isinstance(row.get("value"), str):
            part, _dot, name = _text(row, "what").partition(".")
            if part in ("fields", "properties"):
                (order if part == "fields" else order["properties"])[name] = row["value"]
    names = {
        field_of(f"{part}.{key}")
        for part, values in (("fields", order), ("properties", order["properties"]))
        for key in values
    }
    fields = read_order(order).fields if names != {None} else {}
    return {name: comparable(value) for name, value in fields.items() if name in names}


def _warning(row: Any) -> SiteWarning | None:
    if isinstance(row, str) and row.strip():
        return SiteWarning(UNNAMED, _keep(row))
    if not isinstance(row, Mapping):
        return None
    code, message = _text(row, "code"), _text(row, "message")
    if not (code or message):
        return None
    about, name = _text(row, "property"), None
    if about:
        name = field_of(f"properties.{about}")
    elif about := _text(row, "product_id"):
        name = ITEMS
    return SiteWarning(code, message or code, about, name or "", _text(row, "amount"))


def _rows(raw: Any) -> Iterator[Any]:
    rows = list(raw.values()) if isinstance(raw, Mapping) else raw
    yield from rows[:MOST] if isinstance(rows, list) else ()


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return _keep(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _keep(text: str) -> str:
    return truncate_masked(text.strip(), _LONGEST)
