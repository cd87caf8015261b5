"""The decision whether a snapshot of an order is newer than the stored order, made before anything is merged.

The functions are pure. `freshness_of` compares the stored order (`Known`) with a snapshot, and considers how and when
the snapshot was received (`Arrival`). The services that apply the snapshot only read the result, a `Freshness`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from orders.sync.agreement import Agreement
from orders.sync.snapshot import FreshRead, OrderSnapshot

CLOCK_TOLERANCE = timedelta(minutes=10)
"""The time by which the clocks of the site and of the CRM may differ."""


class Clock(StrEnum):
    """The result of comparing a version or a time of the snapshot with the stored one."""

    OLDER = "older"
    SAME = "same"
    NEWER = "newer"
    UNKNOWN = "unknown"
    """One of the two values is missing."""


class Age(StrEnum):
    """The age of a snapshot, compared with the stored order."""

    NEW = "new"
    OLD = "old"
    UNCLEAR = "unclear"
    """Versions and times contradict each other or do not show the age, so only the site knows it."""


class Channel(StrEnum):
    """How a snapshot was received."""

    EVENT = "event"
    """The site reported the order in a webhook event."""
    REPEATED = "repeated"
    """The site reported the order in an earlier webhook event with a version, which is now processed again."""
    RESPONSE = "response"
    """The order was just fetched from the site."""
    COPY = "copy"
    """The order was read from a copy of the site's database."""


class Verdict(StrEnum):
    """The decision about a snapshot."""

    APPLY = "apply"
    DISCARD = "discard"
    FETCH = "fetch"
    """The snapshot is not applied. Instead, the order is fetched from the site, and the response is applied."""
    GUESS = "guess"
    """The snapshot is applied because it was received last, although it may be older: the site can't be asked."""

    @property
    def is_applied(self) -> bool:
        """Return whether the snapshot is applied."""
        return self in (Verdict.APPLY, Verdict.GUESS)


class StatusVerdict(StrEnum):
    """The decision about the status of a snapshot that is applied."""

    APPLY = "apply"
    DISCARD = "discard"
    CHECK = "check"
    """The status is applied unless it is a past one, which a later status has replaced (`verdict_on_status`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The stored values of an order with which a snapshot is compared."""

    version: int | None
    updated_at: datetime | None
    agreement: Agreement
    is_stub: bool = False
    is_imported: bool = False
    """Whether the order was read from a copy of the site's database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How and when a snapshot was received. The times are from the CRM's clock."""

    at: datetime
    received_at: datetime | None = None
    """When a webhook event that is processed again was first received."""
    fresh: FreshRead | None = None
    """The fetch that returned the snapshot."""
    is_copied: bool = False
    """Whether the snapshot was read from a copy of the site's database."""
    is_repetition: bool = False
    """Whether an earlier webhook event had the same contents and no event id."""
    can_fetch: bool = True
    """Whether the settings contain a way to fetch orders from the site."""

    def channel(self, snapshot: OrderSnapshot) -> Channel:
        """Return the channel. A webhook event without a version counts as `EVENT` even if it is processed again."""
        if self.is_copied:
            return Channel.COPY
        if self.fresh is not None:
            return Channel.RESPONSE
        return Channel.REPEATED if self.received_at is not None and snapshot.version is not None else Channel.EVENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The decision whether a snapshot is applied, and whether its status is applied."""

    verdict: Verdict
    status: StatusVerdict
    is_fetch_due: bool
    """Whether no successful fetch of the whole order has started since the snapshot was received."""
    can_fetch: bool = True
    """Whether the order can be fetched."""
    is_fetched: bool = False
    """Whether the snapshot is the response to a fetch. The contents of a response are certain."""
    is_repetition: bool = False
    """Whether an earlier webhook event had the same contents, so that only the site knows whether they are present."""
    is_by_arrival: bool = False
    """Whether only the sequence of arrival shows that the snapshot is new, because the site's clocks stand still."""
    repeats_contacts: bool = False
    """Whether the contacts that the customer entered in the order are already known from an equal or newer version."""

    @property
    def verdict_in_doubt(self) -> Verdict:
        """Return the verdict on a snapshot whose contents contradict its version or its times."""
        if not self.is_fetch_due:
            return Verdict.DISCARD
        return Verdict.FETCH if self.can_fetch else Verdict.GUESS

    def verdict_on_status(self, code: str | None, agreement: Agreement) -> Verdict:
        """Return the verdict on the status of the snapshot. `code` is the code of this status in the CRM."""
        is_doubtful = self.status is StatusVerdict.CHECK and agreement.is_past(code)
        return self.verdict_in_doubt if is_doubtful else Verdict.APPLY

    def is_twin(self, version: int | None, theirs: Mapping[str, Any], agreement: Agreement) -> bool:
        """Return whether the contents show that two saves on the site produced the same version, or the same event."""
        if self.is_fetched or not self.can_fetch:
            return False
        return agreement.is_twin(version, theirs) or (self.is_repetition and not agreement.has_all(theirs))


