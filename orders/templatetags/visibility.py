"""A template filter for values that some users may not see. The rules are in `orders.rules.visibility`."""

from django import template
from django.contrib.auth.models import AnonymousUser

from cvety_crm.users import User
from orders.rules.visibility import shown_text

register = template.Library()


@register.filter
def shown_to(text: object, user: User | AnonymousUser) -> str:
    """Return an entered text, with phones masked if this user may not see them. The result is not marked as safe."""
    return shown_text(user, str(text or ""))
