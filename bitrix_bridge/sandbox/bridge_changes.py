"""The action `order.update` of the bridge. If a part of the request is refused, the other parts are still applied."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .basket import BasketUpdate, RequestedLine, allocate_goods_total, current_lines
from .columns import PART_COLUMNS, cancel, set_column, set_delivery
from .creation import goods_total, set_discount_value
from .order_draft import Draft
from .payments import change_pay_system, mark_unpaid, only_unpaid_payment, pay, refresh_price, set_sum
from .request_report import RequestReport
from .values import Order


def only(fields: Order, *names: str) -> Order:
    """Return the named fields that the request contains."""
    return {name: fields[name] for name in names if name in fields}


class BridgeChange:
    """The application of a request's parts to a draft, with a report of the refused parts.

    The sequence of the parts matters: Bitrix accepts no payment for a cancelled order and does not cancel a paid order.
    """

    def __init__(self, draft: Draft, report: RequestReport) -> None:
        self._draft, self._report = draft, report
        self._asked = 0

    def run(self, fields: Order, properties: dict[str, Any], lines: list[RequestedLine] | None) -> None:
        """Apply the request.

        Raise `SiteError` 422 if every part of the request is refused.
        """
        draft = self._draft
        flag, paid = fields.get("CANCELED"), fields.get("PAYED")
        cancelling = list(only(fields, "CANCELED", "REASON_CANCELED"))
        if flag == "N":
            self._do(cancelling, lambda: cancel(draft, "N", ""))
        # Payments are marked as unpaid first, because Bitrix changes neither the sum nor the pay system of a paid
        # payment.
        if paid == "N":
            self._do(["PAYED"], lambda: mark_unpaid(draft))
        for column in fields:
            if column not in PART_COLUMNS:
                self._column(column, fields[column])
        for code, value in properties.items():
            self._asked += 1
            self._report.try_property(draft, code, value)
        self._money(fields, lines)
        self._delivery_and_payment(fields)
        if "STATUS_ID" in fields:
            self._column("STATUS_ID", fields["STATUS_ID"])
        if flag == "Y":
            self._do(cancelling, lambda: cancel(draft, "Y", fields.get("REASON_CANCELED", "")))
        elif flag is None and "REASON_CANCELED" in fields:
            self._column("REASON_CANCELED", fields["REASON_CANCELED"])
        if self._report.first is not None and len(self._report.refused) == self._asked:
            raise self._report.first

    def _delivery_and_payment(self, fields: Order) -> None:
        if "TRACKING_NUMBER" in fields:
            number = {"TRACKING_NUMBER": fields["TRACKING_NUMBER"]}
            self._do(["TRACKING_NUMBER"], lambda: set_delivery(self._draft, number))
        if fields.get("PAY_SYSTEM_ID"):
            self._do(["PAY_SYSTEM_ID"], lambda: change_pay_system(self._draft, int(fields["PAY_SYSTEM_ID"])))
        if fields.get("PAYED") == "Y":
            self._do(["PAYED"], lambda: pay(self._draft, avoid_overpayment=True))

    def _do(self, columns: list[str], do: Callable[[], None], *more: str) -> None:
        what = [*more, *(f"fields.{column}" for column in columns)]
        self._asked += len(what)
        self._report.attempt(self._draft, what, do)

    def _column(self, column: str, value: Any) -> None:
        self._do([column], lambda: set_column(self._draft, column, value))

    def _money(self, fields: Order, lines: list[RequestedLine] | None) -> None:
        """Apply items, delivery and total.

        If the total differs from the sum of the items and the delivery, the items' prices are changed.
        """
        delivery = only(fields, "PRICE_DELIVERY", "DELIVERY_ID")
        if delivery:
            self._do(list(delivery), lambda: set_delivery(self._draft, delivery))
        goods = list(only(fields, "PRICE", "DISCOUNT_VALUE"))
        if lines is not None or "PRICE" in fields:
            self._do(goods, lambda: self._goods(fields, lines), *([] if lines is None else ["items"]))
        elif goods:
            self._asked += len(goods)
        if lines is not None or delivery or "PRICE" in fields:
            self._settle()

    def _goods(self, fields: Order, lines: list[RequestedLine] | None) -> None:
        order = self._draft.order
        present = current_lines(order)
        wanted = present if lines is None else lines
        if "PRICE" in fields:
            # The requested fee is used even if the site refused it: the items' prices must not compensate for it.
            fee = Decimal({**order, **fields}["PRICE_DELIVERY"])
            wanted = allocate_goods_total(wanted, goods_total(Decimal(fields["PRICE"]), fee))
        if wanted != present:
            basket = BasketUpdate(self._draft, fixed_prices=True)
            basket.apply(wanted)
            self._report.warn_unavailable(basket.unavailable)

    def _settle(self) -> None:
        """Set the total to the sum of the items and the delivery.

        If the order has one payment, and it is unpaid, also change the sum of this payment.
        """
        draft = self._draft
        refresh_price(draft)
        if any(draft.order[name] != draft.loaded[name] for name in ("basket", "PRICE")):
            set_discount_value(draft)
        payment = only_unpaid_payment(draft.order)
        if payment is not None and draft.order["CANCELED"] != "Y":
            set_sum(draft, payment, Decimal(draft.order["PRICE"]))
