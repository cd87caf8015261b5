"""Whether what the site says of an order is news: by its versions, its dates, and what was heard meanwhile."""

from enum import Enum, auto
from typing import Any

from orders.models import Order, Source
from orders.sync.snapshot import FreshRead, OrderSnapshot
from orders.sync.three_way_merge import Agreement


class Age(Enum):
    """How old a snapshot is beside what is stored."""

    NEWS = auto()
    OLD = auto()
    UNCLEAR = auto()
    """The clocks disagree, or they can't show it: only the site knows."""


def age_of(order: Order, snapshot: OrderSnapshot) -> Age:
    """Return how old the snapshot is beside what is stored: by VERSION and DATE_UPDATE together, else its own time.

    Bitrix writes the version that it has loaded plus one: of two saves that overlap, the later one may have the lower
    version, or the same. So a lower version is old news only where the date is older too, and a higher one news only
    where the date is not older. Like is compared with like; a tie is left to the next clock, and a tie of all of them
    is news: merging the same values again changes nothing. Where the checksum shows that they are not the same, no
    clock says which came first.
    """
    agreement = Agreement.from_json(order.bitrix_state)
    version = _order(snapshot.version, order.bitrix_version)
    date = _order(snapshot.updated_at, order.bitrix_updated_at)
    if version is not None and version < 0:
        age = Age.OLD if date is not None and date < 0 else Age.UNCLEAR
    elif version is not None and version > 0:
        age = Age.UNCLEAR if date is not None and date < 0 else Age.NEWS
    elif date:
        age = Age.OLD if date < 0 else Age.NEWS
    elif version == date == 0 and _has_other_content(snapshot, agreement):
        age = Age.UNCLEAR
    else:
        own_time = _own_time(order, snapshot, agreement, has_others=version is not None or date is not None)
        age = Age.OLD if own_time is not None and own_time < 0 else Age.NEWS
    return Age.UNCLEAR if age is Age.OLD and _was_passed_over(snapshot, agreement) else age


def _order(theirs: Any, ours: Any) -> int | None:
    """Return -1, 0 or 1: theirs is older, the same or newer; None when one of both is not known."""
    return None if theirs is None or ours is None else (theirs > ours) - (theirs < ours)


def _own_time(order: Order, snapshot: OrderSnapshot, agreement: Agreement, *, has_others: bool) -> int | None:
    announced = [agreement.announced_at, agreement.status_announced_at if snapshot.is_partial else None]
    own_time = _order(snapshot.announced_at, max((moment for moment in announced if moment), default=None))
    if own_time is None and not has_others:
        # Two clocks, which need not agree: only when there is nothing else to go by.
        own_time = _order(snapshot.announced_at, order.bitrix_updated_at)
    return own_time


def _has_other_content(snapshot: OrderSnapshot, agreement: Agreement) -> bool:
    """Return whether the checksum is another one than that of the order as it was heard last.

    Old functions of the site change properties and move neither clock. After an answer to a push the one that was heard
    is out of date.
    """
    known = (snapshot.checksum, agreement.checksum)
    return agreement.answered is None and None not in known and snapshot.checksum != agreement.checksum


def _was_passed_over(snapshot: OrderSnapshot, agreement: Agreement) -> bool:
    """Return whether a whole order is older only than a bare status or an answer to a push, and was not heard yet.

    Nothing has told of what else has changed with it.
    """
    if snapshot.is_partial:
        return False
    if snapshot.version is not None:
        return agreement.received_version is None or snapshot.version > agreement.received_version
    newer = _order(snapshot.updated_at, agreement.received_updated_at)
    return newer is not None and newer > 0


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
    """Return whether the version or the date says that the snapshot is newer than what is stored.

    Not asked of one whose clocks disagree.
    """
    return any(theirs > ours for theirs, ours in _clocks(order, snapshot))


def _clocks(order: Order, snapshot: OrderSnapshot) -> list[tuple[Any, Any]]:
    pairs = ((snapshot.version, order.bitrix_version), (snapshot.updated_at, order.bitrix_updated_at))
    return [(theirs, ours) for theirs, ours in pairs if theirs is not None and ours is not None]


def has_received_status(order: Order, snapshot: OrderSnapshot, agreement: Agreement) -> bool:
    """Return whether an event about the status alone has come since, which a copy of the same version does not know."""
    if agreement.status_received_at is None:
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
        return agreement.status_received_at is not None and fresh.read_at < agreement.status_received_at
    newest = agreement.status_announced_at
    clocks = [moment for moment in (snapshot.updated_at, snapshot.announced_at) if moment is not None]
    if newest is None or not clocks:
        return False
    # DATE_UPDATE has whole seconds: within one, the event about the status is believed.
    return max(clocks) < newest
