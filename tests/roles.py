"""People in a role, and their browsers."""

from django.contrib.auth.models import Group, Permission
from django.test import Client

from cvety_crm.roles import Role
from cvety_crm.users import User


def person(role: Role, name: str = "") -> User:
    """Return a member of staff in just this role."""
    user = User.objects.create_user(name or f"user{User.objects.count()}", password="made-up", is_staff=True)
    user.groups.add(Group.objects.get(name=role.name))
    return user


def everything_but(*codenames: str) -> User:
    """Return a member of staff with every permission but these."""
    user = User.objects.create_user(f"user{User.objects.count()}", password="made-up", is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename__in=codenames))
    return user


def browser_of(user: User) -> Client:
    """Return the browser of somebody who has logged in."""
    client = Client()
    client.force_login(user)
    return client
