"""The rules about which phones, prices and orders a user may see.

Pages and printed documents use only these functions.
"""

from datetime import date

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.values.phone_masking import without_phones
from orders.values.phones import HIDDEN, masked_phone

__all__ = [
    "HIDDEN",
    "MONEY_FIELDS",
    "hidden_fields",
    "masked_phone",
    "may_see_orders",
    "may_see_phones",
    "may_see_prices",
    "reason_to_hide_raw",
    "shown_text",
]

MONEY_FIELDS = ("total_amount", "delivery_fee", "discount_amount", "paid_amount")


def may_see_orders(user: User | AnonymousUser) -> bool:
    """Return whether the user may read orders. As in the admin, the permission to change orders includes this."""
    return user.has_perm("orders.view_order") or user.has_perm("orders.change_order")


def may_see_phones(user: User | AnonymousUser) -> bool:
    """Return whether the user may see phones in full."""
    return user.has_perm("orders.view_phones")


def may_see_prices(user: User | AnonymousUser, delivery_date: date | None) -> bool:
    """Return whether the user may see the sums of orders delivered on this day. All users may see today's sums."""
    return delivery_date == timezone.localdate() or user.has_perm("orders.view_all_prices")


def hidden_fields(user: User | AnonymousUser, delivery_date: date | None) -> frozenset[str]:
    """Return the fields that the user may not see in orders delivered on this day.

    `items` in the result stands for the prices of the items.
    """
    phones = () if may_see_phones(user) else ("recipient_phone", "recipient_other_phones", "contact_phone")
    prices = () if may_see_prices(user, delivery_date) else (*MONEY_FIELDS, "items")
    return frozenset((*phones, *prices))


def shown_text(user: User | AnonymousUser, text: str) -> str:
    """Return a text that people have entered, with all phones masked if the user may not see phones."""
    return text if may_see_phones(user) else without_phones(text)


def reason_to_hide_raw(user: User | AnonymousUser) -> str:
    """Return the reason why the user may not read raw messages to the site and to Telegram.

    Return an empty string if the user may read them.
    """
    if may_see_phones(user) and user.has_perm("orders.view_all_prices"):
        return ""
    return gettext("It may contain phones and sums, so only users who may see both can read it.")
