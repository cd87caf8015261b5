"""Members of staff: what they are called, and who can be given an order."""

from django.contrib.auth.models import AbstractUser, User
from django.db.models import QuerySet


def display_name(user: AbstractUser | None) -> str:
    """Return what a member of staff is called on the pages; empty for nobody."""
    return (user.get_full_name() or user.get_username()) if user is not None else ""


def staff() -> QuerySet[User]:
    """Return those who can be given an order, by name."""
    return User.objects.filter(is_staff=True, is_active=True).order_by("first_name", "last_name", "username")
