"""The validation of values that staff enter, and their conversion to the form in which both sides store them."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from cvety_crm.model_fields import field_label
from cvety_crm.text_limits import excess_text
from orders.exceptions import NotAllowedError
from orders.models import Order
from orders.sync.fields import FIELDS
from orders.values.phones import normalize_phone
from orders.values.text import clean_line, clean_lines

LOCAL_FIELDS = frozenset({"responsible", "courier", "customer"})
"""Fields that the site does not have."""
NOT_EDITABLE = frozenset(
    {
        *("status", "order_number", "bitrix_user_id", "recipient_other_phones"),
        *("contact_name", "contact_phone", "contact_email"),
    }
)
"""Fields that staff can't edit. The status is set by `change_status`, and the other fields by the site."""
LONGEST = {
    "recipient_name": 255,
    "delivery_address": 500,
    "postcard_text": 500,
    "comment": 2000,
}
"""The maximum number of characters that the site stores (VALUE of b_sale_order_props_value, USER_DESCRIPTION of
b_sale_order). The site would cut off the rest without an error."""


def given_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values in the form in which the site would return them.

    The other numbers in a phone become the recipient's other phones. A phone without others does not remove them.

    Raise `NotAllowedError` if a field can't be edited, or if a text is too long.
    """
    given = {}
    for name, value in values.items():
        if name in NOT_EDITABLE or (name not in FIELDS and name not in LOCAL_FIELDS):
            raise NotAllowedError(gettext("The field “%(field)s” can't be changed here.") % {"field": name})
        given[name] = _tidy(name, value) if isinstance(value, str) else value
        if name == "recipient_phone" and (more := normalize_phone(clean_line(value)).more):
            given["recipient_other_phones"] = more
        limit = LONGEST.get(name)
        if limit is not None and len(given[name]) > limit:
            text = gettext("“%(field)s” is too long for the site. %(excess)s.")
            label = field_label(Order, name)
            raise NotAllowedError(text % {"field": label, "excess": excess_text(given[name], limit)}, field=name)
    return given


def refuse_excess(text: str, limit: int, *, field: str = "") -> None:
    """Raise `NotAllowedError` if a text has more characters than allowed. Nothing that staff enter is cut."""
    if excess := excess_text(text, limit):
        raise NotAllowedError(f"{excess}.", field=field)


def _tidy(name: str, text: str) -> str:
    if name == "recipient_phone":
        return normalize_phone(clean_line(text)).value
    tidied = clean_line(text) if name == "recipient_name" else clean_lines(text, breaks=True)
    # One pass resolves one layer of HTML entities. Passes are repeated until the text does not change any more.
    return tidied if tidied == text else _tidy(name, tidied)
