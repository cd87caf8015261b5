"""Members of staff: their names, and who can be given an order."""

from django.contrib.auth.models import User
from django.db.models import QuerySet


def staff() -> QuerySet[User]:
    """Return those who can be given an order, by name."""
    return User.objects.filter(is_staff=True, is_active=True).order_by("first_name", "last_name", "username")
