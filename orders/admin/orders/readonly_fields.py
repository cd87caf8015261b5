"""The fields of an order for a user who may only read them.

Sums are formatted. References are shown as text, because Django shows each read-only reference as a link, even to users
who may not open the page of that link. In texts that people have entered, the phones that the user may not see are
masked.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin

from cvety_crm.model_fields import field_label
from cvety_crm.users import AnyUser
from orders.models import Order
from orders.presentation.payment import amount_text, state_text
from orders.presentation.phones import phone_text
from orders.rules.payment import payment_of
from orders.rules.visibility import MONEY_FIELDS, shown_text

REFERENCES = ("delivery_slot", "city", "shop", "customer")
PHONES = ("recipient_phone",)
TEXTS = ("recipient_name", "delivery_address", "comment", "courier_comment", "postcard_text")


def readonly_fieldsets(fieldsets: Any, user: AnyUser) -> list[Any]:
    """Return the fieldsets with each sum, reference and entered text replaced by a function.

    The function returns the value of the field as the user may see it.
    """
    return [(title, {**options, "fields": _as_text(options["fields"], user)}) for title, options in fieldsets]


def _as_text(fields: Any, user: AnyUser) -> Any:
    if not isinstance(fields, str):
        return tuple(_as_text(field, user) for field in fields)
    if fields in TEXTS:
        return _field_function(fields, lambda order: shown_text(user, getattr(order, fields)))
    if fields in PHONES:
        return _field_function(fields, lambda order: phone_text(user, getattr(order, fields)))
    if fields in MONEY_FIELDS:
        return _field_function(fields, lambda order: amount_text(order, fields))
    if fields == "payment_status":
        return _field_function(fields, lambda order: state_text(payment_of(order)))
    return _field_function(fields, lambda order: str(getattr(order, fields) or "")) if fields in REFERENCES else fields


def _field_function(name: str, text_of: Callable[[Order], str]) -> Callable[[Order], str]:
    @admin.display(description=field_label(Order, name))
    def shown(order: Order) -> str:
        return text_of(order) or "—"

    shown.__name__ = f"{name}_words"  # the page's CSS class
    return shown
