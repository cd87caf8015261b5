"""The names of the rows to which timeline entries refer, and the fields that the reader may not see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model

from cvety_crm.users import User, display_name
from orders.models import City, DeliverySlot, OrderItem, Product, Shop, Status
from orders.sync.fields import ITEMS
from orders.values.phone_masking import without_phones

EMPTY: tuple[Any, ...] = (None, "", [], {})
STAFF = ("responsible", "taken_by", "ready_by")
"""Fields whose values are usernames."""
REFERENCES: Mapping[str, tuple[type[Model], str]] = {
    "status": (Status, "code"),
    "delivery_slot": (DeliverySlot, "bitrix_id"),
    "city": (City, "bitrix_id"),
    "shop": (Shop, "bitrix_id"),
}
"""Fields whose values are keys of rows, with the model of the row and the column of the key."""


@dataclass(slots=True)
class Names:
    """The names of rows by field and key."""

    by_field: dict[str, dict[str, str]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    """Fields whose values this reader may not see."""

    def masked(self, text: str) -> str:
        """Return a text that people have entered. Its phones are masked if this reader may not see phones."""
        return without_phones(text) if "recipient_phone" in self.hidden else text

    def get(self, name: str, key: Any) -> str:
        """Return the name of the row with this key, or the key itself if it is not known."""
        return self.by_field.get(name, {}).get(str(key), str(key))


def look_up(values: Iterable[tuple[str, Any]], items: Iterable[OrderItem] = ()) -> Names:
    """Return the names of the rows to which these values of fields refer, with at most one query for each model.

    `items` contain the names of their products, so these need no query.
    """
    keys: dict[str, set[str]] = {}
    for name, key in _keys(values):
        keys.setdefault(name, set()).add(str(key))
    by_field = {
        name: {str(getattr(row, column)): str(row) for row in model._default_manager.filter(**{f"{column}__in": found})}
        for name, (model, column) in REFERENCES.items()
        if (found := keys.get(name))
    }
    if usernames := set().union(*(keys.get(name, ()) for name in STAFF)):
        staff = {user.username: display_name(user) for user in User.objects.filter(username__in=usernames)}
        by_field |= dict.fromkeys(STAFF, staff)
    by_field[ITEMS] = _product_names(keys.get(ITEMS, set()), items)
    return Names(by_field)


def _product_names(keys: set[str], items: Iterable[OrderItem]) -> dict[str, str]:
    products = {str(item.bitrix_product_id): item.name for item in items if item.bitrix_product_id}
    if missing := {key for key in keys if key.isdecimal() and key not in products}:
        found = Product.objects.filter(bitrix_product_id__in=missing).values_list("bitrix_product_id", "name")
        products |= {str(key): name for key, name in found}
    return products


def _keys(values: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    for name, value in values:
        if value in EMPTY:
            continue
        if name == ITEMS and isinstance(value, list):
            yield from ((ITEMS, line[0]) for line in value if isinstance(line, list) and line)
        elif name in REFERENCES or name in STAFF:
            yield name, value
