"""The buyers' inner accounts, where Bitrix books overpayments (b_sale_user_account, b_sale_user_transact).

Not locked: the site calls this module under its own lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .storage import Document, Put

# Bitrix's values of DESCRIPTION, the reason of a transaction.
EXCESS = "EXCESS_SUM_PAID"
ORDER_PAY = "ORDER_PAY"


@dataclass(frozen=True)
class Booking:
    """Money that a save moves: above zero to the account, below zero from it."""

    amount: Decimal
    description: str
    payment_id: str | None = None


class Accounts:
    """All transactions, and the balance of each buyer's account."""

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
        """Return the balance of a buyer's account, KZT."""
        return self._budgets.get(str(user_id), Decimal(0))

    def book(self, order: dict[str, Any], bookings: list[Booking], now: str, origin: str) -> list[Put]:
        """Make the transactions of a save and return what to store. AMOUNT is never negative: DEBIT Y is money in."""
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
                # Who saved the order: not a column of Bitrix, but tests query it.
                "origin": origin,
            }
            self._remember(row)
            puts.append(("transaction", row["ID"], row))
        return puts
