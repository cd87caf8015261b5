"""Whether what the site says of an order is news: by its versions, its dates, and what was heard meanwhile."""

from typing import Any

from orders.agreement import Agreement
from orders.models import Order, Source
from orders.snapshot import FreshRead, OrderSnapshot


def is_stale(order: Order, snapshot: OrderSnapshot) -> bool:
    """Return whether the snapshot is older than what is stored: by VERSION, else DATE_UPDATE, else its own time.

    Like is compared with like, a tie is left to the next clock, and a tie of all of them is not stale: merging the
    same values again changes nothing.
    """
    agreement = Agreement.from_json(order.bitrix_state)
    announced = [agreement.announced_at, agreement.status_announced_at if snapshot.is_partial else None]
    clocks = (
        (snapshot.version, order.bitrix_version),
        (snapshot.updated_at, order.bitrix_updated_at),
        (snapshot.announced_at, max((moment for moment in announced if moment), default=None)),
    )
    known = [(theirs, ours) for theirs, ours in clocks if theirs is not None and ours is not None]
    if not known and snapshot.announced_at is not None and order.bitrix_updated_at is not None:
        # Two clocks, which need not agree: only when there is nothing else to go by.
        known = [(snapshot.announced_at, order.bitrix_updated_at)]
    older = [theirs < ours for theirs, ours in known if theirs != ours]  # type: ignore[operator]
    return bool(older) and older[0]


def is_unproven(order: Order, snapshot: OrderSnapshot) -> bool:
    """Return whether nothing says that a copy of the site is as new as what the site itself has told since.

    As new will do, unless the site has told something since of which no version and no date says when it was.
    """
    if order.is_stub:
        return False
    if Agreement.from_json(order.bitrix_state).unversioned_at is not None:
        return not is_newer(order, snapshot)
    return not _clocks(order, snapshot) and order.source != Source.IMPORT


def is_newer(order: Order, snapshot: OrderSnapshot) -> bool:
    """Return whether the version or the date says that the snapshot is newer than what is stored."""
    return any(theirs > ours for theirs, ours in _clocks(order, snapshot))


def _clocks(order: Order, snapshot: OrderSnapshot) -> list[tuple[Any, Any]]:
    pairs = ((snapshot.version, order.bitrix_version), (snapshot.updated_at, order.bitrix_updated_at))
    return [(theirs, ours) for theirs, ours in pairs if theirs is not None and ours is not None]


def has_heard_status(order: Order, snapshot: OrderSnapshot, agreement: Agreement) -> bool:
    """Return whether an event about the status alone has come since, which a copy of the same version does not know."""
    if agreement.status_heard_at is None:
        return False
    is_newer = snapshot.version is not None and order.bitrix_version is not None
    return not (is_newer and snapshot.version > order.bitrix_version)  # type: ignore[operator]


def has_older_status(snapshot: OrderSnapshot, agreement: Agreement, fresh: FreshRead | None) -> bool:
    """Return whether an event about the status alone has told of a newer one than this whole order has.

    The order was late, then, and is no news as far as the status goes. Of one that was asked for our own clock says so.
    Of another all of its clocks have to say so: they need not agree with the one of the other event.
    """
    if snapshot.is_partial:
        return False
    if fresh is not None:
        return agreement.status_heard_at is not None and fresh.read_at < agreement.status_heard_at
    newest = agreement.status_announced_at
    clocks = [moment for moment in (snapshot.updated_at, snapshot.announced_at) if moment is not None]
    if newest is None or not clocks:
        return False
    # DATE_UPDATE has whole seconds: within one, the event about the status is believed.
    return max(clocks) < newest
