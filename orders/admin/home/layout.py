"""The layout of the home page: which blocks a user sees, and in which sequence.

This is the only place that decides it. It depends on the user's permissions, not on the name of a role.
"""

from dataclasses import dataclass
from enum import StrEnum

from cvety_crm.users import AnyUser
from orders.rules.visibility import may_see_orders


class Block(StrEnum):
    """A part of the page."""

    LINKS = "links"
    SALES = "sales"
    """The sums of today and of the month against the plan."""
    TODO = "todo"
    """What a manager has to do."""
    MAKING = "making"
    """The florist's own bouquets."""
    NEXT = "next"
    """The next bouquets by time."""
    DELIVERIES = "deliveries"
    DISTRICTS = "districts"
    """The deliveries without a courier by district."""
    MONEY = "money"
    """The till, the couriers' cash, what is not paid, and refunds."""
    ATTENTION = "attention"
    """What is wrong."""
    TODAY = "today"
    """Today's orders, compared with the same weekday."""
    CHART = "chart"
    """The last days."""
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class HomeRights:
    """The permissions that decide the layout."""

    see: bool = False
    direct: bool = False
    """Whether the user may set the plans of months and see the reports with all sums."""
    edit: bool = False
    make: bool = False
    deliver: bool = False
    count: bool = False
    """Whether the user may see or close the day's till and see all sums."""


OWNER = (Block.LINKS, Block.SALES, Block.ATTENTION, Block.CHART, Block.EXCHANGE)
MANAGER = (Block.LINKS, Block.TODO, Block.ATTENTION, Block.TODAY, Block.EXCHANGE)
FLORIST = (Block.LINKS, Block.MAKING, Block.NEXT)
DISPATCHER = (Block.LINKS, Block.DELIVERIES, Block.DISTRICTS)
FLORIST_AND_DISPATCHER = (Block.LINKS, Block.MAKING, Block.NEXT, Block.DELIVERIES, Block.DISTRICTS)
ACCOUNTANT = (Block.LINKS, Block.MONEY)
READER = (Block.LINKS, Block.ATTENTION, Block.TODAY)
OTHERS = (Block.ATTENTION,)
"""The blocks of a user who may not see orders, and may see other things that are wrong."""


def layout_of(may: HomeRights) -> tuple[Block, ...]:
    """Return the blocks for a user with these permissions.

    | may see orders | set plans | change orders | make | assign or deliver | count the till | blocks of the          |
    |----------------|-----------|---------------|------|-------------------|----------------|------------------------|
    | yes            | yes       |               |      |                   |                | owner                  |
    | yes            | no        | yes           |      |                   |                | manager                |
    | yes            | no        | no            | yes  | no                |                | florist                |
    | yes            | no        | no            | no   | yes               |                | dispatcher             |
    | yes            | no        | no            | yes  | yes               |                | florist and dispatcher |
    | yes            | no        | no            | no   | no                | yes            | accountant             |
    | yes            | no        | no            | no   | no                | no             | reader                 |
    | no             |           |               |      |                   |                | others                 |
    """
    if not may.see:
        return OTHERS
    if may.direct or may.edit:
        return OWNER if may.direct else MANAGER
    if may.make and may.deliver:
        return FLORIST_AND_DISPATCHER
    if may.make or may.deliver:
        return FLORIST if may.make else DISPATCHER
    return ACCOUNTANT if may.count else READER


def home_rights(user: AnyUser) -> HomeRights:
    """Return the permissions of a user that decide the layout."""
    sees_sums = user.has_perm("orders.view_all_prices")
    return HomeRights(
        see=may_see_orders(user),
        direct=sees_sums and user.has_perm("orders.change_monthplan") and user.has_perm("orders.view_report"),
        edit=user.has_perm("orders.change_order"),
        make=user.has_perm("orders.make_order"),
        deliver=user.has_perm("orders.assign_order") or user.has_perm("orders.deliver_order"),
        count=sees_sums and (user.has_perm("orders.close_till") or user.has_perm("orders.view_tillday")),
    )
