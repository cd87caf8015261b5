"""Whether what the site says of an order is newer than what is known here: decided once, before anything is merged.

Pure: `freshness_of` compares what is stored of the order (`Known`) with a snapshot and with how that came (`Arrival`).
What applies the snapshot only reads the result, a `Freshness`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from orders.sync.snapshot import FreshRead, OrderSnapshot
from orders.sync.three_way_merge import Agreement


class Clock(StrEnum):
    """How a version or a time of the snapshot compares with the one that is stored."""

    OLDER = "older"
    SAME = "same"
    NEWER = "newer"
    UNKNOWN = "unknown"
    """One of both is missing."""


class Age(StrEnum):
    """How old a snapshot is compared with what is stored."""

    NEW = "new"
    OLD = "old"
    UNCLEAR = "unclear"
    """The clocks disagree, or they cannot show it: only the site knows."""


class Channel(StrEnum):
    """How a snapshot came."""

    EVENT = "event"
    """The site reported it."""
    REPEATED = "repeated"
    """The site reported it, with its version, and it is processed once more."""
    RESPONSE = "response"
    """It was fetched from the site just now."""
    COPY = "copy"
    """It was read from a copy of the site's database."""


class Verdict(StrEnum):
    """What is done with a snapshot."""

    APPLY = "apply"
    DISCARD = "discard"
    FETCH = "fetch"
    """Nothing of it is applied: the order is fetched from the site, whose response decides."""


class StatusVerdict(StrEnum):
    """What is done with the status of a snapshot that is applied."""

    APPLY = "apply"
    DISCARD = "discard"
    CHECK = "check"
    """Applied unless it is one that has been replaced since (`Freshness.verdict_on_status`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored of an order and shows how new a snapshot is."""

    version: int | None
    updated_at: datetime | None
    agreement: Agreement
    is_stub: bool = False
    is_imported: bool = False
    """It came from a copy of the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How and when a snapshot came, by our clock."""

    at: datetime
    received_at: datetime | None = None
    """When an event that is processed once more came first."""
    fresh: FreshRead | None = None
    """The fetch that it is the response to."""
    is_copied: bool = False
    """It was read from a copy of the site."""

    def channel(self, snapshot: OrderSnapshot) -> Channel:
        """Return how the snapshot came."""
        if self.is_copied:
            return Channel.COPY
        if self.fresh is not None:
            return Channel.RESPONSE
        return Channel.REPEATED if self.received_at is not None and snapshot.version is not None else Channel.EVENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """What a snapshot may change."""

    verdict: Verdict
    status: StatusVerdict
    is_fetch_due: bool
    """Whether the site has yet to be asked for the whole order since the snapshot came."""
    is_fetched: bool = False
    """Whether it is the response to a fetch: its contents leave no doubt."""
    repeats_contacts: bool = False
    """Whether the contacts typed into the order were known already when a newer version came."""

    @property
    def verdict_in_doubt(self) -> Verdict:
        """Return what is done where the contents show that the clocks cannot be trusted."""
        return Verdict.FETCH if self.is_fetch_due else Verdict.DISCARD

    def verdict_on_status(self, code: str | None, agreement: Agreement) -> Verdict:
        """Return what is done with the status, which is not late, given its code here."""
        is_doubtful = self.status is StatusVerdict.CHECK and agreement.is_past(code)
        return self.verdict_in_doubt if is_doubtful else Verdict.APPLY

    def is_twin(self, version: int | None, theirs: Mapping[str, Any], agreement: Agreement) -> bool:
        """Return whether the contents show that another save of the site has made the same version."""
        return not self.is_fetched and agreement.is_twin(version, theirs)


def freshness_of(known: Known, snapshot: OrderSnapshot, arrival: Arrival) -> Freshness:
    """Return what the snapshot may change.

    A response to a fetch is the site's present state, however low its version, as long as the site has reported
    nothing since the request left.
    """
    channel = arrival.channel(snapshot)
    fresh, agreement = arrival.fresh, known.agreement
    is_present = fresh is not None and agreement.times_received == fresh.times_received
    age = Age.NEW if is_present else age_of(known, snapshot)
    is_fetch_due = agreement.answered_at is None or agreement.answered_at < (arrival.received_at or arrival.at)
    return Freshness(
        verdict=verdict_of(age, channel, is_fetch_due=is_fetch_due, is_proven=not _is_unproven(known, snapshot)),
        status=status_verdict_of(
            channel,
            is_late=_has_older_status(known, snapshot, arrival),
            has_versions=snapshot.version is not None and known.version is not None,
        ),
        is_fetch_due=is_fetch_due,
        is_fetched=channel is Channel.RESPONSE,
        repeats_contacts=channel is Channel.COPY and not known.is_stub and not _is_newer(known, snapshot),
    )


