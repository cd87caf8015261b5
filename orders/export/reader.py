"""The user who reads an exported table."""

from datetime import date

from cvety_crm.users import AnyUser
from orders.export.names import AllNames
from orders.rules.visibility import may_see_phones, may_see_prices
from orders.values.phone_masking import without_phones


class Reader:
    """The user who reads the table. The permissions are checked once, and not for each cell."""

    def __init__(self, user: AnyUser) -> None:
        self.user = user
        self.sees_phones = may_see_phones(user)
        self.sees_all_prices = user.has_perm("orders.view_all_prices")
        self.names = AllNames()
        self._sees_prices: dict[date | None, bool] = {}

    def text(self, typed: str) -> str:
        """Return a text that people have entered, with phones masked if the reader may not see phones."""
        return typed if self.sees_phones else without_phones(typed)

    def sees_prices(self, day: date | None) -> bool:
        """Return whether the reader may see the sums of orders delivered on this day."""
        if day not in self._sees_prices:
            self._sees_prices[day] = may_see_prices(self.user, day)
        return self._sees_prices[day]
