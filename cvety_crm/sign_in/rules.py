"""The roles whose users must have a second factor."""

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet

from cvety_crm.models import SecondFactorRole, Session, User


def needs_second_factor(user: User) -> bool:
    """Return whether a role of the user needs a second factor. This runs one query."""
    condition = Q(role__user=user)
    if user.is_superuser:
        condition |= Q(role=None)
    return SecondFactorRole.objects.filter(condition).exists()


def roles_with_second_factor() -> set[int | None]:
    """Return the ids of the roles that need a second factor. None stands for the superusers."""
    return set(SecondFactorRole.objects.values_list("role_id", flat=True))


def users_of_role(role_id: int | None) -> QuerySet[User]:
    """Return the users with this role, or the superusers for None."""
    return User.objects.filter(is_superuser=True) if role_id is None else User.objects.filter(groups=role_id)


@transaction.atomic
def change_roles(*, added: Iterable[int | None], removed: Iterable[int | None]) -> int:
    """Let these roles need a second factor, or no longer need it.

    Users who have none yet are signed out, so that they set it up when they sign in again. Return the number of their
    sessions.
    """
    for role_id in removed:
        SecondFactorRole.objects.filter(role_id=role_id).delete()
    ended = 0
    for role_id in added:
        SecondFactorRole.objects.get_or_create(role_id=role_id)
        ended += sign_out_without_second_factor(users_of_role(role_id))
    return ended


def sign_out_without_second_factor(users: QuerySet[User]) -> int:
    """End the sessions of those of the users who have no second factor. Return the number of sessions."""
    number, _ = Session.objects.filter(user__in=users.filter(second_factor=None).values("pk")).delete()
    return number


def labels(role_ids: Iterable[int | None], superusers: str) -> list[str]:
    """Return the names of the roles, with this one for the superusers."""
    ids = set(role_ids)
    names = list(Group.objects.filter(pk__in=[one for one in ids if one is not None]).values_list("name", flat=True))
    return sorted(names) + ([superusers] if None in ids else [])
