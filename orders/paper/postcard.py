"""The postcard. It contains only the customer's text, without the price, the phones or the number of the order."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext

from orders.models import Order
from orders.paper.typed_text import breakable, tied, widest_pieces
from orders.paper.typesetting import typeset
from orders.values.paper_formats import PaperFormat

LONG = 500
"""The site stores at most this number of characters of a postcard. A longer text is printed without kerning."""


def has_postcard(order: Order) -> bool:
    """Return whether the order has a text for a postcard."""
    return bool(order.postcard_text.strip())


def postcards(orders: Sequence[Order], paper_format: PaperFormat, *, is_preview: bool = False) -> bytes:
    """Return the postcards of the orders that have a text, as a PDF. A preview has a watermark."""
    texts = [order.postcard_text.strip() for order in orders if has_postcard(order)]
    return typeset(
        "postcard",
        paper_format,
        {
            "title": gettext("Postcard"),
            "cards": [_card(text) for text in texts],
            "preview": gettext("PREVIEW") if is_preview else "",
        },
    )


def _card(typed: str) -> dict[str, Any]:
    text = tied(breakable(typed))
    return {"text": text, "lines": text.split("\n"), "pieces": widest_pieces(text), "is-long": len(typed) > LONG}
