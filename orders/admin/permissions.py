"""The permissions of staff on orders, for views, bulk actions and templates."""

from django.http import HttpRequest

from orders.rules import staff_actions
from orders.rules.next_step import rights_of
from orders.rules.visibility import may_see_orders, may_see_phones


def may_see(request: HttpRequest) -> bool:
    """Return whether the user may read orders."""
    return may_see_orders(request.user)


def may_add(request: HttpRequest) -> bool:
    """Return whether the user may create orders."""
    return request.user.has_perm("orders.add_order")


def may_change_status(request: HttpRequest) -> bool:
    """Return whether the user may change statuses. The permission to change orders includes this."""
    return staff_actions.may_change_status(request.user)


def may_edit(request: HttpRequest) -> bool:
    """Return whether the user may change the fields of orders."""
    return may_see(request) and request.user.has_perm("orders.change_order")


def may_assign(request: HttpRequest) -> bool:
    """Return whether the user may assign orders to florists and couriers."""
    return staff_actions.may_assign(request.user)


def may_make(request: HttpRequest) -> bool:
    """Return whether the user may take bouquets and mark them as ready."""
    return staff_actions.may_make(request.user)


def may_work(request: HttpRequest) -> bool:
    """Return whether the user may do some steps of orders, and may so undo them."""
    rights = rights_of(request.user)
    return may_change_status(request) or (may_see(request) and (rights.make or rights.deliver))


def may_release(request: HttpRequest) -> bool:
    """Return whether the user may remove the florist of an order."""
    return may_make(request) or may_assign(request)


def may_merge(request: HttpRequest) -> bool:
    """Return whether the user may merge customers and part them again."""
    sees_customers = _has_any(request, "orders.view_customer", "orders.change_customer")
    return sees_customers and request.user.has_perm("orders.merge_customer")


def may_erase(request: HttpRequest) -> bool:
    """Return whether the user may download and erase the data of customers, which contains all phones."""
    sees_customers = _has_any(request, "orders.view_customer", "orders.change_customer")
    return sees_customers and may_see_phones(request.user) and request.user.has_perm("orders.erase_customer")


def may_change_customer(request: HttpRequest) -> bool:
    """Return whether the user may give an order to another customer."""
    return may_see(request) and request.user.has_perm("orders.change_order") and may_merge(request)


def may_export(request: HttpRequest) -> bool:
    """Return whether the user may download orders as a file."""
    return may_see(request) and request.user.has_perm("orders.export_order")


def may_share_views(request: HttpRequest) -> bool:
    """Return whether the user may save, change and delete views of the order list for the whole shop."""
    return may_see(request) and request.user.has_perm("orders.share_savedview")


def may_photograph(request: HttpRequest) -> bool:
    """Return whether the user may add and withdraw photos, and create the customer's link to the photos."""
    return may_see(request) and _has_any(request, "orders.add_orderphoto", "orders.change_order")


def may_write_to_people(request: HttpRequest) -> bool:
    """Return whether the user may send messages to customers and recipients, for which their phones are needed."""
    return may_see(request) and may_see_phones(request.user)


def _has_any(request: HttpRequest, *permissions: str) -> bool:
    return any(request.user.has_perm(permission) for permission in permissions)
