"""Find the payment method of an order: by its pay system, and by the properties that the customer has filled in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bitrix_bridge.payloads.amounts import read_id
from bitrix_bridge.payloads.properties import joined
from bitrix_bridge.payloads.translation import ABSENT, Fields, as_typed, is_empty

METHOD_PROPERTY = "METHOD_PAY"
KASPI_PHONE = "kaspiPhone"
_METHODS = (
    ("kaspi", re.compile(r"kaspi|каспи", re.IGNORECASE)),
    ("cash", re.compile(r"налич|cash", re.IGNORECASE)),
    ("card", re.compile(r"\bкарт|card|visa|cloudpayments", re.IGNORECASE)),
    ("transfer", re.compile(r"перевод|transfer|\bсч[её]т", re.IGNORECASE)),
)
_NEGATION = re.compile(r"безналич|\bне\b|\bno\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Method:
    """The payment method of an order, and the text that names an unknown method. Both may be empty."""

    value: str = ""
    unread: str = ""


def read_method(systems: Sequence[tuple[int, str]], properties: Fields, pay_systems: Mapping[int, str]) -> Method:
    """Return the payment method, or the text that names an unknown one.

    `systems` contains the id and the name of each pay system of the order. A pay system that `pay_systems` maps decides
    first, then the property `METHOD_PAY`, and then a phone in `kaspiPhone`. The name of a pay system decides nothing:
    the shop maps each pay system itself.
    """
    mapped = next((pay_systems[key] for key, _name in systems if key in pay_systems), None)
    if mapped is not None:
        return Method(mapped)
    entered = properties.peek(METHOD_PROPERTY)
    text = "" if entered is ABSENT or is_empty(entered) else as_typed(joined(entered))
    method = _method_in(text, pay_systems)
    if method is None and not text and not is_empty(joined(_present(properties.peek(KASPI_PHONE)))):
        method = "kaspi"
    if method is not None:
        return Method(method)
    named = [f"{name} (№ {key})" if name else f"№ {key}" for key, name in systems]
    return Method(unread=", ".join([*([text] if text else []), *named]))


def _present(raw: Any) -> Any:
    return None if raw is ABSENT else raw


def _method_in(text: str, pay_systems: Mapping[int, str]) -> str | None:
    """Return the payment method that the text names, or None if it names none or several."""
    if (key := read_id(text).value) is not None:
        return pay_systems.get(key)
    if _NEGATION.search(text):
        return None
    found = [method for method, words in _METHODS if words.search(text)]
    return found[0] if len(found) == 1 else None
