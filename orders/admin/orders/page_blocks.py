"""The blocks of an order's page as the templates need them: titles, counts, inputs, and which blocks are unfolded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy, pgettext, pgettext_lazy

from cvety_crm.admin_site.features import Feature
from orders.admin.orders.items_inline import ItemFormSet
from orders.admin.orders.page_layout import VALUES, Block, Layout, layout_of, page_rights
from orders.models import Order
from orders.rules.visibility import may_see_prices

FIELDS: Mapping[Block, tuple[str | tuple[str, ...], ...]] = {
    Block.MONEY: (
        ("total_amount", "delivery_fee"),
        ("discount_amount", "paid_amount"),
        ("payment_method", "payment_status"),
    ),
    Block.DELIVERY: (
        ("delivery_date", "delivery_slot"),
        ("city", "shop"),
        "delivery_address",
        ("is_anonymous", "is_surprise"),
        "is_pickup",
    ),
    Block.RECIPIENT: (("recipient_name", "recipient_phone"),),
    Block.CUSTOMER: ("customer",),
    Block.CARD: ("postcard_text",),
    Block.REQUESTS: ("comment", "courier_comment"),
}
"""The fields of the form, by the block in which they are edited."""
TITLES = {
    Block.COMPOSITION: gettext_lazy("Composition"),
    Block.MONEY: gettext_lazy("Money"),
    Block.DELIVERY: gettext_lazy("Delivery"),
    Block.RECIPIENT: gettext_lazy("Recipient"),
    Block.CUSTOMER: gettext_lazy("Customer"),
    Block.CARD: gettext_lazy("Postcard"),
    Block.REQUESTS: gettext_lazy("Requests and comments"),
}
LABELS = {
    Block.COMPOSITION: gettext_lazy("Composition"),
    Block.MONEY: gettext_lazy("Money"),
    Block.DELIVERY: gettext_lazy("Delivery"),
    Block.PEOPLE: gettext_lazy("Courier"),
    Block.MESSAGES: gettext_lazy("Messages"),
    Block.PAYMENTS: gettext_lazy("Payments"),
    Block.PHOTOS: pgettext_lazy("index", "Photo"),
    Block.NOTES: gettext_lazy("Notes"),
    Block.CUSTOMER_ORDERS: pgettext_lazy("index", "Orders"),
    Block.DETAILS: pgettext_lazy("index", "From the site"),
    Block.EXCHANGE: pgettext_lazy("index", "Exchange"),
    Block.TIMELINE: gettext_lazy("Timeline"),
}
"""The labels of the links in the index. A block without a label is beside another one that has a link."""
ANCHORS = {
    Block.PEOPLE: "delivery",
    Block.MESSAGES: "crm-people-messages",
    Block.PAYMENTS: "payments",
    Block.PHOTOS: "crm-photos",
    Block.NOTES: "crm-notes",
    Block.DETAILS: "details",
    Block.CUSTOMER_ORDERS: "customer-orders",
    Block.EXCHANGE: "panel-1",
    Block.TIMELINE: "timeline",
}
LARGE_PICTURE, SMALL_PICTURE = 96, 56
"""The sides of the pictures of items in CSS pixels: for a user who makes bouquets, and for others."""


def fieldsets() -> tuple[tuple[Any, dict[str, Any]], ...]:
    """Return the fieldsets of the form, one for each block."""
    return tuple((TITLES[block], {"fields": fields}) for block, fields in FIELDS.items())


@dataclass(frozen=True, slots=True)
class PageBlock:
    """One block for the templates."""

    name: str
    template: str
    title: Any
    anchor: str
    is_value: bool
    """Whether the block shows values of the order. Other blocks are sections that can be folded."""
    is_open: bool = False
    """Whether the inputs or the section are unfolded when the page is opened."""
    opens_wide: bool = False
    """Whether a script unfolds the section on a desktop."""
    may_edit: bool = False
    fieldset: Any = ()
    inline: Any = None
    count: Any = ""
    state: Any = ""


class PageBlocks(Feature[Order]):
    """The context of the page's template. It is the last feature, because it needs the context of the others."""

    def page_context(self, request: HttpRequest, row: Order, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the layout, the blocks and the index as `page`."""
        layout = layout_of(page_rights(request.user))
        shown = {block: _page_block(block, layout, context) for block in layout.blocks if _has(block, context)}
        if not may_see_prices(request.user, row.delivery_date) and not layout.is_edited:
            shown.pop(Block.MONEY, None)
        return {
            "page": {
                "layout": layout,
                "may_edit": layout.is_edited,
                "first": _only(shown, layout.first),
                "main": _only(shown, layout.main),
                "side": _only(shown, layout.side),
                "index": [_link(block, one) for block, one in shown.items() if block in LABELS],
                "has_camera": layout.has_camera and bool(context.get("photos", {}).get("may_add")),
                "picture_side": LARGE_PICTURE if layout.has_camera else SMALL_PICTURE,
            }
        }


def _only(shown: Mapping[Block, PageBlock], blocks: Iterable[Block]) -> list[PageBlock]:
    return [shown[block] for block in blocks if block in shown]


def _link(block: Block, shown: PageBlock) -> dict[str, Any]:
    # A browser unfolds a section if the target of a link is inside it, even without a script.
    anchor = shown.anchor if shown.is_value or block == Block.TIMELINE else f"{shown.anchor}-body"
    count = shown.count if block in (Block.MESSAGES, Block.PHOTOS, Block.NOTES) else ""
    return {"word": LABELS[block], "anchor": anchor, "count": count}


def _has(block: Block, context: Mapping[str, Any]) -> bool:
    """Return whether the block has something to show."""
    if block == Block.MESSAGES:
        return bool(context.get("message_panel"))
    if block == Block.PAYMENTS:
        return "payments" in context
    if block == Block.DETAILS:
        return bool(context["details"]["shown"])
    if block == Block.CUSTOMER_ORDERS:
        return bool(context["customer_orders"])
    return block != Block.EXCHANGE or bool(context["panels"])


def _page_block(block: Block, layout: Layout, context: Mapping[str, Any]) -> PageBlock:
    name = block.value
    if block in VALUES:
        fieldset, inline = _inputs(block, context) if layout.is_edited else (None, None)
        return PageBlock(
            name=name,
            template=f"orders/page/{name}.html",
            title=TITLES[block],
            anchor=f"block-{name}",
            is_value=True,
            may_edit=bool(fieldset or inline),
            fieldset=fieldset or (),
            inline=inline,
            is_open=needs_attention(block, context) if fieldset or inline else False,
        )
    return PageBlock(
        name=name,
        template=f"orders/page/{name}.html",
        title="",
        anchor=ANCHORS[block],
        is_value=False,
        is_open=block in layout.first,
        opens_wide=block in layout.opened,
        count=_count(block, context),
        state=_state(block, context),
    )


def _inputs(block: Block, context: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the fieldset and the inline in which the block is edited. Each is None if the user has no inputs."""
    if block == Block.COMPOSITION:
        return None, next((one for one in context["inline_admin_formsets"]), None)
    title = str(TITLES[block])
    return next((one for one in context["adminform"] if str(one.name) == title), None), None


def needs_attention(block: Block, context: Mapping[str, Any]) -> bool:
    """Return whether the inputs of a block must be visible on a form that is shown again.

    They contain an error, a value that was not saved, or a value that another user has changed since then.
    """
    if block == Block.COMPOSITION:
        formsets = (one.formset for one in context["inline_admin_formsets"])
        return any(
            one.is_bound and bool(one.total_error_count() or one.has_changed() or getattr(one, "line_changes", ()))
            for one in formsets
            if isinstance(one, ItemFormSet)
        )
    form = context["adminform"].form
    if not form.is_bound:
        return False
    names = [name for line in FIELDS[block] for name in ([line] if isinstance(line, str) else line)]
    return any(
        name in form.errors or name in form.changed_data or form.is_stale(name) for name in names if name in form.fields
    )


def _count(block: Block, context: Mapping[str, Any]) -> Any:
    if block == Block.MESSAGES:
        return sum(len(group["rows"]) for group in context["message_panel"]["groups"])
    if block == Block.PHOTOS:
        return len(context["photos"]["live"])
    if block == Block.NOTES:
        return len(context["notes"]["rows"])
    if block == Block.DETAILS:
        return len(context["details"]["shown"]) + len(context["details"]["others"])
    if block == Block.CUSTOMER_ORDERS:
        found = context["customer_orders"]
        return f"{found['more_than']}+" if found["more_than"] else found["count"]
    return context["entries_count"] if block == Block.TIMELINE else ""


def _state(block: Block, context: Mapping[str, Any]) -> Any:
    if block == Block.PHOTOS:
        photos = context["photos"]
        return f"{photos['sign']} {photos['state'].label}" if photos["sign"] else ""
    if block != Block.PEOPLE:
        return ""
    delivery = context["delivery"]
    people = [delivery["florist"] or gettext("no florist")]
    if not delivery["is_pickup"]:
        people.append(delivery["courier"].name if delivery["courier"] else pgettext("state", "no courier"))
    return ", ".join(people)
