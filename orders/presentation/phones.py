"""Functions that show phones to staff, or only their last digits if the user may not see phones.

`others` is the column with the other phones: a number or a text on each line (`PhoneNumber.more`). A phone that could
not be read is shown as it was typed, marked, and is no link.
"""

from django.contrib.auth.models import AnonymousUser
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.presentation.formatting import NBSP
from orders.presentation.links import whatsapp_url
from orders.rules.visibility import may_see_phones
from orders.values.phones import format_phone, is_number, masked_phone, numbers_of


def phone_words(phone: str, others: str = "") -> str:
    """Return the phones as a plain string: `+7 701 123-45-67, +7 702 765-43-21`. An unreadable phone is marked."""
    first = format_phone(phone) if is_number(phone) or not phone else unreadable(phone)
    lines = [_quoted(line) for line in others.split("\n") if line]
    return ", ".join([part for part in (first, *lines) if part])


def masked_phones(phone: str, others: str = "") -> str:
    """Return dots and the last four digits of each phone. Texts are left out, because they may contain phones."""
    return ", ".join(masked_phone(one) for one in (phone, *numbers_of("", others)) if one)


def unreadable(typed: str) -> str:
    """Return a phone that could not be read, with a mark."""
    return gettext("unreadable: “%(typed)s”") % {"typed": typed}


def phone_link(value: str) -> str:
    """Return a link that calls the phone. A string that is not a phone number is marked."""
    if not value:
        return value
    if not is_number(value):
        return format_html('<span class="crm-missing">{}</span>', unreadable(value))
    return format_html(
        '<a class="crm-link crm-phone" href="tel:{}">{}</a>', value, format_phone(value).replace(" ", NBSP)
    )


def shown_phone(user: User | AnonymousUser, phone: str, others: str = "") -> str:
    """Return links that call the phones, or only their last four digits if the user may not see phones."""
    if not may_see_phones(user):
        return masked_phones(phone, others)
    more = [(phone_link(line) if is_number(line) else _quoted(line),) for line in others.split("\n") if line]
    return format_html_join(", ", "{}", [(part,) for part in (phone_link(phone),) if part] + more)


def phone_text(user: User | AnonymousUser, phone: str, others: str = "") -> str:
    """Return the phones as a plain string, or only their last four digits if the user may not see phones."""
    return phone_words(phone, others) if may_see_phones(user) else masked_phones(phone, others)


def form_text(user: User | AnonymousUser, phone: str) -> str:
    """Return the phone for a form field: formatted, masked, or as it was typed."""
    return format_phone(phone) if not phone or may_see_phones(user) else masked_phone(phone)


def chat_links(user: User | AnonymousUser, phone: str, others: str = "") -> SafeString:
    """Return a link to a WhatsApp chat for each number, or an empty string if the user may not see phones."""
    numbers = numbers_of(phone, others) if may_see_phones(user) else []
    return format_html_join(
        " ",
        '<a class="crm-chat" target="_blank" rel="noopener" href="{}" aria-label="WhatsApp {}">WhatsApp</a>',
        [(whatsapp_url(number), format_phone(number)) for number in numbers],
    )


def _quoted(line: str) -> str:
    return format_phone(line) if is_number(line) else f"«{line}»"
