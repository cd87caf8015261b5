"""The words for the sum and the payment of an order, on pages, on paper, in messages and in exports."""

from decimal import Decimal

from django.utils.translation import gettext, gettext_lazy, ngettext

from orders.models import Order, PaymentMethod, PaymentStatus
from orders.presentation.formatting import money
from orders.rules.courier_cash import CourierCash
from orders.rules.payment import Dues, PaymentState, Standing, payment_of
from orders.sync.unknown import system_token
from orders.values.phone_masking import without_phones

_ZERO = Decimal(0)
_STATES = {
    Standing.PAID: gettext_lazy("paid"),
    Standing.REFUNDED: PaymentStatus.REFUNDED.label,
    Standing.NOTHING_TO_PAY: gettext_lazy("nothing to pay"),
    Standing.PARTLY_PAID: gettext_lazy("not paid in full"),
    Standing.NOT_PAID: gettext_lazy("not paid"),
    Standing.UNKNOWN: gettext_lazy("payment unknown"),
}
_LONGEST_TYPED = 100
"""The number of characters that are shown of what the customer has entered about the payment."""


def sum_text(order: Order) -> str:
    """Return the sum of the order in its currency, or the text that the site sent instead of a sum."""
    return amount_text(order, "total_amount")


def amount_text(order: Order, name: str) -> str:
    """Return an amount of the order, or “unknown” with the text that could not be read."""
    if order.is_unknown(name):
        return unknown_text(order.unknown_values[name])
    if order.is_unknown("currency"):
        return f"{money(getattr(order, name), '?')} ({unknown_text(order.unknown_values['currency'])})"
    return money(getattr(order, name), order.currency)


def unknown_text(typed: str) -> str:
    """Return “unknown”, with the text that could not be read, if there is one."""
    return gettext("unknown: “%(typed)s”") % {"typed": typed} if typed else gettext("unknown")


def unknown_method(order: Order) -> str:
    """Return the name of the pay system whose payment method is unknown, with what the customer has entered.

    The text is empty if neither is known. It contains no phone, and is one short line. The order needs
    `select_related("pay_system")`.
    """
    typed: str = order.unknown_values.get("payment_method", "")
    parts = " ".join(typed.split()).split(", ")
    names: list[str] = []
    if order.pay_system is not None:
        names = [order.pay_system.name]
        parts = [part for part in parts if part != system_token(order.pay_system.bitrix_id)]
    entered = without_phones(", ".join(parts)[:_LONGEST_TYPED])
    return ", ".join([*names, entered] if entered else names)


def receipt_number(order: Order) -> str:
    """Return the number of the receipt that the site reports (`CHECK_NUMBER`), or an empty string."""
    properties = order.metadata.get("properties")
    number = properties.get("CHECK_NUMBER") if isinstance(properties, dict) else None
    return str(number).strip() if isinstance(number, str | int) else ""


def state_text(payment: PaymentState) -> str:
    """Return whether an order is paid, without sums."""
    return str(_STATES[payment.standing])


def payment_text(order: Order) -> str:
    """Return the state of the payment. For an unpaid order, also return the due sum or the payment method."""
    payment = payment_of(order)
    if payment.standing == Standing.PARTLY_PAID and payment.due is not None:
        return gettext("to be paid: %(sum)s") % {"sum": money(payment.due, payment.currency)}
    if payment.standing != Standing.NOT_PAID:
        return state_text(payment)
    if payment.method == PaymentMethod.CASH and payment.due is not None:
        return gettext("cash: %(sum)s") % {"sum": money(payment.due, payment.currency)}
    return method_text(order, payment)


def method_text(order: Order, payment: PaymentState) -> str:
    """Return “not paid” with the payment method of an unpaid order. `payment` is the payment of this order."""
    if payment.method is None:
        name = unknown_method(order)
        known = gettext("not paid, method unknown: “%(name)s”") % {"name": name}
        return known if name else gettext("not paid, method unknown")
    return gettext("not paid: %(method)s") % {"method": payment.method.label}


def due_text(payment: PaymentState) -> str:
    """Return the due sum, or “sum unknown”."""
    return gettext("sum unknown") if payment.due is None else money(payment.due, payment.currency)


def dues_text(dues: Dues) -> str:
    """Return the sums that are due for several orders, such as `17 000 ₸ + 1 unknown sum`."""
    sums = [money(value, currency) for currency, value in dues.sums.items()]
    return " + ".join([*sums, *([unknown_sums(dues.unknown)] if dues.unknown else [])]) or money(_ZERO)


def bring_back_text(cash: CourierCash) -> str:
    """Return the cash that a courier brings back, such as `bring back in cash: 9 000 ₸ (in hand: 4 000 ₸)`."""
    parts = [
        gettext("in hand: %(sum)s") % {"sum": money(cash.held)} if cash.held else "",
        gettext("of earlier days: %(sum)s") % {"sum": money(cash.earlier)} if cash.earlier else "",
    ]
    known = "; ".join(part for part in parts if part)
    words = gettext("bring back in cash: %(sum)s") % {"sum": money(cash.total)}
    return f"{words} ({known})" if known else words


def uncounted_sums(count: int) -> str:
    """Return a number of sums that are unknown or in a different currency, so that a total does not contain them."""
    return ngettext(
        "%(count)s sum that is unknown or not in ₸", "%(count)s sums that are unknown or not in ₸", count
    ) % {"count": count}


def unknown_sums(count: int) -> str:
    """Return a number of unknown sums."""
    return ngettext("%(count)s unknown sum", "%(count)s unknown sums", count) % {"count": count}
