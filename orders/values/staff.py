"""Members of staff to whom an order can be assigned."""

from django.db.models import QuerySet

from cvety_crm.users import User


def staff() -> QuerySet[User]:
    """Return the active members of staff, sorted by name."""
    return User.objects.filter(is_staff=True, is_active=True).order_by("first_name", "last_name", "username")