def freshness_of(known: Known, snapshot: OrderSnapshot, arrival: Arrival) -> Freshness:
    """Return whether the snapshot is applied, and whether its status is applied.

    The response to a fetch counts as the present state of the site, even if its version is lower, unless the site has
    reported the order since the request was sent.
    """
    channel = arrival.channel(snapshot)
    fresh, agreement = arrival.fresh, known.agreement
    is_present = fresh is not None and agreement.times_received == fresh.times_received
    age = Age.NEW if is_present else age_of(known, snapshot)
    if age is Age.OLD and _has_future_clock(known, arrival.at):
        age = Age.UNCLEAR
    is_fetch_due = agreement.answered_at is None or agreement.answered_at < (arrival.received_at or arrival.at)
    verdict = verdict_of(age, channel, is_fetch_due=is_fetch_due, is_proven=not _is_unproven(known, snapshot))
    return Freshness(
        verdict=Verdict.GUESS if verdict is Verdict.FETCH and not arrival.can_fetch else verdict,
        status=status_verdict_of(
            channel,
            is_late=_has_older_status(known, snapshot, arrival),
            has_versions=snapshot.version is not None and known.version is not None,
        ),
        is_fetch_due=is_fetch_due,
        can_fetch=arrival.can_fetch,
        is_fetched=channel is Channel.RESPONSE,
        is_repetition=arrival.is_repetition,
        is_by_arrival=channel in (Channel.EVENT, Channel.REPEATED) and _stands_still(known, snapshot),
        repeats_contacts=channel is Channel.COPY and not known.is_stub and not _is_newer(known, snapshot),
    )


def verdict_of(age: Age, channel: Channel, *, is_fetch_due: bool, is_proven: bool) -> Verdict:
    """Return whether a snapshot is applied.

    A repeated event with a version adds nothing to a later response of the site. A snapshot that was read from a copy
    of the site's database is applied only if it is proven to be as new as all events and responses of the site
    (`is_proven`).

    | age     | channel         | fetch due | proven  | verdict |
    |---------|-----------------|-----------|---------|---------|
    | new     | event           | any       | any     | apply   |
    | new     | response        | any       | any     | apply   |
    | new     | repeated        | yes       | any     | apply   |
    | new     | repeated        | no        | any     | discard |
    | new     | copy            | any       | yes     | apply   |
    | new     | copy            | any       | no      | discard |
    | unclear | event, repeated | yes       | any     | fetch   |
    | unclear | event, repeated | no        | any     | discard |
    | unclear | response, copy  | any       | any     | discard |
    | old     | any             | any       | any     | discard |
    """
    if age is Age.OLD:
        return Verdict.DISCARD
    if age is Age.UNCLEAR:
        return Verdict.FETCH if is_fetch_due and channel in (Channel.EVENT, Channel.REPEATED) else Verdict.DISCARD
    if channel is Channel.COPY:
        return Verdict.APPLY if is_proven else Verdict.DISCARD
    return Verdict.DISCARD if channel is Channel.REPEATED and not is_fetch_due else Verdict.APPLY


