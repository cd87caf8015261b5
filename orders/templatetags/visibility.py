"""What of an order is shown to whom, for templates; `orders.rules.visibility` decides."""

from django import template
from django.contrib.auth.models import AnonymousUser

from cvety_crm.users import User
from orders.rules.visibility import shown_text

register = template.Library()


@register.filter
def shown_to(text: object, user: User | AnonymousUser) -> str:
    """Return a typed text as this user may read it; it is escaped as any other."""
    return shown_text(user, str(text or ""))
