"""The rules about which actions on orders a user may do. Pages and the worker use the same functions."""

from cvety_crm.users import AnyUser
from orders.rules.next_step import rights_of
from orders.rules.visibility import may_see_orders


def may_change_status(user: AnyUser) -> bool:
    """Return whether the user may change statuses. The permission to change orders includes this."""
    return may_see_orders(user) and _has_any(user, "orders.change_order", "orders.change_order_status")


def may_assign(user: AnyUser) -> bool:
    """Return whether the user may assign orders to florists and couriers."""
    return may_see_orders(user) and _has_any(user, "orders.assign_order", "orders.change_order")


def may_make(user: AnyUser) -> bool:
    """Return whether the user may take bouquets and mark them as ready."""
    return may_see_orders(user) and rights_of(user).make


def _has_any(user: AnyUser, *permissions: str) -> bool:
    return any(user.has_perm(permission) for permission in permissions)
