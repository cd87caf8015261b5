"""The buyers' inner accounts: where Bitrix books what was paid over an order's price (b_sale_user_account, _transact).

Not locked: the site calls it under its own lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .storage import Document, Put

# Bitrix's own words for why money was moved.
EXCESS = "EXCESS_SUM_PAID"
ORDER_PAY = "ORDER_PAY"


@dataclass(frozen=True)
class Booking:
    """Money that a save is going to move: above zero to the account, below zero from it."""

    amount: Decimal
    description: str
    payment_id: str | None = None


class Accounts:
    """One account for each buyer that ever had one, and every transaction."""

    def __init__(self, rows: list[Document]) -> None:
        """`rows`: the transactions as stored."""
        self.transactions: list[dict[str, Any]] = []
        self._budgets: dict[str, Decimal] = {}
        for row in rows:
            self._remember(row)

    def _remember(self, row: Document) -> None:
        self.transactions.append(row)
        amount = Decimal(row["AMOUNT"]) * (1 if row["DEBIT"] == "Y" else -1)
        self._budgets[row["USER_ID"]] = self.budget(row["USER_ID"]) + amount

    def budget(self, user_id: str) -> Decimal:
        """What lies on a buyer's account, KZT."""
        return self._budgets.get(str(user_id), Decimal(0))

    def book(self, order: dict[str, Any], bookings: list[Booking], now: str, origin: str) -> list[Put]:
        """Make the transactions of a save; returns what to store. AMOUNT is never below zero: DEBIT Y is money in."""
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
                # Who made the save: no column of Bitrix's, but what a test asks about.
                "origin": origin,
            }
            self._remember(row)
            puts.append(("transaction", row["ID"], row))
        return puts
