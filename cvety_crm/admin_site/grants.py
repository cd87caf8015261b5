"""The roles that a user may assign and the accounts that a user may change: those without further permissions."""

from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.db.models import Q, QuerySet

from cvety_crm.users import User


def has_all_permissions_of(user: User | AnonymousUser, other: User) -> bool:
    """Return whether the user has every permission of the other user, active or not.

    This runs at most two queries.
    """
    if user.is_superuser:
        return True
    permissions = Permission.objects.filter(Q(user=other) | Q(group__user=other))
    return not other.is_superuser and _labels(permissions) <= user.get_all_permissions()


def assignable_roles(user: User | AnonymousUser) -> QuerySet[Group]:
    """Return the roles whose permissions the user has."""
    groups = Group.objects.order_by("name")
    if user.is_superuser:
        return groups
    own = user.get_all_permissions()
    missing = [item.pk for item in Permission.objects.select_related("content_type") if _label(item) not in own]
    return groups.exclude(permissions__in=missing)


def _labels(permissions: QuerySet[Permission]) -> set[str]:
    return {_label(permission) for permission in permissions.select_related("content_type")}


def _label(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"
