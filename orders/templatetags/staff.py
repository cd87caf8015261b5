"""A template filter for the names of members of staff."""

from django import template

from cvety_crm import users
from cvety_crm.users import User

register = template.Library()


@register.filter
def display_name(user: User | None) -> str:
    """Return the display name of a member of staff, or an empty string for None."""
    return users.display_name(user)
