"""Users with a role, and test clients for them."""

from django.contrib.auth.models import Group, Permission
from django.test import Client

from cvety_crm.roles import Role
from cvety_crm.users import User


def person(role: Role, name: str = "") -> User:
    """Return a staff user with only this role."""
    user = User.objects.create_user(name or f"user{User.objects.count()}", password="made-up", is_staff=True)
    user.groups.add(Group.objects.get(name=role.name))
    return user


def everything_but(*codenames: str) -> User:
    """Return a staff user with every permission except these."""
    user = User.objects.create_user(f"user{User.objects.count()}", password="made-up", is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename__in=codenames))
    return user


def browser_of(user: User) -> Client:
    """Return a test client that is logged in as the user."""
    client = Client()
    client.force_login(user)
    return client
