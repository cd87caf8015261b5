"""The payments of an order and its total, synchronised by Bitrix's rules (sale/lib/order.php, paymentcollection.php).

PAYED and SUM_PAID are computed, never set. Each overpayment moves to the customer's account. It remains there when the
payment is marked unpaid again. Money is in KZT.
"""

from __future__ import annotations

from decimal import Decimal

from .accounts import EXCESS, ORDER_PAY, Booking
from .errors import invalid
from .order_draft import Draft
from .reference import PAY_SYSTEMS
from .values import Order, is_bought, line_sum, money, rounded

NONE = Decimal(0)


def parts_sum(order: Order) -> Decimal:
    """Return the sum of the items and the delivery."""
    bought = [line for line in order["basket"] if is_bought(line)]
    lines = sum((line_sum(Decimal(line["PRICE"]), Decimal(line["QUANTITY"])) for line in bought), NONE)
    return lines + Decimal(order["PRICE_DELIVERY"])


def paid_sum(order: Order) -> Decimal:
    """Return the sum of the paid payments."""
    return sum((Decimal(payment["SUM"]) for payment in order["payments"] if payment["PAID"] == "Y"), NONE)


def has_paid(order: Order) -> bool:
    """Return whether any payment is paid."""
    return any(payment["PAID"] == "Y" for payment in order["payments"])


def only_unpaid_payment(order: Order) -> Order | None:
    """Return the payment of an order if it is the only payment and unpaid, otherwise None."""
    payments = order["payments"]
    return payments[0] if len(payments) == 1 and payments[0]["PAID"] == "N" else None


def add_payment(draft: Draft, system: int, amount: Decimal) -> Order:
    """Add an unpaid payment to the order and return the payment."""
    payment = {
        "ID": str(draft.tables.next_id("payment")),
        "PAY_SYSTEM_ID": str(system),
        "PAY_SYSTEM_NAME": PAY_SYSTEMS[system],
        "SUM": money(rounded(amount)),
        "CURRENCY": draft.order["CURRENCY"],
        "PAID": "N",
        "DATE_PAID": None,
        "IS_RETURN": "N",
    }
    draft.order["payments"].append(payment)
    draft.order["PAY_SYSTEM_ID"] = str(system)
    return payment


def change_price(draft: Draft, price: Decimal) -> None:
    """Set the total. If the order's only payment is unpaid and has the old total as its sum, also change that sum."""
    order = draft.order
    before = Decimal(order["PRICE"])
    if before == price:
        return
    order["PRICE"] = money(price)
    payment = only_unpaid_payment(order)
    if payment is not None and order["CANCELED"] != "Y" and Decimal(payment["SUM"]) == before:
        payment["SUM"] = money(price)
    _settle(draft)


def refresh_price(draft: Draft) -> None:
    """Set the total to the sum of the items and the delivery.

    Bitrix does this after every change of an item and in every recalculation.
    """
    change_price(draft, parts_sum(draft.order))


def set_sum(draft: Draft, payment: Order, amount: Decimal) -> None:
    """Change the sum of a payment.

    Raise `SiteError` 422 if the payment is paid or the order is cancelled.
    """
    if Decimal(payment["SUM"]) == amount:
        return
    if payment["PAID"] == "Y":
        raise invalid("refused", "Невозможно изменить сумму оплаченной оплаты", "payment")
    _refuse_if_cancelled(draft.order)
    payment["SUM"] = money(amount)


def set_paid(draft: Draft, payment: Order, flag: str) -> None:
    """Mark a payment as paid or unpaid.

    Raise `SiteError` 422 if the order is cancelled.
    """
    if payment["PAID"] == flag:
        return
    _refuse_if_cancelled(draft.order)
    payment["PAID"] = flag
    if flag == "Y":
        payment["DATE_PAID"] = draft.now
        payment["IS_RETURN"] = "N"
    _settle(draft, payment)


def mark_unpaid(draft: Draft) -> None:
    """Mark every payment as unpaid.

    Raise `SiteError` 422 if the order is cancelled and has a paid payment.
    """
    for payment in draft.order["payments"]:
        set_paid(draft, payment, "N")


