"""Names of members of staff, for templates."""

from django import template
from django.contrib.auth.models import User

from orders.values import staff

register = template.Library()


@register.filter
def display_name(user: User | None) -> str:
    """Return the name by which a member of staff is shown."""
    return staff.display_name(user)
