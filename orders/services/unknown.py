"""The unknown values of an order: their replacement by values that staff enter, and those of its items."""

from collections.abc import Iterable

from orders.models import Order
from orders.sync.fields import ITEMS, Line
from orders.sync.unknown import ANSWERED, answered_texts


def answer_unknown(order: Order, names: Iterable[str]) -> list[str]:
    """Mark the unknown values among these fields as known, and return their names. The order is not saved.

    The texts of the site are kept in the metadata: if the site sends the same text again, the value of staff stays.
    """
    answered = [name for name in names if order.is_unknown(name)]
    if answered:
        texts = {name: order.unknown_values[name] for name in answered}
        order.metadata = {**order.metadata, ANSWERED: {**answered_texts(order.metadata), **texts}}
        order.unknown_values = {name: text for name, text in order.unknown_values.items() if name not in texts}
    return answered


def mark_unknown_items(order: Order, lines: Iterable[Line], unread: str = "") -> bool:
    """Mark the items as unknown if a quantity or a price is, or if the site sent `unread` lines. Remove an old mark.

    Return whether the mark has changed. The order is not saved.
    """
    # The answered text may also name items whose values were unknown. It begins with the lines.
    if f"{answered_texts(order.metadata).get(ITEMS, '')}; ".startswith(f"{unread}; "):
        unread = ""
    texts = [unread] if unread else []
    texts += [_named(line) for line in lines if line.unknown_values]
    unknown = {name: text for name, text in order.unknown_values.items() if name != ITEMS}
    if texts:
        unknown[ITEMS] = "; ".join(texts)
    is_changed = unknown != order.unknown_values
    order.unknown_values = unknown
    return is_changed


def _named(line: Line) -> str:
    """Return the name of an item with its unknown values. It contains no price, which not all users may see."""
    name = str(line.product_snapshot.get("name") or line.bitrix_product_id or "")
    quantity = line.unknown_values.get("quantity")
    if quantity is None:
        return f"{name}: ? ₸"
    return f"{name} × {quantity or '?'}"