def pay(draft: Draft, *, avoid_overpayment: bool) -> None:
    """Mark payments as paid until the order is paid.

    If the sum of all payments is less than the total, a payment of the missing amount is added and marked as paid. If
    `avoid_overpayment` is true, the sum of a payment is reduced to the amount that is still owed: no money moves to the
    customer's account. When staff of the site mark payments as paid, the sums are not changed.

    Raise `SiteError` 422 if the order has no payment or is cancelled.
    """
    order = draft.order
    if order["PAYED"] == "Y":
        return
    if not order["payments"]:
        raise invalid("no_payment", "У заказа на сайте нет ни одной оплаты", "payment")
    for payment in list(order["payments"]):
        if payment["PAID"] == "Y" or order["PAYED"] == "Y":
            continue
        owed = Decimal(order["PRICE"]) - paid_sum(order)
        if avoid_overpayment and Decimal(payment["SUM"]) > owed:
            set_sum(draft, payment, max(owed, NONE))
        set_paid(draft, payment, "Y")
    missing = Decimal(order["PRICE"]) - paid_sum(order)
    if order["PAYED"] != "Y" and missing > 0:
        set_paid(draft, add_payment(draft, int(order["payments"][-1]["PAY_SYSTEM_ID"]), missing), "Y")


def change_pay_system(draft: Draft, system: int) -> None:
    """Change the pay system of the payments, or add a payment if the order has no payment.

    Raise `SiteError` 422 if the pay system is unknown, if a payment is paid, or if the payments have different pay
    systems. These are the rules of the bridge.
    """
    order = draft.order
    present = {payment["PAY_SYSTEM_ID"] for payment in order["payments"]}
    if present == {str(system)}:
        return
    if system not in PAY_SYSTEMS:
        raise invalid("pay_system_unknown", f"На сайте нет платёжной системы {system}", "payment")
    if not present:
        add_payment(draft, system, Decimal(order["PRICE"]))
        return
    if has_paid(order):
        message = "Заказ на сайте оплачен: способ оплаты оплаченного не меняется"
        raise invalid("payment_paid", message, "payment")
    if len(present) > 1:
        message = "Оплат у заказа несколько, разных платёжных систем: измените их на сайте"
        raise invalid("payments", message, "payment")
    for payment in order["payments"]:
        payment.update(PAY_SYSTEM_ID=str(system), PAY_SYSTEM_NAME=PAY_SYSTEMS[system])
    order["PAY_SYSTEM_ID"] = str(system)


def _refuse_if_cancelled(order: Order) -> None:
    if order["CANCELED"] == "Y":
        raise invalid("refused", "Невозможно оплатить отмененный заказ", "payment")


def _settle(draft: Draft, payment: Order | None = None) -> None:
    """Update PAYED and SUM_PAID by the rules of Order::syncOrderAndPayments().

    `payment` is the payment that was marked paid or unpaid, or None after a change of the total.
    """
    order = draft.order
    price, paid, counted = Decimal(order["PRICE"]), paid_sum(order), Decimal(order["SUM_PAID"])
    if payment is None:
        if counted != price and paid > counted:
            # When the total rises again, an overpayment moves back from the account.
            booked = draft.tables.accounts.budget(order["USER_ID"]) + sum(one.amount for one in draft.bookings)
            brought = min(price - counted, paid - counted, booked)
            if brought > 0:
                draft.bookings.append(Booking(-brought, ORDER_PAY))
                counted += brought
    elif payment["PAID"] == "Y":
        counted = counted + Decimal(payment["SUM"]) if paid > price else paid
    elif paid < counted:
        # Only the amount that did not move to the account is subtracted; the rest remains in the account.
        counted = paid
    flag = "Y" if has_paid(order) and price <= counted else "N"
    if flag != order["PAYED"]:
        order["PAYED"], order["DATE_PAYED"] = flag, draft.now
    if counted > price:
        if payment is None or payment["PAID"] == "Y":
            draft.bookings.append(Booking(counted - price, EXCESS, payment["ID"] if payment else None))
        counted = price
    order["SUM_PAID"] = f"{counted:.2f}"
