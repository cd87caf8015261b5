"""Find the payment method of an order: by its pay system, and by the properties that the customer has filled in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bitrix_bridge.payloads.amounts import read_id
from bitrix_bridge.payloads.properties import joined
from bitrix_bridge.payloads.translation import ABSENT, Fields, as_typed, is_empty
from orders.sync.unknown import system_token

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
    """The payment method of an order."""

    value: str = ""
    """The method, or an empty string if it is unknown or not named."""
    unread: str = ""
    """The text that names an unknown method: what the customer has entered, and the ids of the pay systems."""
    system: int | None = None
    """The pay system that decides, or None if the order names no pay system."""
    system_name: str = ""
    entered: Mapping[str, str] = field(default_factory=dict)
    """What the customer has entered: the `method`, or a `text` that names none."""


def read_method(systems: Sequence[tuple[int, str]], properties: Fields, pay_systems: Mapping[int, str]) -> Method:
    """Return the payment method with everything that it was read from.

    `systems` contains the id and the name of each pay system of the order, `pay_systems` the chosen method of each
    known pay system, which may be empty. A pay system with a method decides first, then the property `METHOD_PAY`, and
    then a phone in `kaspiPhone`. The name of a pay system decides nothing: the shop chooses the method itself.
    """
    entered = properties.peek(METHOD_PROPERTY)
    text = "" if entered is ABSENT or is_empty(entered) else as_typed(joined(entered))
    if not systems and (key := read_id(text).value) is not None and key in pay_systems:
        systems, text = [(key, "")], ""
    method = _method_in(text, pay_systems)
    if method is None and not text and not is_empty(joined(_present(properties.peek(KASPI_PHONE)))):
        method = "kaspi"
    said = {"method": method} if method else {"text": text} if text else {}
    decisive = next((system for system in systems if pay_systems.get(system[0])), systems[0] if systems else None)
    key, name = decisive or (None, "")
    value = (pay_systems.get(key) if key is not None else None) or method or ""
    unread = "" if value else ", ".join([*([text] if text else []), *(system_token(key) for key, _name in systems)])
    return Method(value, unread, key, name, said)


def _present(raw: Any) -> Any:
    return None if raw is ABSENT else raw


def _method_in(text: str, pay_systems: Mapping[int, str]) -> str | None:
    """Return the payment method that the text names, or None if it names none or several."""
    if (key := read_id(text).value) is not None:
        return pay_systems.get(key) or None
    if _NEGATION.search(text):
        return None
    found = [method for method, words in _METHODS if words.search(text)]
    return found[0] if len(found) == 1 else None
