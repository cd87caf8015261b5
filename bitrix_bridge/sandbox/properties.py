"""The order properties of the site, and what Bitrix does with values that a property does not allow.

This module has no lock of its own: the site holds its lock during each call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import SiteError, invalid
from .values import text_of

# The length of the column VALUE of b_sale_order_props_value.
LONGEST = 500

CODES = (
    *("name", "phone", "email", "nameRecipient", "phoneRecipient", "addressRecipient", "data", "when", "city"),
    *("shopId", "postcardText", "pickup", "iWillGet", "isAnonymous", "isSurprise"),
    *("apartment", "floor", "intercom", "company", "notes"),
)

NAMES = {
    "apartment": "Квартира",
    "floor": "Этаж",
    "intercom": "Домофон",
    "company": "Компания",
    "notes": "Примечание к доставке",
}
"""The names of the properties that the CRM shows under the site's own name."""


@dataclass(frozen=True)
class Property:
    """A property of the person type. If the property is a list, `variants` are its allowed values."""

    code: str
    longest: int = LONGEST
    variants: tuple[str, ...] | None = None

    def refusal(self, value: Any) -> SiteError | None:
        """Return the refusal of a value that the property does not allow, or None if it allows the value."""
        for text in value if isinstance(value, list) else [value]:
            if len(text) > self.longest:
                message = f"Свойство заказа «{self.code}»: длина больше {self.longest} символов"
                return invalid("property_too_long", message, "properties")
            if self.variants is not None and text and text not in self.variants:
                message = f"Свойство заказа «{self.code}»: в списке сайта нет значения «{text}»"
                return invalid("property_unknown_value", message, "properties")
        return None

    def is_storable(self, value: Any) -> bool:
        """Return whether the value fits the column. Bitrix also stores values that the property does not allow."""
        return all(len(text) <= LONGEST for text in (value if isinstance(value, list) else [value]))


class Properties:
    """Every order property of the site."""

    def __init__(self) -> None:
        """Define the properties that the shop's site has."""
        self._known = {code: Property(code) for code in CODES}

    def get(self, code: str) -> Property | None:
        """Return the property of this code, or None if the site has no such property."""
        return self._known.get(code)

    def define(self, code: str, *, longest: int = LONGEST, variants: list[str] | None = None) -> None:
        """Define a property, or change its limits."""
        self._known[code] = Property(code, longest, None if variants is None else tuple(variants))

    def complete(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return an order's properties with all codes. Properties that are not set are empty strings."""
        return dict.fromkeys(self._known, "") | values


def names_of(values: dict[str, Any]) -> dict[str, str]:
    """Return the names of the properties that are set."""
    return {code: NAMES[code] for code, value in values.items() if value and code in NAMES}


def properties_of(value: object) -> dict[str, Any]:
    """Return the properties of a request. PHP sends an empty array in place of an empty object.

    Raise `SiteError` 422 if `value` is neither an object nor empty.
    """
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise invalid("bad_properties", "properties must be an object", "properties")
    return {
        str(code): [text_of(one) for one in given] if isinstance(given, list) else text_of(given)
        for code, given in value.items()
    }
