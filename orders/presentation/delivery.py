"""What a courier is told of an order, in the same words on paper, on his phone and in a message."""

from decimal import Decimal

from django.utils.translation import gettext

from orders.models import Order, PaymentMethod, PaymentStatus, Stage


def is_off(order: Order) -> bool:
    """Return whether the order is not to be made or delivered any more."""
    return order.is_cancelled or order.is_deleted_on_site or order.status.stage == Stage.CANCELLED


def reason_to_leave_out(order: Order) -> str:
    """Return why no courier takes this order; empty when one does."""
    if is_off(order):
        return gettext("cancelled")
    if order.status.stage == Stage.DONE:
        return gettext("done already")
    return gettext("pickup") if order.is_pickup else ""


def to_collect(order: Order) -> Decimal:
    """Return what the courier has to collect for this order, in KZT."""
    if order.payment_status in (PaymentStatus.PAID, PaymentStatus.REFUNDED):
        return Decimal(0)
    return order.amount_due


def handover_warning(order: Order) -> str:
    """Return what must not be said at the door; empty for most orders."""
    # A surprise is spoilt by a name as much as by a call.
    if order.is_surprise:
        return gettext("SURPRISE: don't name the sender, don't call the recipient")
    return gettext("ANONYMOUS: don't name the sender") if order.is_anonymous else ""


def payment_on_delivery(order: Order) -> str:
    """Return whether the order is paid, else how the rest is."""
    if order.payment_status == PaymentStatus.REFUNDED:
        return str(PaymentStatus.REFUNDED.label)
    if not to_collect(order):
        return gettext("PAID")
    if order.paid_amount:
        return gettext("to be paid on top")
    if order.payment_method in ("", PaymentMethod.CASH):
        return gettext("cash")
    return gettext("not paid: %(method)s") % {"method": order.get_payment_method_display()}
