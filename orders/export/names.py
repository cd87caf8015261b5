"""The names of reference rows and of people, which an export reads once."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Model

from cvety_crm.users import User, display_name
from orders.models import City, Courier, DeliverySlot, PaySystem, Shop, Status


class Names(dict[Any, str]):
    """The names of the rows of a model by their keys. They are read when the first one is needed.

    A row that was added since then makes the names be read once more. The name of None is an empty string.
    """

    def __init__(self, read: Callable[[], Sequence[tuple[Any, str]]]) -> None:
        super().__init__({None: ""})
        self._read = read

    def __missing__(self, key: Any) -> str:
        """Read the names, and return that of a key."""
        self.update(self._read())
        return self.setdefault(key, "")


def names_of(model: type[Model], key: str = "pk") -> Names:
    """Return the names of a model with a column `name`. `key` is the column to which foreign keys point."""
    return Names(lambda: list(model._default_manager.values_list(key, "name")))


def _people() -> list[tuple[Any, str]]:
    users = User.objects.only("username", "first_name", "last_name")
    return [(user.pk, display_name(user)) for user in users]


class AllNames:
    """The names that an export needs. One object belongs to one export, so no name is older than the export."""

    def __init__(self) -> None:
        self.statuses = names_of(Status, "code")
        self.cities = names_of(City, "bitrix_id")
        self.shops = names_of(Shop, "bitrix_id")
        self.slots = names_of(DeliverySlot, "bitrix_id")
        self.pay_systems = names_of(PaySystem, "bitrix_id")
        self.couriers = names_of(Courier)
        self.people = Names(_people)
