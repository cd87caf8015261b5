"""The rule that finds the payments which an order lacks after its paid sum has changed.

The site reports one sum, and sometimes the payments that it consists of. Staff may change the sum too. The payments of
the CRM are never changed: new ones are added until their sum is the paid sum.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from orders.sync.snapshot import PaymentSnapshot

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Row:
    """A payment that the order has, or that it lacks. A sum that was given back is negative."""

    amount: Decimal
    method: str = ""
    bitrix_payment_id: int | None = None
    paid_at: datetime | None = None
    """When the site says that the sum was paid, or None if it does not say it."""


def missing_rows(
    rows: Sequence[Row], *, paid: Decimal, method: str = "", site: Iterable[PaymentSnapshot] = ()
) -> list[Row]:
    """Return the payments after which the sum of all is `paid`, an amount that is not negative.

    `site` are the payments that the site has reported: a new one has its method and time, and one that is no longer
    paid is given back by its own method. Any other difference has the order's payment `method`, or is given back by
    the methods by which most was paid.
    """
    found: list[Row] = []
    need = paid - sum((row.amount for row in rows), Decimal(0))
    of_site = _sums((row.bitrix_payment_id, row.amount) for row in rows if row.bitrix_payment_id is not None)
    methods = {row.bitrix_payment_id: row.method for row in rows if row.amount > 0}
    for one in site:
        known = of_site.get(one.bitrix_payment_id, Decimal(0))
        change = (one.amount if one.is_paid else Decimal(0)) - known
        change = min(change, need) if need > 0 else max(change, need)
        if change * need > 0:
            taken = methods.get(one.bitrix_payment_id, "") if change < 0 else one.method or method
            found.append(Row(change, taken, one.bitrix_payment_id, one.paid_at if change > 0 else None))
            need -= change
    if need > 0:
        found.append(Row(need, method))
    if need < 0:
        found += _given_back(-need, [*rows, *found])
    return found


def _given_back(amount: Decimal, rows: Iterable[Row]) -> list[Row]:
    sums = _sums((row.method, row.amount) for row in rows)
    found = []
    for method, paid in sorted(sums.items(), key=lambda pair: -pair[1]):
        if (part := min(paid, amount)) > 0:
            found.append(Row(-part, method))
            amount -= part
    return found


def _sums(pairs: Iterable[tuple[Key, Decimal]]) -> dict[Key, Decimal]:
    sums: dict[Key, Decimal] = {}
    for key, amount in pairs:
        sums[key] = sums.get(key, Decimal(0)) + amount
    return sums
