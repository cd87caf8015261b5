"""Functions that show a phone to staff, or only its last digits if the user may not see phones."""

from django.contrib.auth.models import AnonymousUser
from django.utils.html import format_html

from cvety_crm.users import User
from orders.presentation.formatting import NBSP
from orders.rules.visibility import may_see_phones
from orders.values.phones import format_phone, masked_phone


def phone_link(value: str) -> str:
    """Return a link that calls the phone. A string that is not a phone number is returned unchanged."""
    if not value.startswith("+"):
        return value
    return format_html(
        '<a class="crm-link crm-phone" href="tel:{}">{}</a>', value, format_phone(value).replace(" ", NBSP)
    )


def shown_phone(user: User | AnonymousUser, phone: str) -> str:
    """Return a link that calls the phone, or only its last four digits if the user may not see phones."""
    if not phone or may_see_phones(user):
        return phone_link(phone)
    return masked_phone(phone)


def phone_text(user: User | AnonymousUser, phone: str) -> str:
    """Return the phone as a plain string, or only its last four digits if the user may not see phones."""
    if not phone or may_see_phones(user):
        return format_phone(phone)
    return masked_phone(phone)
