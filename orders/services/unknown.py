"""The replacement of unknown values by values that staff enter."""

from collections.abc import Iterable

from orders.models import Order
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
