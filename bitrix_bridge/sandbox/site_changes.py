"""The changes of an order by staff of the site, its checkout and REST.

Bitrix's rules apply, and the bridge's rules do not.
"""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from .basket import BasketUpdate, requested_lines
from .columns import PART_COLUMNS, cancel, set_column, set_delivery
from .order_draft import Draft
from .payments import add_payment, change_pay_system, change_price, mark_unpaid, pay, refresh_price
from .reference import PAY_SYSTEMS
from .values import Order

LATER_COLUMNS = frozenset(PART_COLUMNS) - {"DISCOUNT_VALUE", "REASON_CANCELED"}
SHIPMENT = ("DELIVERY_ID", "TRACKING_NUMBER", "PRICE_DELIVERY")


def change(draft: Draft, fields: Order, properties: dict[str, Any], items: object) -> None:
    """Change columns, properties and, if `items` is given, the whole basket.

    `fields` contains values in the format in which they are stored. PRICE is set even if it differs from the sum of the
    items and the delivery, because raw SQL and old modules also write such values. The next change of an item or of the
    delivery price sets PRICE to the sum again.

    Raise `SiteError` 422 if Bitrix refuses a change. After an error, the draft contains a part of the changes and must
    not be saved.
    """
    if fields.get("CANCELED") == "N":
        cancel(draft, "N", None)
    if fields.get("PAYED") == "N":
        mark_unpaid(draft)
    for column in [name for name in fields if name not in LATER_COLUMNS]:
        set_column(draft, column, fields[column])
    for code, given in properties.items():
        set_property(draft, code, given)
    basket, fee = copy.deepcopy(draft.order["basket"]), draft.order["PRICE_DELIVERY"]
    if items is not None:
        BasketUpdate(draft, fixed_prices=False).apply(requested_lines(items))
    set_delivery(draft, {name: fields[name] for name in SHIPMENT if name in fields})
    if "PRICE" in fields:
        change_price(draft, Decimal(fields["PRICE"]))
    elif draft.order["basket"] != basket or draft.order["PRICE_DELIVERY"] != fee:
        refresh_price(draft)
    _change_payment(draft, fields)
    if "STATUS_ID" in fields:
        set_column(draft, "STATUS_ID", fields["STATUS_ID"])
    if fields.get("CANCELED") == "Y":
        cancel(draft, "Y", fields.get("REASON_CANCELED"))


def _change_payment(draft: Draft, fields: Order) -> None:
    if fields.get("PAY_SYSTEM_ID"):
        change_pay_system(draft, int(fields["PAY_SYSTEM_ID"]))
    if fields.get("PAYED") == "Y":
        if not draft.order["payments"]:
            add_payment(draft, next(iter(PAY_SYSTEMS)), Decimal(draft.order["PRICE"]))
        pay(draft, avoid_overpayment=False)


def set_property(draft: Draft, code: str, value: Any) -> None:
    """Set a property by the rules of the site's own form. If the site does not have the property, it is defined first.

    Bitrix saves a value that the property does not allow, and marks the order for this reason. A value that is too long
    for the column is lost.
    """
    properties = draft.tables.properties
    if properties.get(code) is None:
        properties.define(code)
    kind = properties.get(code)
    refusal = kind.refusal(value) if kind else None
    if refusal is not None:
        draft.order.update(MARKED="Y", REASON_MARKED=refusal.message)
    if kind is None or kind.is_storable(value):
        draft.order["properties"][code] = value
