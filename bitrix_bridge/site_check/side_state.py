"""The state of the test order on one side, which is the site or the sandbox."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bitrix_bridge.payloads.outgoing import PROPERTIES, SPELLINGS
from bitrix_bridge.sandbox.reference import ORDER_STATUSES
from orders.models import PaymentMethod
from orders.rules.pay_system_names import suggested_method
from orders.selectors.pay_systems import initial_methods

FIRST_STATUS = "N"
FINAL_STATUSES = frozenset({"CO", "CF", "RD", "DE", "F", "RF", "CN"})
"""Final statuses. The check does not set them: Bitrix and the site's handlers then change more than the status."""
STATUSES = ("AP", *(code for code in ORDER_STATUSES if code not in FINAL_STATUSES | {"AP", FIRST_STATUS}))
"""The statuses that the check may set. It sets the first status that exists on the site."""
REFERENCES = {"city": "cities", "shopId": "shops", "when": "slots"}
"""Property -> the list in the reference data that contains its values."""


@dataclass(slots=True)
class Side:
    """The site or the sandbox.

    `pay_system`, `delivery` and `order_id` are ids on this side. The other side has different ids for the same rows.
    """

    xml_id: str
    day: str
    """The delivery date of the order in the format of requests."""
    delivery: int
    pay_system: int | None = None
    status: str | None = None
    """The status that the check sets. None if no status of `STATUSES` exists on the site."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Property -> its first value in the site's reference data."""
    codes: frozenset[str] | None = None
    """The order properties that exist on the site. None until they are known."""
    order_id: int | None = None
    order: Mapping[str, Any] = field(default_factory=dict)
    """The order as it was last read."""
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    """Kind and id of an item or payment -> number. The first item has the number 1. The ids differ on both sides."""
    equivalents: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Column -> value on this side -> the equivalent value on the other side."""

    @property
    def version(self) -> int | None:
        """Return the order's version as it was last read."""
        return whole_number(self.order.get("VERSION"))

    @property
    def line_id(self) -> int:
        """Return the id of the order's only item, or 0 if the order has no items."""
        lines = rows(self.order.get("basket"))
        return whole_number(lines[0].get("ID")) or 0 if lines else 0

    @property
    def present_status(self) -> str:
        """Return the order's status as it was last read."""
        return str(self.order.get("STATUS_ID") or FIRST_STATUS)

    def number(self, kind: str, key: Any) -> int:
        """Return the number of the item or payment with this id. A new id gets the next number."""
        return self.numbers.setdefault((kind, str(key)), 1 + sum(one == kind for one, _ in self.numbers))

    def known(self, properties: Mapping[str, str]) -> dict[str, str]:
        """Return the properties that exist on the site, or all properties if it is not yet known which exist."""
        return {code: value for code, value in properties.items() if self.codes is None or code in self.codes}


def choose_pay_system(reference: Mapping[str, Any]) -> int | None:
    """Return the pay system for the order: one that the setting names, or one for cash, which uses no terminal.

    The check uses no database, so it does not know what staff have chosen.
    """
    offered = [row for row in rows(reference.get("pay_systems")) if row.get("active") is not False]
    there = {number: str(row.get("name")) for row in offered if (number := whole_number(row.get("id")))}
    configured = sorted(initial_methods().items(), key=lambda pair: pair[1] != PaymentMethod.CASH)
    wanted = [system for system, _ in configured]
    wanted += [system for system, name in there.items() if suggested_method(name) == PaymentMethod.CASH]
    return next((system for system in (*wanted, *there) if system in there), None)


def choose_status(reference: Mapping[str, Any]) -> str | None:
    """Return the status that the check sets: “accepted”, or else a status that is neither the first nor final."""
    there = {str(row.get("id")) for row in rows(reference.get("statuses"))}
    return next((code for code in STATUSES if code in there), None)


def choose_reference_values(reference: Mapping[str, Any]) -> dict[str, str]:
    """Return a city, a shop and a delivery slot of the site, with the properties as keys."""
    found = {code: rows(reference.get(name)) for code, name in REFERENCES.items()}
    return {code: str(there[0].get("id")) for code, there in found.items() if there and there[0].get("id")}


def missing_codes(codes: Iterable[str]) -> list[str]:
    """Return the order properties that the CRM sends and that do not exist on the site under any code."""
    there = set(codes)
    wanted = [(code, SPELLINGS.get(name, (code,))) for name, code in PROPERTIES.items()]
    wanted += [(code, (code,)) for code in ("name", "phone", "email")]
    return [code for code, spellings in wanted if there.isdisjoint(spellings)]


def rows(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a list. PHP encodes a list with gaps as an object."""
    found = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [row for row in found if isinstance(row, Mapping)]


def whole_number(value: Any) -> int | None:
    """Return a non-negative integer from a number or a string, or None if the value is not an integer."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
