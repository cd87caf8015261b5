"""The upgrade of orders that versions of the sandbox without payments and without a catalogue stored."""

from __future__ import annotations

from .catalogue import PROVIDED, RESERVED
from .reference import PAY_SYSTEMS, PRODUCTS_BY_ID
from .values import Order


def upgrade_order(order: Order) -> Order:
    """Add the keys that an order lacks, and return the order."""
    order.setdefault("REASON_MARKED", "")
    for line in order["basket"]:
        line.setdefault("CUSTOM_PRICE", "N")
        line.setdefault(PROVIDED, int(line["PRODUCT_ID"]) in PRODUCTS_BY_ID)
        line.setdefault(RESERVED, "0.0000")
    if "payments" not in order:
        system = int(order["PAY_SYSTEM_ID"] or 0)
        payment = {
            # No other payment of the sandbox has this id: the counter of payments starts above the ids of orders.
            "ID": order["ID"],
            "PAY_SYSTEM_ID": str(system),
            "PAY_SYSTEM_NAME": PAY_SYSTEMS.get(system, ""),
            "SUM": order["PRICE"],
            "CURRENCY": order["CURRENCY"],
            "PAID": order["PAYED"],
            "DATE_PAID": order["DATE_PAYED"],
            "IS_RETURN": "N",
        }
        order["payments"] = [payment] if system else []
    return order
