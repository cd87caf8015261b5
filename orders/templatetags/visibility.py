"""Template filters for values that some users may not see; `orders.rules.visibility` has the rules."""

from django import template
from django.contrib.auth.models import AnonymousUser

from cvety_crm.users import User
from orders.rules.visibility import shown_text

register = template.Library()


@register.filter
def shown_to(text: object, user: User | AnonymousUser) -> str:
    """Return a typed text as this user may see it. It is not marked as safe."""
    return shown_text(user, str(text or ""))
