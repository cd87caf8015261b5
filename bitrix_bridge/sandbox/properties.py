"""The order properties of the site, and what Bitrix does with values that they do not allow.

Not locked: the site calls this module under its own lock.
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
)


@dataclass(frozen=True)
class Property:
    """A property of the person type. `variants`: the allowed values of a list."""

    code: str
    longest: int = LONGEST
    variants: tuple[str, ...] | None = None

    def refusal(self, value: Any) -> SiteError | None:
        """Return why the property does not allow a value; None if it does."""
        for text in value if isinstance(value, list) else [value]:
            if len(text) > self.longest:
                message = f"Свойство заказа «{self.code}»: длина больше {self.longest} символов"
                return invalid("property_too_long", message, "properties")
            if self.variants is not None and text and text not in self.variants:
                message = f"Свойство заказа «{self.code}»: в списке сайта нет значения «{text}»"
                return invalid("property_unknown_value", message, "properties")
        return None

    def is_storable(self, value: Any) -> bool:
        """Return whether the value fits the column: Bitrix also stores values that the property does not allow."""
        return all(len(text) <= LONGEST for text in (value if isinstance(value, list) else [value]))


class Properties:
    """Every order property of the site."""

    def __init__(self) -> None:
        """Define the properties that the shop's site has."""
        self._known = {code: Property(code) for code in CODES}

    def get(self, code: str) -> Property | None:
        """Return the property of this code, None if the site has no such property."""
        return self._known.get(code)

    def define(self, code: str, *, longest: int = LONGEST, variants: list[str] | None = None) -> None:
        """Define a property, or change its limits."""
        self._known[code] = Property(code, longest, None if variants is None else tuple(variants))

    def complete(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return an order's properties with all codes: those that are not set are empty."""
        return dict.fromkeys(self._known, "") | values


def properties_of(value: object) -> dict[str, Any]:
    """Return the properties of a request: an object, or PHP's empty array. Raises SiteError 422."""
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise invalid("bad_properties", "properties must be an object", "properties")
    return {
        str(code): [text_of(one) for one in given] if isinstance(given, list) else text_of(given)
        for code, given in value.items()
    }
