"""The order properties of the site, and what Bitrix makes of values that they can't hold.

Not locked: the site calls it under its own lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import SiteError, invalid
from .values import text_of

# The column VALUE of b_sale_order_props_value holds no more.
LONGEST = 500

CODES = (
    *("name", "phone", "email", "nameRecipient", "phoneRecipient", "addressRecipient", "data", "when", "city"),
    *("shopId", "postcardText", "pickup", "iWillGet", "isAnonymous", "isSurprise"),
)


@dataclass(frozen=True)
class Property:
    """One property of the person type. `variants`: of a list, the values that it has."""

    code: str
    longest: int = LONGEST
    variants: tuple[str, ...] | None = None

    def refusal(self, value: Any) -> SiteError | None:
        """Why it can't hold a value; None when it can."""
        for text in value if isinstance(value, list) else [value]:
            if len(text) > self.longest:
                message = f"Свойство заказа «{self.code}»: длина больше {self.longest} символов"
                return invalid("property_too_long", message, "properties")
            if self.variants is not None and text and text not in self.variants:
                message = f"Свойство заказа «{self.code}»: в списке сайта нет значения «{text}»"
                return invalid("property_unknown_value", message, "properties")
        return None

    def is_storable(self, value: Any) -> bool:
        """Whether the column holds a value at all: Bitrix stores others that it then complains about."""
        return all(len(text) <= LONGEST for text in (value if isinstance(value, list) else [value]))


class Properties:
    """Every order property of the site."""

    def __init__(self) -> None:
        """With those that the shop's site has."""
        self._known = {code: Property(code) for code in CODES}

    def get(self, code: str) -> Property | None:
        """The property of this code, if the site has one."""
        return self._known.get(code)

    def define(self, code: str, *, longest: int = LONGEST, variants: list[str] | None = None) -> None:
        """Add a property, or say of one what it can hold."""
        self._known[code] = Property(code, longest, None if variants is None else tuple(variants))

    def complete(self, values: dict[str, Any]) -> dict[str, Any]:
        """An order's properties with all codes: those that are not set are empty."""
        return dict.fromkeys(self._known, "") | values


def properties_of(value: object) -> dict[str, Any]:
    """The properties of a request: an object, or PHP's empty array. Raises SiteError 422."""
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise invalid("bad_properties", "properties must be an object", "properties")
    return {
        str(code): [text_of(one) for one in given] if isinstance(given, list) else text_of(given)
        for code, given in value.items()
    }
