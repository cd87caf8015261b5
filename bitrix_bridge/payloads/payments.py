"""Read the payments of an order (`b_sale_order_payment`)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from bitrix_bridge.payloads.amounts import read_id, read_price
from bitrix_bridge.payloads.dates import read_moment
from bitrix_bridge.payloads.translation import ABSENT, Fields
from bitrix_bridge.payloads.values import read_flag
from orders.sync.snapshot import PaymentSnapshot

RETURNED = frozenset({"Y", "P"})
"""The values of `IS_RETURN`: Y if the money went to the customer's account on the site, P if a pay system gave it back.
"""


def payments_of(raw: Any) -> list[Mapping[str, Any]] | None:
    """Return the payments of an order, or None if `raw` is not a list of objects."""
    rows = list(raw.values()) if isinstance(raw, Mapping) else raw
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return None
    return rows


def is_returned(payments: Iterable[Any]) -> bool:
    """Return whether a payment was returned to the customer and no other payment is paid."""
    rows = [Fields(payment) for payment in payments if isinstance(payment, Mapping)]
    return any(map(_was_returned, rows)) and not any(map(_is_marked_paid, rows))


def read_payments(payments: Iterable[Any], pay_systems: Mapping[int, str]) -> tuple[PaymentSnapshot, ...]:
    """Return the payments whose id and sum can be read. `pay_systems` maps PAY_SYSTEM_ID to payment methods."""
    found = []
    for fields in (Fields(payment) for payment in payments if isinstance(payment, Mapping)):
        key, amount = _value(fields, "ID", read_id), _value(fields, "SUM", read_price)
        if key is None or not isinstance(amount, Decimal):
            continue
        system = _value(fields, "PAY_SYSTEM_ID", read_id)
        found.append(
            PaymentSnapshot(
                bitrix_payment_id=key,
                amount=amount,
                is_paid=_is_marked_paid(fields) and not _was_returned(fields),
                method=pay_systems.get(system, "") if system is not None else "",
                paid_at=_value(fields, "DATE_PAID", read_moment),
            )
        )
    return tuple(found)


def _value(fields: Fields, name: str, read: Any) -> Any:
    raw = fields.peek(name)
    return None if raw is ABSENT else read(raw).value


def _is_marked_paid(fields: Fields) -> bool:
    return bool(_value(fields, "PAID", read_flag))


def _was_returned(fields: Fields) -> bool:
    return str(fields.peek("IS_RETURN")).strip().upper() in RETURNED
