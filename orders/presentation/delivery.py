"""Facts for the courier about an order. They are the same on paper, on the courier's phone and in a message."""

from django.utils.translation import gettext

from orders.models import Order, PaymentMethod, Stage
from orders.presentation.payment import method_text, state_text
from orders.rules.payment import Standing, payment_of


def is_off(order: Order) -> bool:
    """Return whether the order is cancelled in the CRM or on the site, or deleted on the site."""
    return order.is_cancelled or order.is_deleted_on_site or order.status.stage == Stage.CANCELLED


def reason_to_leave_out(order: Order) -> str:
    """Return the reason why no courier delivers this order, or an empty string if a courier delivers it."""
    if is_off(order):
        return gettext("cancelled")
    if order.status.stage == Stage.DONE:
        return gettext("done already")
    return gettext("pickup") if order.is_pickup else ""


def handover_warning(order: Order) -> str:
    """Return what the courier must not say at the handover. For most orders this is an empty string."""
    # If the courier names the sender, the order is no longer a surprise.
    if order.is_surprise:
        return gettext("SURPRISE: don't name the sender, don't call the recipient")
    return gettext("ANONYMOUS: don't name the sender") if order.is_anonymous else ""


def payment_on_delivery(order: Order) -> str:
    """Return a message that the order is paid or refunded, or how the rest is paid."""
    payment = payment_of(order)
    if payment.standing == Standing.PAID:
        return gettext("PAID")
    if payment.standing == Standing.PARTLY_PAID:
        return gettext("to be paid on top")
    if payment.standing != Standing.NOT_PAID:
        return state_text(payment)
    return gettext("cash") if payment.method == PaymentMethod.CASH else method_text(order, payment)
