"""Read the history of an order on the site, `b_sale_order_change`, as timeline entries.

The types and their data are defined in `CSaleOrderChangeFormat::$operationTypes` in `sale/general/order_change.php`.
Only changes of the status, the cancellation and the payment are imported. The timeline also shows these changes if they
are received by webhook.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from bitrix_bridge.history.reasons import Code, Reason
from bitrix_bridge.history.source import Row
from bitrix_bridge.payloads.amounts import read_id, read_money
from bitrix_bridge.payloads.dates import read_moment
from bitrix_bridge.payloads.php_values import unserialize
from bitrix_bridge.payloads.values import read_flag, read_status
from orders.sync.snapshot import HistoryEntry

FIRST_STATUS = "N"
"""The initial status of every order of the site (`OrderStatus::getInitialStatus`)."""
_LONGEST_REMEMBERED = 100
PAYMENT = "PAYMENT_PAID"
"""The type of a change of one payment. An order may have several payments."""


@dataclass(frozen=True, slots=True)
class History:
    """Timeline entries sorted by time, and a reason for each type of change that could not be read."""

    entries: tuple[HistoryEntry, ...]
    reasons: tuple[Reason, ...]


def history(changes: Iterable[Row], users: Mapping[str, Row], payments: Iterable[Row] = ()) -> History:
    """Return the changes of one order as timeline entries. A status is the site's code, `who` is a name to display."""
    entries: list[HistoryEntry] = []
    reasons: list[Reason] = []
    known: dict[str, Any] = {
        "status": FIRST_STATUS,
        "is_cancelled": False,
        "payment_status": "pending",
        "paid_amount": "0.00",
    }
    sums = {row.get("ID") or "": read_money(row.get("SUM")).value or Decimal(0) for row in payments}
    paid: set[str] = set()
    for row in sorted(changes, key=lambda one: (one.get("DATE_CREATE") or "", read_id(one.get("ID")).value or 0)):
        kind, happened_at = row.get("TYPE") or "", read_moment(row.get("DATE_CREATE")).value
        if (kind != PAYMENT and kind not in _READERS) or happened_at is None:
            continue
        try:
            data = _data(row)
            found = _paid_sum(data, sums, paid) if kind == PAYMENT else _READERS[kind](data)
        except ValueError:
            reasons.append(Reason(Code.BROKEN_CHANGE, row.get("TYPE") or ""))
            continue
        if found is not None and (entry := _entry(row, happened_at, found, known, users)) is not None:
            entries.append(entry)
    return History(tuple(entries), tuple(dict.fromkeys(reasons)))


def _entry(
    row: Row, happened_at: datetime, found: "_Found", known: dict[str, Any], users: Mapping[str, Row]
) -> HistoryEntry | None:
    before = known[found.field]
    if before == found.value:
        return None
    known[found.field] = found.value
    return HistoryEntry(
        key=row.get("ID") or f"{happened_at.isoformat()} {found.field}",
        happened_at=happened_at,
        field=found.field,
        old=before,
        new=found.value,
        who=_name(users.get(row.get("USER_ID") or "")),
        comment=found.comment,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    field: str
    value: Any
    comment: str = ""


def _data(row: Row) -> Mapping[str, Any]:
    text = row.get("DATA") or ""
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _values(text)


def _values(text: str) -> Mapping[str, Any]:
    data = unserialize(text)
    if not isinstance(data, Mapping):
        raise ValueError("no named values")
    return data


# Most changes of the status have one of a few texts.
_remembered = lru_cache(maxsize=1024)(_values)


def _status(data: Mapping[str, Any]) -> _Found | None:
    status = read_status(data.get("STATUS_ID")).value
    return _Found("status", status) if status else None


def _cancelled(data: Mapping[str, Any]) -> _Found | None:
    is_cancelled = read_flag(data.get("CANCELED")).value
    if is_cancelled is None:
        return None
    return _Found("is_cancelled", is_cancelled, str(data.get("REASON_CANCELED") or "") if is_cancelled else "")


def _paid(data: Mapping[str, Any]) -> _Found | None:
    is_paid = read_flag(data.get("PAYED")).value
    return None if is_paid is None else _Found("payment_status", "paid" if is_paid else "pending")


def _paid_sum(data: Mapping[str, Any], sums: Mapping[str, Decimal], paid: set[str]) -> _Found | None:
    """Return the total paid after this change.

    The change contains the id of a payment, and `b_sale_order_payment` contains the sum of the payment.
    """
    payment, is_paid = str(data.get("ID") or ""), read_flag(data.get("PAID")).value
    if payment not in sums or is_paid is None:
        return None
    if is_paid:
        paid.add(payment)
    else:
        paid.discard(payment)
    return _Found("paid_amount", str(sum((sums[key] for key in paid), Decimal("0.00"))))


def _name(person: Row | None) -> str:
    if person is None:
        return ""
    parts = (person.get("NAME"), person.get("LAST_NAME"))
    return " ".join(part for part in parts if part) or person.get("LOGIN") or ""


_READERS: dict[str, Callable[[Mapping[str, Any]], _Found | None]] = {
    "ORDER_STATUS_CHANGED": _status,
    "ORDER_CANCELED": _cancelled,
    "ORDER_PAYED": _paid,
}