def verdict_of(age: Age, channel: Channel, *, is_fetch_due: bool, is_proven: bool) -> Verdict:
    """Return whether a snapshot is applied.

    A repeated event that names its version holds nothing that a response of the site since does not hold. Of a copy
    only what is shown to be as new as what the site has reported since is applied (`is_proven`).

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
    """Return whether the status of a snapshot that is applied is applied too.

    Without versions on both sides nothing orders a status and ours: the site's dates do not help, since our own pushes
    are not among them, and its clock is not ours.

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
    """Return how old the snapshot is compared with what is stored: the table of `age_by_clocks`."""
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
    """Return how old a snapshot is: by VERSION and DATE_UPDATE together, else by its own time.

    Bitrix writes the version that it has loaded plus one: of two saves that overlap, the later one may have the lower
    version, or the same. So a lower version is old only where the date is older too, and a higher one new only where
    the date is not older. A tie is left to the next clock, and a tie of all of them is new: merging the same values
    again changes nothing. Where the checksum shows that the values are others, no clock says which came first. What
    is old but was never received (`was_skipped`) may hold what nothing else has reported.

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
        # Two clocks, which need not agree: only when there is nothing else to go by.
        own_time = _compare(snapshot.announced_at, known.updated_at)
    return own_time


def _has_other_contents(agreement: Agreement, snapshot: OrderSnapshot) -> bool:
    """Return whether the checksum differs from that of the order as it was received last.

    Old functions of the site change properties and move neither clock. After an answer to a push the stored checksum
    is out of date.
    """
    known = (snapshot.checksum, agreement.checksum)
    return agreement.answered is None and None not in known and snapshot.checksum != agreement.checksum


def _was_skipped(agreement: Agreement, snapshot: OrderSnapshot) -> bool:
    """Return whether this is a whole order that was never received: a bare status or an answer to a push came before.

    What else has changed with it is not known.
    """
    if snapshot.is_partial:
        return False
    if snapshot.version is not None:
        return agreement.received_version is None or snapshot.version > agreement.received_version
    return _compare(snapshot.updated_at, agreement.received_updated_at) is Clock.NEWER


def _is_unproven(known: Known, snapshot: OrderSnapshot) -> bool:
    """Return whether nothing shows that a copy of the site is as new as what the site has reported since.

    As new is enough, unless the site has reported something since without a version or a date.
    """
    if known.is_stub:
        return False
    if known.agreement.unversioned_at is not None:
        return not _is_newer(known, snapshot)
    return not known.is_imported and all(clock is Clock.UNKNOWN for clock in _clocks(known, snapshot))


def _is_newer(known: Known, snapshot: OrderSnapshot) -> bool:
    """Return whether the version or the date shows that the snapshot is newer, of one whose clocks agree."""
    return Clock.NEWER in _clocks(known, snapshot)


def _clocks(known: Known, snapshot: OrderSnapshot) -> tuple[Clock, Clock]:
    return _compare(snapshot.version, known.version), _compare(snapshot.updated_at, known.updated_at)


def _has_older_status(known: Known, snapshot: OrderSnapshot, arrival: Arrival) -> bool:
    """Return whether an event about the status alone has reported a newer one than this whole order has.

    Of a response our own clock shows it. Of the others all of their clocks have to show it: they need not agree with
    that of the other event. A copy may also lack the one that was received.
    """
    status_received_at = known.agreement.status_received_at
    if arrival.is_copied and _lacks_status(known, snapshot):
        return True
    if snapshot.is_partial:
        return False
    if arrival.fresh is not None:
        return status_received_at is not None and arrival.fresh.read_at < status_received_at
    clocks = [moment for moment in (snapshot.updated_at, snapshot.announced_at) if moment is not None]
    # DATE_UPDATE has whole seconds: within one, the event about the status is believed.
    return _compare(max(clocks, default=None), known.agreement.status_announced_at) is Clock.OLDER


def _lacks_status(known: Known, snapshot: OrderSnapshot) -> bool:
    """Return whether a copy has no newer version than the one for which an event has reported the status alone."""
    has_received = known.agreement.status_received_at is not None
    return has_received and _compare(snapshot.version, known.version) is not Clock.NEWER
