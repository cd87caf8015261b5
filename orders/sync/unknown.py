"""The fields of an order whose values are unknown: the site has not sent them, or not in a form that could be read."""

from collections.abc import Mapping
from typing import Any

from orders.sync.snapshot import OrderSnapshot

EXPECTED = ("status", "total_amount", "delivery_fee", "payment_status")
"""The fields that every order of the site has and whose default in the CRM would look like a value of the site."""
ASKED = (
    "order_number",
    "status",
    "delivery_date",
    "delivery_slot",
    "recipient_name",
    "recipient_phone",
    "delivery_address",
    "city",
    "shop",
    "items",
    "total_amount",
    "delivery_fee",
    "paid_amount",
    "discount_amount",
    "currency",
    "payment_status",
    "postcard_text",
    "comment",
    "courier_comment",
    "is_cancelled",
    "is_pickup",
    "is_anonymous",
    "is_surprise",
)
"""The fields whose unknown values staff should ask about, in the order in which pages name them. An unknown payment
method is not among them: the shop chooses it once for a pay system."""
ANSWERED = "answered"
"""The key in `Order.metadata` of the unreadable texts that staff have replaced by a value, by the name of the field."""


def system_token(bitrix_id: int) -> str:
    """Return the part of the text of an unknown payment method that stands for a pay system of the site.

    The text contains no name, because the site may rename a pay system. Pages show the name instead of this part.
    """
    return f"№ {bitrix_id}"


def unknown_at_first(snapshot: OrderSnapshot) -> dict[str, str]:
    """Return the unknown values of an order that is created from this snapshot."""
    absent = {name: "" for name in EXPECTED if name not in snapshot.fields}
    return {**absent, **snapshot.unread}


def still_unknown(unknown: Mapping[str, str], answered: Mapping[str, str], snapshot: OrderSnapshot) -> dict[str, str]:
    """Return the unknown values of an existing order after this snapshot.

    `answered` are texts that staff have replaced by a value: if the site sends such a text again, the value of staff
    stays.
    """
    left = {name: text for name, text in unknown.items() if name not in snapshot.fields}
    unread = {name: text for name, text in snapshot.unread.items() if answered.get(name) != text}
    return {**left, **unread}


def answered_texts(metadata: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the unreadable texts that staff have replaced by a value, by the name of the field."""
    found = metadata.get(ANSWERED)
    return found if isinstance(found, Mapping) else {}
