"""The layout of an order's page: which blocks a user sees first, which follow, and which stand beside them.

This is the only place that decides the sequence. It depends on the user's permissions, not on the name of a role.
"""

from dataclasses import dataclass
from enum import StrEnum

from cvety_crm.users import AnyUser


class Block(StrEnum):
    """A part of the page. Its template is `orders/page/<value>.html`."""

    COMPOSITION = "composition"
    MONEY = "money"
    DELIVERY = "delivery"
    RECIPIENT = "recipient"
    CUSTOMER = "customer"
    CARD = "card"
    REQUESTS = "requests"
    PEOPLE = "people"
    MESSAGES = "messages"
    PAYMENTS = "payments"
    PHOTOS = "photos"
    NOTES = "notes"
    DETAILS = "details"
    CUSTOMER_ORDERS = "customer_orders"
    EXCHANGE = "exchange"
    TIMELINE = "timeline"


VALUES = (
    Block.COMPOSITION, Block.MONEY, Block.DELIVERY, Block.RECIPIENT, Block.CUSTOMER, Block.CARD, Block.REQUESTS,
)  # fmt: skip
"""The blocks with the order's own values. Who may change orders can open the inputs of these blocks."""


@dataclass(frozen=True, slots=True)
class PageRights:
    """The permissions that decide the layout."""

    edit: bool = False
    make: bool = False
    deliver: bool = False
    count: bool = False
    """Whether the user may see the prices of all orders."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The sequence of the blocks."""

    name: str
    first: tuple[Block, ...]
    """The blocks of the first screen of a phone."""
    main: tuple[Block, ...]
    """The blocks below them."""
    side: tuple[Block, ...]
    """The blocks that are beside the others on a desktop, and below them on a phone."""
    opened: tuple[Block, ...] = ()
    """The blocks of `side` that a desktop shows unfolded."""
    is_edited: bool = False
    """Whether the blocks of values have inputs."""
    has_camera: bool = False
    """Whether the first screen has a button that takes a photo."""

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Return all blocks, in the sequence of the page."""
        return (*self.first, *self.main, *self.side)


EDITING = Layout(
    name="editing",
    first=(Block.COMPOSITION, Block.MONEY),
    main=(Block.DELIVERY, Block.RECIPIENT, Block.CUSTOMER, Block.CARD, Block.REQUESTS),
    side=(
        Block.PEOPLE, Block.NOTES, Block.TIMELINE, Block.MESSAGES, Block.PAYMENTS, Block.PHOTOS, Block.CUSTOMER_ORDERS,
        Block.DETAILS, Block.EXCHANGE,
    ),
    opened=(Block.PEOPLE, Block.NOTES),
    is_edited=True,
)  # fmt: skip
MAKING = Layout(
    name="making",
    first=(Block.COMPOSITION, Block.CARD, Block.REQUESTS),
    main=(Block.DELIVERY, Block.RECIPIENT, Block.CUSTOMER, Block.MONEY),
    side=(
        Block.PHOTOS, Block.NOTES, Block.PEOPLE, Block.DETAILS, Block.MESSAGES, Block.CUSTOMER_ORDERS, Block.PAYMENTS,
        Block.EXCHANGE, Block.TIMELINE,
    ),
    opened=(Block.PHOTOS, Block.NOTES, Block.DETAILS),
    has_camera=True,
)  # fmt: skip
DELIVERING = Layout(
    name="delivering",
    first=(Block.DELIVERY, Block.RECIPIENT, Block.PEOPLE),
    main=(Block.COMPOSITION, Block.CARD, Block.REQUESTS, Block.CUSTOMER, Block.MONEY),
    side=(
        Block.MESSAGES, Block.NOTES, Block.PHOTOS, Block.DETAILS, Block.CUSTOMER_ORDERS, Block.PAYMENTS, Block.EXCHANGE,
        Block.TIMELINE,
    ),
    opened=(Block.NOTES, Block.PHOTOS),
)  # fmt: skip
MAKING_AND_DELIVERING = Layout(
    name="making-and-delivering",
    first=(Block.COMPOSITION, Block.CARD, Block.REQUESTS, Block.DELIVERY, Block.RECIPIENT, Block.PEOPLE),
    main=(Block.CUSTOMER, Block.MONEY),
    side=(
        Block.PHOTOS, Block.MESSAGES, Block.NOTES, Block.DETAILS, Block.CUSTOMER_ORDERS, Block.PAYMENTS, Block.EXCHANGE,
        Block.TIMELINE,
    ),
    opened=(Block.PHOTOS, Block.NOTES),
    has_camera=True,
)  # fmt: skip
COUNTING = Layout(
    name="counting",
    first=(Block.MONEY, Block.COMPOSITION, Block.CUSTOMER),
    main=(Block.DELIVERY, Block.RECIPIENT, Block.CARD, Block.REQUESTS),
    side=(
        Block.PAYMENTS, Block.CUSTOMER_ORDERS, Block.DETAILS, Block.NOTES, Block.PEOPLE, Block.MESSAGES, Block.PHOTOS,
        Block.EXCHANGE, Block.TIMELINE,
    ),
    opened=(Block.PAYMENTS, Block.CUSTOMER_ORDERS, Block.DETAILS, Block.NOTES),
)  # fmt: skip
READING = Layout(
    name="reading",
    first=(Block.COMPOSITION, Block.DELIVERY, Block.RECIPIENT),
    main=(Block.CARD, Block.REQUESTS, Block.CUSTOMER, Block.MONEY),
    side=COUNTING.side,
    opened=COUNTING.opened,
)


def layout_of(may: PageRights) -> Layout:
    """Return the layout for a user with these permissions.

    | may change orders | may make | may assign or deliver | may see all prices | layout                |
    |-------------------|----------|-----------------------|--------------------|-----------------------|
    | yes               |          |                       |                    | editing               |
    | no                | yes      | no                    |                    | making                |
    | no                | no       | yes                   |                    | delivering            |
    | no                | yes      | yes                   |                    | making and delivering |
    | no                | no       | no                    | yes                | counting              |
    | no                | no       | no                    | no                 | reading               |
    """
    if may.edit:
        return EDITING
    if may.make and may.deliver:
        return MAKING_AND_DELIVERING
    if may.make or may.deliver:
        return MAKING if may.make else DELIVERING
    return COUNTING if may.count else READING


def page_rights(user: AnyUser) -> PageRights:
    """Return the permissions of a user that decide the layout."""
    return PageRights(
        edit=user.has_perm("orders.change_order"),
        make=user.has_perm("orders.make_order"),
        deliver=user.has_perm("orders.assign_order") or user.has_perm("orders.deliver_order"),
        count=user.has_perm("orders.view_all_prices"),
    )
