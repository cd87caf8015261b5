"""Functions that create users with a role, and test clients for these users."""

from django.contrib.auth.models import Group, Permission
from django.test import Client

from cvety_crm.roles import Role
from cvety_crm.users import User


def person(role: Role, name: str = "") -> User:
    """Return a member of staff who has only this role."""
    user = User.objects.create_user(name or f"user{User.objects.count()}", password="made-up", is_staff=True)
    user.groups.add(Group.objects.get(name=role.name))
    return user


def everything_but(*codenames: str) -> User:
    """Return a member of staff who has every permission except `codenames`."""
    user = User.objects.create_user(f"user{User.objects.count()}", password="made-up", is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename__in=codenames))
    return user


def browser_of(user: User) -> Client:
    """Return a test client in which the user is logged in."""
    client = Client()
    client.force_login(user)
    return client
