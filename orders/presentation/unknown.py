"""The unknown values of an order that staff should ask about."""

from django.utils.translation import gettext

from cvety_crm.model_fields import field_label
from cvety_crm.users import AnyUser
from orders.models import Order
from orders.presentation.payment import unknown_text
from orders.rules.visibility import HIDDEN, MONEY_FIELDS, may_see_prices, shown_text
from orders.sync.fields import ITEMS
from orders.sync.unknown import ASKED


def unknown_names(order: Order) -> list[str]:
    """Return the labels of the fields with unknown values, without the payment method."""
    return [_label(name) for name in ASKED if order.is_unknown(name)]


def unknown_facts(order: Order, user: AnyUser) -> list[tuple[str, str]]:
    """Return the label of each unknown value and the text of the site, as this user may see it."""
    is_priced = may_see_prices(user, order.delivery_date)
    return [
        (
            _label(name),
            HIDDEN
            if name in (*MONEY_FIELDS, ITEMS) and not is_priced
            else shown_text(user, unknown_text(order.unknown_values[name])),
        )
        for name in ASKED
        if order.is_unknown(name)
    ]


def _label(name: str) -> str:
    return gettext("composition") if name == ITEMS else field_label(Order, name)
