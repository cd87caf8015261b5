"""The unknown values of an order that staff should ask about."""

from django.utils.translation import gettext

from cvety_crm.model_fields import field_label
from cvety_crm.users import AnyUser
from orders.models import Order
from orders.presentation.payment import unknown_text
from orders.presentation.phones import shown_phone
from orders.rules.visibility import HIDDEN, MONEY_FIELDS, may_see_prices, shown_text
from orders.sync.fields import ITEMS
from orders.sync.unknown import ASKED
from orders.values.phones import is_number


def unknown_names(order: Order) -> list[str]:
    """Return the labels of the fields with unknown values, without the payment method."""
    names = [name for name in ASKED if order.is_unknown(name)]
    if is_phone_unreadable(order) and "recipient_phone" not in names:
        names.append("recipient_phone")
    return [_label(name) for name in names]


def unknown_facts(order: Order, user: AnyUser) -> list[tuple[str, str]]:
    """Return the label of each unknown value and the text of the site, as this user may see it."""
    phone = shown_phone(user, order.recipient_phone)
    unreadable = [(_label("recipient_phone"), phone)] if is_phone_unreadable(order) else []
    is_priced = may_see_prices(user, order.delivery_date)
    return unreadable + [
        (
            _label(name),
            HIDDEN
            if name in (*MONEY_FIELDS, ITEMS) and not is_priced
            else shown_text(user, unknown_text(order.unknown_values[name])),
        )
        for name in ASKED
        if order.is_unknown(name)
    ]


def is_phone_unreadable(order: Order) -> bool:
    """Return whether the recipient's phone is a text that could not be read as a number."""
    return bool(order.recipient_phone) and not is_number(order.recipient_phone)


def _label(name: str) -> str:
    return gettext("composition") if name == ITEMS else field_label(Order, name)
