"""Members of staff: their names, and who can be given an order."""

from django.contrib.auth.models import AbstractUser, User
from django.db.models import QuerySet


def display_name(user: AbstractUser | None) -> str:
    """Return the name by which a member of staff is shown: the full name, else the username; empty for None."""
    return (user.get_full_name() or user.get_username()) if user is not None else ""


def staff() -> QuerySet[User]:
    """Return those who can be given an order, by name."""
    return User.objects.filter(is_staff=True, is_active=True).order_by("first_name", "last_name", "username")
