"""The florist's work order: time, composition and postcard. It lies open in the shop, so it has no price or phone."""

from collections.abc import Collection, Sequence
from typing import Any

from django.utils.translation import gettext, pgettext

from cvety_crm.users import display_name
from orders.models import Order
from orders.paper.orders_to_print import long_day, order_address
from orders.paper.pictures import square_picture
from orders.paper.postcard import has_postcard
from orders.paper.qr import qr_svg
from orders.paper.typed_text import breakable
from orders.paper.typesetting import typeset
from orders.presentation.composition import Goods, pictured_composition
from orders.presentation.delivery import is_off
from orders.presentation.details import florist_details
from orders.presentation.formatting import NBSP
from orders.presentation.when import slot_or_missing, unknown_date
from orders.product_pictures.fetching import thumbnails_within
from orders.values.paper_formats import PaperFormat
from orders.values.phone_masking import without_phones

PICTURE_SECONDS = 3.0
"""The time that a print may wait for pictures of the site, in all."""


def work_orders(orders: Sequence[Order], paper_format: PaperFormat) -> bytes:
    """Return one PDF with a work order for each of these orders.

    A picture that is not stored and can't be fetched within `PICTURE_SECONDS` is left out.
    """
    goods = {order.pk: pictured_composition(order.items.all()) for order in orders}
    addresses = {one.picture for items in goods.values() for one in items if one.picture}
    pictures = thumbnails_within(sorted(addresses), "large", seconds=PICTURE_SECONDS)
    return typeset(
        "work_order",
        paper_format,
        {
            "title": gettext("Work order"),
            "words": {
                "items": gettext("Composition"),
                "no_items": gettext("no items given"),
                "postcard": gettext("Postcard"),
                "no_postcard": gettext("Without a postcard"),
                "page": pgettext("sheet of paper", "page"),
            },
            "pictures": {address: square_picture(content) for address, content in pictures.items()},
            "orders": [_content(order, goods[order.pk], pictures.keys()) for order in orders],
        },
    )


def _florist(order: Order) -> str:
    """Return who makes the bouquet: the florist who has taken it, or else the florist of the order."""
    name = display_name(order.taken_by or order.responsible)
    return gettext("Florist: %(name)s") % {"name": without_phones(name)} if name else ""


def _content(order: Order, goods: Sequence[Goods], printed: Collection[str]) -> dict[str, Any]:
    marks = []
    if is_off(order):
        marks.append(gettext("CANCELLED"))
    if order.is_pickup:
        marks.append(gettext("PICKUP"))
    notes = [
        (gettext("Customer's requests"), order.comment),
        (gettext("Shop's comment"), order.courier_comment),
        *((detail.label, detail.short) for detail in florist_details(order)),
    ]
    return {
        "number": f"№{NBSP}{order.order_number}",
        "day": breakable(unknown_date(order) or long_day(order.delivery_date)),
        "time": breakable(slot_or_missing(order)),
        "qr": qr_svg(order_address(order)),
        "marks": marks,
        "florist": breakable(_florist(order)),
        "items": [
            {
                "quantity": breakable(item.quantity_text),
                "name": breakable(item.name),
                "details": breakable(item.details),
                "picture": item.picture if item.picture in printed else "",
            }
            for item in goods
        ],
        "postcard": breakable(order.postcard_text.strip()) if has_postcard(order) else "",
        "notes": [
            {"title": breakable(title), "text": breakable(without_phones(text.strip()))}
            for title, text in notes
            if text.strip()
        ],
    }
