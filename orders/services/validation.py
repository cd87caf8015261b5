"""Values that staff give an order, brought to the form in which both sides keep them, or refused."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from cvety_crm.model_fields import field_label
from orders.exceptions import NotAllowedError
from orders.models import Order
from orders.sync.fields import FIELDS
from orders.values.phones import normalize_phone
from orders.values.text import clean_line, clean_lines

LOCAL_FIELDS = frozenset({"responsible", "courier", "customer"})
"""What an order has here and the site knows nothing of."""
NOT_BY_HAND = frozenset({"status", "order_number", "bitrix_user_id"})
"""Statuses have a service of their own, and numbers are the site's."""
LONGEST = {
    "recipient_name": 255,
    "delivery_address": 500,
    "postcard_text": 500,
    "comment": 2000,
}
"""Characters that the site keeps: VALUE of b_sale_order_props_value, USER_DESCRIPTION of b_sale_order. It would cut the
rest off without a word."""


def given_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values in the form in which they would come back from the site. Raises `NotAllowedError`."""
    given = {}
    for name, value in values.items():
        if name in NOT_BY_HAND or (name not in FIELDS and name not in LOCAL_FIELDS):
            raise NotAllowedError(gettext("The field “%(field)s” can't be changed here.") % {"field": name})
        given[name] = _tidy(name, value) if isinstance(value, str) else value
        limit = LONGEST.get(name)
        if limit is not None and len(given[name]) > limit:
            label = field_label(Order, name)
            raise NotAllowedError(
                gettext("“%(field)s” is too long: the site keeps %(limit)s characters, there are %(count)s.")
                % {"field": label, "limit": limit, "count": len(given[name])}
            )
    return given


def _tidy(name: str, text: str) -> str:
    if name == "recipient_phone":
        return normalize_phone(clean_line(text)).value
    tidied = clean_line(text) if name == "recipient_name" else clean_lines(text, breaks=True)
    # Reading resolves one layer of entities; what staff type is resolved until reading it again changes nothing.
    return tidied if tidied == text else _tidy(name, tidied)