def status_verdict_of(channel: Channel, *, is_late: bool, has_versions: bool) -> StatusVerdict:
    """Return whether the status of an applied snapshot is also applied.

    Without versions on both sides, nothing shows whether the status is older than the stored one: the dates of the site
    do not include our pushes, and the clocks of the site and of the CRM differ.

    | late | channel               | versions | status  |
    |------|-----------------------|----------|---------|
    | yes  | any                   | any      | discard |
    | no   | response              | any      | apply   |
    | no   | event, repeated, copy | yes      | apply   |
    | no   | event, repeated, copy | no       | check   |
    """
    if is_late:
        return StatusVerdict.DISCARD
    return StatusVerdict.APPLY if has_versions or channel is Channel.RESPONSE else StatusVerdict.CHECK


def age_of(known: Known, snapshot: OrderSnapshot) -> Age:
    """Return the age of the snapshot, compared with the stored order, by the table in `age_by_clocks`."""
    version = _compare(snapshot.version, known.version)
    date = _compare(snapshot.updated_at, known.updated_at)
    return age_by_clocks(
        version=version,
        date=date,
        own_time=_own_time(known, snapshot, has_others={version, date} != {Clock.UNKNOWN}),
        has_other_contents=_has_other_contents(known.agreement, snapshot),
        was_skipped=_was_skipped(known.agreement, snapshot),
    )


def age_by_clocks(*, version: Clock, date: Clock, own_time: Clock, has_other_contents: bool, was_skipped: bool) -> Age:
    """Return the age of a snapshot by VERSION and DATE_UPDATE together, or by its own time if these do not decide.

    Bitrix saves an order with the version that it has loaded plus one. If two saves overlap, the later one may have a
    lower version, or both may have the same version. So a snapshot with a lower version is old only if its date is also
    older, and a snapshot with a higher version is new only if its date is not older. If two values are equal, the next
    clock decides. If all clocks are equal, the snapshot is new, since merging the same values again changes nothing. If
    the checksums differ at equal versions and dates, no clock shows which state is newer. An old snapshot may still be
    newer than the last whole order that was received (`was_skipped`). Such a snapshot may contain changes that no other
    snapshot has.

    | version         | date                 | other contents | own time             | skipped | age     |
    |-----------------|----------------------|----------------|----------------------|---------|---------|
    | newer           | newer, same, unknown | any            | any                  | any     | new     |
    | newer           | older                | any            | any                  | any     | unclear |
    | older           | newer, same, unknown | any            | any                  | any     | unclear |
    | older           | older                | any            | any                  | yes     | unclear |
    | older           | older                | any            | any                  | no      | old     |
    | same, unknown   | newer                | any            | any                  | any     | new     |
    | same, unknown   | older                | any            | any                  | yes     | unclear |
    | same, unknown   | older                | any            | any                  | no      | old     |
    | same            | same                 | yes            | any                  | any     | unclear |
    | same            | same                 | no             | newer, same, unknown | any     | new     |
    | same            | same                 | no             | older                | yes     | unclear |
    | same            | same                 | no             | older                | no      | old     |
    | same            | unknown              | any            | newer, same, unknown | any     | new     |
    | same            | unknown              | any            | older                | yes     | unclear |
    | same            | unknown              | any            | older                | no      | old     |
    | unknown         | same, unknown        | any            | newer, same, unknown | any     | new     |
    | unknown         | same, unknown        | any            | older                | yes     | unclear |
    | unknown         | same, unknown        | any            | older                | no      | old     |
    """
    if version is Clock.NEWER:
        return Age.UNCLEAR if date is Clock.OLDER else Age.NEW
    if version is Clock.OLDER and date is not Clock.OLDER:
        return Age.UNCLEAR
    if date is Clock.NEWER:
        return Age.NEW
    if version is date is Clock.SAME and has_other_contents:
        return Age.UNCLEAR
    if Clock.OLDER not in (date, own_time):
        return Age.NEW
    return Age.UNCLEAR if was_skipped else Age.OLD


def _compare(theirs: Any, ours: Any) -> Clock:
    if theirs is None or ours is None:
        return Clock.UNKNOWN
    if theirs == ours:
        return Clock.SAME
    return Clock.NEWER if theirs > ours else Clock.OLDER


def _own_time(known: Known, snapshot: OrderSnapshot, *, has_others: bool) -> Clock:
    agreement = known.agreement
    announced = [agreement.announced_at, agreement.status_announced_at if snapshot.is_partial else None]
    own_time = _compare(snapshot.announced_at, max((moment for moment in announced if moment), default=None))
    if own_time is Clock.UNKNOWN and not has_others:
        # The time of the event and DATE_UPDATE come from clocks that may differ, so they are compared only if nothing
        # else is known.
        own_time = _compare(snapshot.announced_at, known.updated_at)
    return own_time


