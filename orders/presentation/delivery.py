"""Facts for the courier about an order. They are the same on paper, on the courier's phone and in a message."""

from decimal import Decimal

from django.utils.translation import gettext

from orders.models import Order, PaymentMethod, PaymentStatus, Stage


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


def to_collect(order: Order) -> Decimal:
    """Return the sum that the courier collects for this order, in KZT."""
    if order.payment_status in (PaymentStatus.PAID, PaymentStatus.REFUNDED):
        return Decimal(0)
    return order.amount_due


def handover_warning(order: Order) -> str:
    """Return what the courier must not say at the handover. For most orders this is an empty string."""
    # If the courier names the sender, the order is no longer a surprise.
    if order.is_surprise:
        return gettext("SURPRISE: don't name the sender, don't call the recipient")
    return gettext("ANONYMOUS: don't name the sender") if order.is_anonymous else ""


def payment_on_delivery(order: Order) -> str:
    """Return a message that the order is paid or refunded, or how the rest is paid."""
    if order.payment_status == PaymentStatus.REFUNDED:
        return str(PaymentStatus.REFUNDED.label)
    if not to_collect(order):
        return gettext("PAID")
    if order.paid_amount:
        return gettext("to be paid on top")
    if order.payment_method in ("", PaymentMethod.CASH):
        return gettext("cash")
    return gettext("not paid: %(method)s") % {"method": order.get_payment_method_display()}
