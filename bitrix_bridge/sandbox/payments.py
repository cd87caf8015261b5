"""The payments of an order and its total, as Bitrix keeps them in step (sale/lib/order.php, paymentcollection.php).

PAYED and SUM_PAID are computed, never set. What is paid over the price goes to the buyer's inner account, each time,
and taking the payment back does not bring it back. Money is KZT.
"""

from __future__ import annotations

from decimal import Decimal

from .accounts import EXCESS, ORDER_PAY, Booking
from .drafts import Draft
from .errors import invalid
from .reference import PAY_SYSTEMS
from .values import Order, line_sum, money, rounded

NONE = Decimal(0)


def parts_sum(order: Order) -> Decimal:
    """What the lines and the delivery cost together."""
    lines = sum((line_sum(Decimal(line["PRICE"]), Decimal(line["QUANTITY"])) for line in order["basket"]), NONE)
    return lines + Decimal(order["PRICE_DELIVERY"])


def paid_sum(order: Order) -> Decimal:
    """What has been paid: the sum of the payments that were made."""
    return sum((Decimal(payment["SUM"]) for payment in order["payments"] if payment["PAID"] == "Y"), NONE)


def has_paid(order: Order) -> bool:
    """Whether any payment was made."""
    return any(payment["PAID"] == "Y" for payment in order["payments"])


def the_only_one(order: Order) -> Order | None:
    """The payment of an order that has one alone, which is not made yet."""
    payments = order["payments"]
    return payments[0] if len(payments) == 1 and payments[0]["PAID"] == "N" else None


def add_payment(draft: Draft, system: int, amount: Decimal) -> Order:
    """Add a payment that is not made yet."""
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
    """Set the total. The only payment follows it, if it was that total and is not made yet."""
    order = draft.order
    before = Decimal(order["PRICE"])
    if before == price:
        return
    order["PRICE"] = money(price)
    payment = the_only_one(order)
    if payment is not None and order["CANCELED"] != "Y" and Decimal(payment["SUM"]) == before:
        payment["SUM"] = money(price)
    _settle(draft)


def refresh_price(draft: Draft) -> None:
    """Make the total what the parts cost, as every change of a line and every recalculation does."""
    change_price(draft, parts_sum(draft.order))


def set_sum(draft: Draft, payment: Order, amount: Decimal) -> None:
    """Change the sum of a payment. Raises SiteError 422 for one that was made, and in a cancelled order."""
    if Decimal(payment["SUM"]) == amount:
        return
    if payment["PAID"] == "Y":
        raise invalid("refused", "Невозможно изменить сумму оплаченной оплаты", "payment")
    _refuse_if_cancelled(draft.order)
    payment["SUM"] = money(amount)


def set_paid(draft: Draft, payment: Order, flag: str) -> None:
    """Note that a payment was made, or that it was not. Raises SiteError 422 in a cancelled order."""
    if payment["PAID"] == flag:
        return
    _refuse_if_cancelled(draft.order)
    payment["PAID"] = flag
    if flag == "Y":
        payment["DATE_PAID"] = draft.now
        payment["IS_RETURN"] = "N"
    _settle(draft, payment)


def take_back(draft: Draft) -> None:
    """Note of every payment that it was not made. Raises SiteError 422 in a cancelled order."""
    for payment in draft.order["payments"]:
        set_paid(draft, payment, "N")


def pay(draft: Draft, *, trims: bool) -> None:
    """Pay until the order is paid, what its payments lack by one more.

    `trims`: no payment is made over what is owed, so that nothing goes to the inner account. The site's own people pay
    what stands there. Raises SiteError 422.
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
        if trims and Decimal(payment["SUM"]) > owed:
            set_sum(draft, payment, max(owed, NONE))
        set_paid(draft, payment, "Y")
    missing = Decimal(order["PRICE"]) - paid_sum(order)
    if order["PAYED"] != "Y" and missing > 0:
        set_paid(draft, add_payment(draft, int(order["payments"][-1]["PAY_SYSTEM_ID"]), missing), "Y")


def change_system(draft: Draft, system: int) -> None:
    """Let the payments go by another pay system. Raises SiteError 422 as the bridge does."""
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
    """Order::syncOrderAndPayments(): after a payment was made or taken back, and, without one, after a new total."""
    order = draft.order
    price, paid, counted = Decimal(order["PRICE"]), paid_sum(order), Decimal(order["SUM_PAID"])
    if payment is None:
        if counted != price and paid > counted:
            # What was booked as too much is brought back when the total rises again.
            booked = draft.tables.accounts.budget(order["USER_ID"]) + sum(one.amount for one in draft.bookings)
            brought = min(price - counted, paid - counted, booked)
            if brought > 0:
                draft.bookings.append(Booking(-brought, ORDER_PAY))
                counted += brought
    elif payment["PAID"] == "Y":
        counted = counted + Decimal(payment["SUM"]) if paid > price else paid
    elif paid < counted:
        # Only what the account did not get comes off; the account keeps what it has.
        counted = paid
    flag = "Y" if has_paid(order) and price <= counted else "N"
    if flag != order["PAYED"]:
        order["PAYED"], order["DATE_PAYED"] = flag, draft.now
    if counted > price:
        if payment is None or payment["PAID"] == "Y":
            draft.bookings.append(Booking(counted - price, EXCESS, payment["ID"] if payment else None))
        counted = price
    order["SUM_PAID"] = f"{counted:.2f}"
