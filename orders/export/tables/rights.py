"""Who may export which table."""

from collections.abc import Callable

from cvety_crm.users import AnyUser
from orders.rules.visibility import may_see_orders

EXPORT = "orders.export_order"
"""The permission that every export needs."""


def may_export_orders(user: AnyUser) -> bool:
    """Return whether the user may download orders as a file."""
    return may_see_orders(user) and user.has_perm(EXPORT)


def may_export(model: str) -> Callable[[AnyUser], bool]:
    """Return the rule that a user may export rows of a model (`customer`), if the user may also see its list."""

    def rule(user: AnyUser) -> bool:
        sees = user.has_perm(f"orders.view_{model}") or user.has_perm(f"orders.change_{model}")
        return sees and user.has_perm(EXPORT)

    return rule


def may_export_reports(user: AnyUser) -> bool:
    """Return whether the user may download the tables of reports."""
    return may_export_orders(user) and user.has_perm("orders.view_report")