def _has_other_contents(agreement: Agreement, snapshot: OrderSnapshot) -> bool:
    """Return whether the checksum differs from the checksum of the whole order that was received last.

    Old functions of the site change properties, but neither the version nor the date. After a response to a push, the
    stored checksum is outdated and is not compared.
    """
    known = (snapshot.checksum, agreement.checksum)
    return agreement.answered is None and None not in known and snapshot.checksum != agreement.checksum


def _was_skipped(agreement: Agreement, snapshot: OrderSnapshot) -> bool:
    """Return whether this whole order is newer than the last whole order that was received.

    In that case the stored order is newer than the snapshot only because of an event about the status alone, or because
    of the response to a push. The other changes in the snapshot were never received.
    """
    if snapshot.is_partial:
        return False
    if snapshot.version is not None:
        return agreement.received_version is None or snapshot.version > agreement.received_version
    return _compare(snapshot.updated_at, agreement.received_updated_at) is Clock.NEWER


def _stands_still(known: Known, snapshot: OrderSnapshot) -> bool:
    """Return whether a clock equals the stored one, and no clock is newer."""
    clocks = _clocks(known, snapshot)
    own_time = _own_time(known, snapshot, has_others=True)
    return Clock.SAME in clocks and Clock.NEWER not in (*clocks, own_time)


def _has_future_clock(known: Known, now: datetime) -> bool:
    """Return whether a stored time of the site is in the future, so that it cannot show that a snapshot is old."""
    times = (known.updated_at, known.agreement.announced_at, known.agreement.status_announced_at)
    return any(is_in_future(time, now) for time in times)


def is_in_future(time: datetime | None, now: datetime) -> bool:
    """Return whether a time of the site is later than the present by more than the clocks of two servers may differ."""
    return time is not None and time > now + CLOCK_TOLERANCE


def _is_unproven(known: Known, snapshot: OrderSnapshot) -> bool:
    """Return whether nothing proves that a copy of the site's database is as new as all received events and responses.

    An equal version or date is a proof, unless the site has reported the order without version and date since then.
    """
    if known.is_stub:
        return False
    if known.agreement.unversioned_at is not None:
        return not _is_newer(known, snapshot)
    return not known.is_imported and all(clock is Clock.UNKNOWN for clock in _clocks(known, snapshot))


def _is_newer(known: Known, snapshot: OrderSnapshot) -> bool:
    """Return whether the version or the date of the snapshot is newer than the stored one."""
    return Clock.NEWER in _clocks(known, snapshot)


def _clocks(known: Known, snapshot: OrderSnapshot) -> tuple[Clock, Clock]:
    return _compare(snapshot.version, known.version), _compare(snapshot.updated_at, known.updated_at)


def _has_older_status(known: Known, snapshot: OrderSnapshot, arrival: Arrival) -> bool:
    """Return whether an event about the status alone has reported a newer status than this snapshot of a whole order.

    For the response to a fetch, the clock of the CRM decides. For other snapshots, all of their times must be older,
    since their clock may differ from the clock of the event. A copy of the site's database may also lack the reported
    status.
    """
    status_received_at = known.agreement.status_received_at
    if arrival.is_copied and _lacks_status(known, snapshot):
        return True
    if snapshot.is_partial:
        return False
    if arrival.fresh is not None:
        return status_received_at is not None and arrival.fresh.read_at < status_received_at
    if is_in_future(known.agreement.status_announced_at, arrival.at):
        return False
    clocks = [moment for moment in (snapshot.updated_at, snapshot.announced_at) if moment is not None]
    # DATE_UPDATE has whole seconds, so within the same second the event about the status has priority.
    return _compare(max(clocks, default=None), known.agreement.status_announced_at) is Clock.OLDER


def _lacks_status(known: Known, snapshot: OrderSnapshot) -> bool:
    """Return whether an event reported the status alone and the version of the snapshot is not newer."""
    has_received = known.agreement.status_received_at is not None
    return has_received and _compare(snapshot.version, known.version) is not Clock.NEWER
