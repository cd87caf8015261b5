"""The customers' accounts, in which Bitrix books overpayments (b_sale_user_account, b_sale_user_transact).

This module has no lock of its own: the site holds its lock during each call.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .storage import Document, Put

# Values of Bitrix's column DESCRIPTION, the reason for a transaction.
EXCESS = "EXCESS_SUM_PAID"
ORDER_PAY = "ORDER_PAY"


@dataclass(frozen=True)
class Booking:
    """An amount that a save moves to the customer's account, or from the account if the amount is negative."""

    amount: Decimal
    description: str
    payment_id: str | None = None


class Accounts:
    """All transactions of the site, and the balance of each customer's account."""

    def __init__(self, rows: list[Document]) -> None:
        """Load the stored transactions."""
        self.transactions: list[dict[str, Any]] = []
        self._budgets: dict[str, Decimal] = {}
        for row in rows:
            self._remember(row)

    def _remember(self, row: Document) -> None:
        self.transactions.append(row)
        amount = Decimal(row["AMOUNT"]) * (1 if row["DEBIT"] == "Y" else -1)
        self._budgets[row["USER_ID"]] = self.budget(row["USER_ID"]) + amount

    def budget(self, user_id: str) -> Decimal:
        """Return the balance of a customer's account, in KZT."""
        return self._budgets.get(str(user_id), Decimal(0))

    def book(self, order: dict[str, Any], bookings: list[Booking], now: str, origin: str) -> list[Put]:
        """Book the transactions of a save, and return the documents to store.

        AMOUNT is never negative. DEBIT is "Y" if the money moves to the account, otherwise "N".
        """
        puts: list[Put] = []
        for booking in bookings:
            row = {
                "ID": str(len(self.transactions) + 1),
                "USER_ID": order["USER_ID"],
                "TRANSACT_DATE": now,
                "CURRENT_BUDGET": f"{self.budget(order['USER_ID']):.4f}",
                "AMOUNT": f"{abs(booking.amount):.4f}",
                "CURRENCY": order["CURRENCY"],
                "DEBIT": "Y" if booking.amount > 0 else "N",
                "ORDER_ID": order["ID"],
                "PAYMENT_ID": booking.payment_id,
                "DESCRIPTION": booking.description,
                # `origin` is not a column of Bitrix. It names who saved the order, and tests query it.
                "origin": origin,
            }
            self._remember(row)
            puts.append(("transaction", row["ID"], row))
        return puts
