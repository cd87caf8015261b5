"""What the database of the site stores of a value: a site may lack letters, lengths and decimals.

The profile of a site is `Site.storage`. MySQL in strict mode refuses a value that does not fit, so only a database that
is not in strict mode loses a part of it. All functions are pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from .payments import parts_sum
from .values import Order, money, rounded

TEXTS = ("USER_DESCRIPTION", "COMMENTS")
PROPERTY = "VALUE"
"""The name of the column of all properties in `ColumnStorage.lengths`."""


@dataclass(frozen=True)
class ColumnStorage:
    """The charset, lengths and decimals of a site, and what it does to a letter that the charset does not have.

    `lengths` are characters for the columns of `TEXTS` and for `PROPERTY`. `changes` replaces whole stored texts, as an
    event handler of the site could.
    """

    charset: Literal["utf8mb4", "utf8mb3", "cp1251"] = "utf8mb4"
    missing: Literal["?", "cut"] = "?"
    lengths: Mapping[str, int] = field(default_factory=dict)
    price_decimals: int = 2
    quantity_decimals: int = 4
    collapses_spaces: bool = False
    changes: Mapping[str, str] = field(default_factory=dict)

    def text(self, text: str, column: str) -> str:
        """Return what the column stores of a text."""
        text = self.changes.get(text, text)
        stored = ""
        for letter in text:
            if self._has(letter):
                stored += letter
            elif self.missing == "cut":
                break
            else:
                stored += "?"
        if self.collapses_spaces:
            stored = "\r\n".join(" ".join(line.split()) for line in stored.splitlines())
        return stored[: self.lengths.get(column, len(stored))]

    def _has(self, letter: str) -> bool:
        if self.charset == "cp1251":
            return letter.encode("cp1251", "ignore") != b""
        return self.charset == "utf8mb4" or ord(letter) <= 0xFFFF

    def value(self, value: Any, column: str) -> Any:
        """Return what the column stores of a value, which may be a list."""
        if isinstance(value, list):
            return [self.value(one, column) for one in value]
        return self.text(value, column) if isinstance(value, str) else value

    def stored(self, order: Order) -> Order:
        """Return what the site stores of an order."""
        if self == ColumnStorage():
            return order
        stored = order | {name: self.value(order[name], name) for name in TEXTS}
        stored["properties"] = {code: self.value(value, PROPERTY) for code, value in order["properties"].items()}
        stored["basket"] = [self._line(line) for line in order["basket"]]
        if stored["basket"] != order["basket"]:
            stored["PRICE"] = money(rounded(parts_sum(stored)))
        return stored

    def _line(self, line: Order) -> Order:
        price = _quantized(line["PRICE"], self.price_decimals)
        return line | {"PRICE": price, "QUANTITY": _quantized(line["QUANTITY"], self.quantity_decimals)}

    def report(self) -> dict[str, Any]:
        """Return the answer of a `ping` about the storage."""
        length = self.lengths.get
        columns: dict[str, dict[str, Any]] = {
            "fields.USER_DESCRIPTION": {"charset": self.charset, "length": length("USER_DESCRIPTION", 2000)},
            "fields.COMMENTS": {"charset": self.charset, "length": length("COMMENTS", 65535)},
            "properties": {"charset": self.charset, "length": length(PROPERTY, 500)},
        }
        if "COMMENTS" not in self.lengths:
            columns["fields.COMMENTS"]["bytes"] = True
        return {
            "charset": self.charset,
            "columns": columns,
            "decimals": {"price": self.price_decimals, "quantity": self.quantity_decimals},
        }


def _quantized(text: str, decimals: int) -> str:
    return money(Decimal(text).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
