"""The roles of shop staff: Django groups and their permissions. Permissions of other apps are named by strings.

`migrate` creates the groups once. After that only superusers change them. A migration that adds a permission grants it
to existing groups with `grant`.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db.migrations import Migration
from django.db.models import Q


def _each(actions: str, *models: str) -> frozenset[str]:
    """Return the permissions for each action (`view change`) on each model (`orders.order`)."""
    pairs = product(actions.split(), (model.split(".") for model in models))
    return frozenset(f"{app}.{action}_{name}" for action, (app, name) in pairs)


class Role(NamedTuple):
    """The name of a group and its initial permissions."""

    name: str
    permissions: frozenset[str]


_REFERENCE = ("orders.status", "orders.city", "orders.shop", "orders.deliveryslot", "orders.paysystem")
_STATUS = frozenset({"orders.change_order_status"})
_PHONES = frozenset({"orders.view_phones"})
_PRICES = frozenset({"orders.view_all_prices"})
_EXPORT = frozenset({"orders.export_order"})
_REPORTS = frozenset({"orders.view_report"}) | _each("view", "orders.peakday")
_SENT_REPORTS = _each("view", "orders.reportschedule", "orders.reportdelivery")
_WORK = _each("view", "orders.order") | _each("add", "orders.orderphoto") | _STATUS

_MAKING = frozenset({"orders.make_order"})
_DELIVERY = frozenset({"orders.assign_order", "orders.deliver_order"})
_CASH = _each("view add", "orders.payment", "orders.couriersettlement")
_TILL = _each("view", "orders.tillday") | {"orders.close_till", "orders.refund_payment"}

FLORIST = Role("Флорист", _WORK | _MAKING)
"""A florist makes bouquets and changes the status of orders, but sees no phones and only today's sums."""

DISPATCHER = Role(
    "Диспетчер",
    _WORK | _PHONES | _DELIVERY | _CASH | _each("view add change", "orders.courier"),
)
"""A dispatcher assigns couriers, hands orders over for delivery, takes the couriers' cash, and sees phones and the sums
to collect today."""

MANAGER = Role(
    "Менеджер",
    DISPATCHER.permissions
    | _MAKING
    | _PRICES
    | _EXPORT
    | _REPORTS
    | {"orders.share_savedview", "orders.share_exporttemplate", "orders.refund_payment"}
    | _each("add change", "orders.order")
    | _each("view add change merge", "orders.customer")
    | _each("view add", "orders.customercall")
    | _each("view add change", "orders.messagetemplate")
    | _each("view", "orders.product", "orders.orderevent", "orders.ordernote", "orders.orderphoto")
    # The permission to change these rows allows a user to process events again, to retry pushes, and to choose between
    # different values of the CRM and the site.
    | _each("view change", "bitrix_bridge.webhookevent", "bitrix_bridge.push", "bitrix_bridge.reconciliation")
    | _each("view change", "bitrix_bridge.importrun")
    | _each("view", "bitrix_bridge.importrow")
    | _each("view change", "orders.bulkrun")  # the bulk actions of others; everyone sees their own
    | _each("view change", "notifications.telegrammessage"),
)
"""A manager takes calls, accepts orders, and handles failures and differences of the exchange with the site."""

ACCOUNTANT = Role(
    "Бухгалтер",
    _PRICES
    | _EXPORT
    | _REPORTS
    | _CASH
    | _TILL
    | _SENT_REPORTS
    | _each("view", "orders.order", "orders.customer", "orders.product", "orders.orderevent"),
)
"""An accountant reads and exports all orders, records payments and closes the day's till, but sees no phones."""

OWNER = Role(
    "Владелец",
    MANAGER.permissions
    | _TILL
    | {"orders.view_all_exports", "orders.view_phonelook", "orders.erase_customer"}
    | _SENT_REPORTS
    | _each("add change delete", "orders.reportschedule")
    | _each("change", "orders.reportdelivery")
    | _each("add change", "orders.product", *_REFERENCE)
    | _each("view", *_REFERENCE)
    | _each("delete", "orders.messagetemplate")
    | _each("add change delete", "orders.peakday")
    | _each("view add change delete", "orders.monthplan")
    | _each("view add change delete", "notifications.telegramchat")
    # The owner adds users and assigns roles. Only superusers change the permissions of a role.
    | _each("view add change", "cvety_crm.user")
    | _each("view", "auth.group")
    | _each("view", "cvety_crm.signinevent"),
)
"""An owner adds users, edits reference data and sets up Telegram chats, but cannot change technical settings."""

FIRST = ("cvety_crm", "0001_initial")
"""The migration after which the groups are created."""
ROLES = (OWNER, MANAGER, FLORIST, DISPATCHER, ACCOUNTANT)


def make_roles(apps: Any) -> None:
    """Create the missing groups. An existing group with the same name is not changed."""
    _make_permissions()
    Group = apps.get_model("auth", "Group")
    for role in ROLES:
        group, is_new = Group.objects.get_or_create(name=role.name)
        if is_new:
            group.permissions.set(_rows(apps, role.permissions))


def grant(apps: Any, permissions: Mapping[str, Iterable[str]]) -> None:
    """Grant permissions to roles in a migration. `permissions` contains the permissions of each role by its name.

    A permission is a string such as `orders.view_order`. A deleted role is not created again. Raise `LookupError` if a
    permission does not exist.
    """
    _make_permissions()
    for group in apps.get_model("auth", "Group").objects.filter(name__in=permissions):
        group.permissions.add(*_rows(apps, permissions[group.name]))


def on_post_migrate(plan: Sequence[tuple[Migration, bool]] = (), **_kwargs: Any) -> None:
    """Create the groups after the first migration only: a group that staff delete later is not created again."""
    if any((migration.app_label, migration.name) == FIRST and not is_backward for migration, is_backward in plan):
        make_roles(installed)


def _make_permissions() -> None:
    """Create the permissions of all models now. `migrate` creates them only after the last migration."""
    for config in installed.get_app_configs():
        if config.models_module is not None:
            create_permissions(config, verbosity=0)


def _rows(apps: Any, permissions: Iterable[str]) -> list[Any]:
    names = {tuple(permission.split(".")) for permission in permissions}
    condition = Q()
    for app, codename in names:
        condition |= Q(content_type__app_label=app, codename=codename)
    Permission = apps.get_model("auth", "Permission")
    rows = list(Permission.objects.filter(condition).select_related("content_type")) if names else []
    if missing := names - {(row.content_type.app_label, row.codename) for row in rows}:
        raise LookupError(f"There are no permissions {sorted('.'.join(pair) for pair in missing)}.")
    return rows
