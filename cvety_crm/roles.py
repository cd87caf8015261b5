"""The roles of the shop's people: groups, and what each may do. Permissions of other rooms are named by strings.

`migrate` makes the groups once; from then on they belong to whoever may edit groups. A permission that is added later
gets to them by a migration of its own, with `give`.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db.migrations import Migration
from django.db.models import Q


def _each(deeds: str, *models: str) -> frozenset[str]:
    """Return permissions: each deed (`view change`) on each model (`orders.order`)."""
    pairs = product(deeds.split(), (model.split(".") for model in models))
    return frozenset(f"{app}.{deed}_{name}" for deed, (app, name) in pairs)


class Role(NamedTuple):
    """A group as it is made, and what it is for."""

    name: str
    permissions: frozenset[str]


_REFERENCE = ("orders.status", "orders.city", "orders.shop", "orders.deliveryslot")
_STATUS = frozenset({"orders.change_order_status"})
_PHONES = frozenset({"orders.view_phones"})
_PRICES = frozenset({"orders.view_all_prices"})
_EXPORT = frozenset({"orders.export_order"})
_WORK = _each("view", "orders.order") | _each("add", "orders.orderphoto") | _STATUS

FLORIST = Role("Флорист", _WORK)
"""Makes bouquets: takes orders and moves them on. No phones, sums of the day only."""

DISPATCHER = Role(
    "Диспетчер",
    _WORK | _PHONES | {"orders.assign_order"} | _each("view add change", "orders.courier"),
)
"""Sends couriers out: phones, and the sums that are collected today."""

MANAGER = Role(
    "Менеджер",
    DISPATCHER.permissions
    | _PRICES
    | _EXPORT
    | _each("add change", "orders.order")
    | _each("view add change", "orders.customer")
    | _each("view", "orders.product", "orders.orderevent", "orders.ordernote", "orders.orderphoto")
    # Of what passes between the CRM and the site `change` is the right to try again, and to decide.
    | _each("view change", "bitrix_bridge.webhookevent", "bitrix_bridge.push", "bitrix_bridge.reconciliation")
    | _each("view change", "bitrix_bridge.importrun")
    | _each("view", "bitrix_bridge.importrow")
    | _each("view change", "notifications.telegrammessage"),
)
"""Takes calls, accepts orders, and sets right what the exchange with the site could not."""

ACCOUNTANT = Role(
    "Бухгалтер",
    _PRICES | _EXPORT | _each("view", "orders.order", "orders.customer", "orders.product", "orders.orderevent"),
)
"""Reads all orders and takes them along as a table. Changes nothing; nobody's phone is needed for that."""

OWNER = Role(
    "Владелец",
    MANAGER.permissions
    | _each("add change", "orders.product", *_REFERENCE)
    | _each("view", *_REFERENCE)
    | _each("view add change delete", "notifications.telegramchat")
    # He hires people and gives them roles; what a role may do is for superusers to change.
    | _each("view add change", "cvety_crm.user")
    | _each("view", "auth.group"),
)
"""Everything but the machinery: hires people, edits reference data, chooses who hears what in Telegram."""

FIRST = ("cvety_crm", "0001_initial")
"""The migration after which the groups are created."""
ROLES = (OWNER, MANAGER, FLORIST, DISPATCHER, ACCOUNTANT)


def make_roles(apps: Any) -> None:
    """Make the groups that are not there yet; one of the same name, and all that staff have edited, stays as it is."""
    _make_permissions()
    Group = apps.get_model("auth", "Group")
    for role in ROLES:
        group, is_new = Group.objects.get_or_create(name=role.name)
        if is_new:
            group.permissions.set(_rows(apps, role.permissions))


def give(apps: Any, permissions: Mapping[str, Iterable[str]]) -> None:
    """Add permissions (`orders.view_order`) to roles by their names, for a migration; a role that is gone stays gone.

    Raises `LookupError` for a permission that does not exist.
    """
    _make_permissions()
    for group in apps.get_model("auth", "Group").objects.filter(name__in=permissions):
        group.permissions.add(*_rows(apps, permissions[group.name]))


def on_post_migrate(plan: Sequence[tuple[Migration, bool]] = (), **_kwargs: Any) -> None:
    """Create the groups, only with the first migration: a group that staff delete later does not come back."""
    if any((migration.app_label, migration.name) == FIRST and not is_backward for migration, is_backward in plan):
        make_roles(installed)


def _make_permissions() -> None:
    """Do now what `migrate` does after the last migration: write down the permissions of the models in the code."""
    for config in installed.get_app_configs():
        if config.models_module is not None:
            create_permissions(config, verbosity=0)


def _rows(apps: Any, permissions: Iterable[str]) -> list[Any]:
    wanted = {tuple(permission.split(".")) for permission in permissions}
    condition = Q()
    for app, codename in wanted:
        condition |= Q(content_type__app_label=app, codename=codename)
    Permission = apps.get_model("auth", "Permission")
    rows = list(Permission.objects.filter(condition).select_related("content_type")) if wanted else []
    if missing := wanted - {(row.content_type.app_label, row.codename) for row in rows}:
        raise LookupError(f"There are no permissions {sorted('.'.join(pair) for pair in missing)}.")
    return rows
