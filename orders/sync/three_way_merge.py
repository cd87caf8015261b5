"""How two systems agree: a three-way merge, field by field, against what both sides last agreed on.

Pure: plain values in their comparable form (`orders.sync.fields`), no database. Values are compared as the site would
say them: it knows no refund, only that an order is not paid.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import uuid4

from orders.sync.fields import FIELDS, as_sent, empty_value
from orders.sync.site_response import UNNAMED, FieldRefusal, SiteWarning

STATUS = "status"
COMPUTED_THERE = frozenset({"total_amount", "discount_amount"})
"""What follows on the site from what it has: another value of it there says nothing of what came first."""
MOST_WARNINGS = 50
"""How many warnings are remembered: more than an order can have."""
MOST_PAST = 6
"""How many statuses that ours have replaced are remembered."""


@dataclass(frozen=True, slots=True)
class Request:
    """Values that were sent, and the key by which the site knows a repetition."""

    key: str
    values: Mapping[str, Any]
    times_received: int = 0
    """`Agreement.times_received` when it was asked for first."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The version that the site's answer to a push named, and the fields that the push has set.

    An event may name the same version and mean another save, which the site began before ours and ended after it.
    """

    version: int
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class RefusedValue:
    """A value that the site can't hold, and has said so."""

    value: Any
    code: str
    message: str


@dataclass(slots=True)
class Agreement:
    """`Order.bitrix_state`: what we know of the site's side of an order."""

    agreed: dict[str, Any] = field(default_factory=dict)
    """The site's last known value of each field that it has reported or accepted."""
    sent: dict[str, list[Any]] = field(default_factory=dict)
    """Values sent that may not have arrived: one of them in a report is our own echo, not a change of the site."""
    unanswered: "Request | None" = None
    """The last request whose answer has not come, never one for the status alone; as long as the same is wanted."""
    refused: dict[str, RefusedValue] = field(default_factory=dict)
    """Values of ours that the site can't hold: they stay here, and are not sent as long as they are the same."""
    warnings: list[SiteWarning] = field(default_factory=list)
    """What the site has warned of, and staff know, as long as it is so."""
    site_status: str = ""
    """The site's own code of the agreed status, which it expects back in compare-and-set."""
    received_version: int | None = None
    """The version of which the whole order was received; None when that is none. The answer to a push of ours may name
    another one: changes in between have not been received."""
    received_updated_at: datetime | None = None
    """DATE_UPDATE of the whole order that was received last."""
    checksum: str | None = None
    """The site's checksum of the whole order that was received last; None when that came without one."""
    times_received: int = 0
    """How often an event or an answer has said something of the order. Versions can't count that: they may fall, and
    two saves may make the same one."""
    answered: "Answered | None" = None
    """The last answer to a push, as long as no event has reported the whole order since."""
    is_unclear: bool = False
    """What the site has does not follow from what it said: the whole order has to be fetched."""
    announced_at: datetime | None = None
    """The own time of the newest event that reported the whole order, for events without version and date."""
    status_announced_at: datetime | None = None
    """The own time of the newest event that reported the status alone."""
    status_received_at: datetime | None = None
    """When an event that reported the status alone came last, by our clock."""
    past_statuses: list[str] = field(default_factory=list)
    """What the site's status was before ours arrived, and ours, oldest first: an event that names one of them without
    a version may be late."""
    answered_at: datetime | None = None
    """When the last fetch of the whole order that was answered began, by our clock."""
    unversioned_at: datetime | None = None
    """When the site last reported the whole order, or took over what is ours, without a version and a date, by our
    clock. None once it has reported the order with one: then that says how new it is."""

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Read the column."""
        return cls(
            agreed=dict(state.get("agreed", {})),
            sent={name: list(values) for name, values in state.get("sent", {}).items()},
            unanswered=Request(**state["unanswered"]) if state.get("unanswered") else None,
            refused={name: RefusedValue(**refusal) for name, refusal in state.get("refused", {}).items()},
            warnings=[SiteWarning(**warning) for warning in state.get("warnings", [])],
            site_status=state.get("site_status", ""),
            received_version=state.get("received_version"),
            received_updated_at=_moment(state.get("received_updated_at")),
            checksum=state.get("checksum"),
            times_received=state.get("times_received", 0),
            answered=Answered(**state["answered"]) if state.get("answered") else None,
            is_unclear=state.get("is_unclear", False),
            announced_at=_moment(state.get("announced_at")),
            status_announced_at=_moment(state.get("status_announced_at")),
            status_received_at=_moment(state.get("status_received_at")),
            past_statuses=list(state.get("past_statuses", [])),
            answered_at=_moment(state.get("answered_at")),
            unversioned_at=_moment(state.get("unversioned_at")),
        )

    @classmethod
    def on(cls, **values: Any) -> Self:
        """Return the agreement on these values: the site's, or those of a stub that is not edited yet."""
        return cls(agreed=values)

    def as_json(self) -> dict[str, Any]:
        """Return the column's value."""
        return {
            "agreed": dict(self.agreed),
            "sent": {name: list(values) for name, values in self.sent.items()},
            "unanswered": asdict(self.unanswered) if self.unanswered else None,
            "refused": {name: asdict(refusal) for name, refusal in self.refused.items()},
            "warnings": [asdict(warning) for warning in self.warnings],
            "site_status": self.site_status,
            "received_version": self.received_version,
            "received_updated_at": self.received_updated_at.isoformat() if self.received_updated_at else None,
            "checksum": self.checksum,
            "times_received": self.times_received,
            "answered": asdict(self.answered) if self.answered else None,
            "is_unclear": self.is_unclear,
            "announced_at": self.announced_at.isoformat() if self.announced_at else None,
            "status_announced_at": self.status_announced_at.isoformat() if self.status_announced_at else None,
            "past_statuses": list(self.past_statuses),
            "status_received_at": self.status_received_at.isoformat() if self.status_received_at else None,
            "answered_at": self.answered_at.isoformat() if self.answered_at else None,
            "unversioned_at": self.unversioned_at.isoformat() if self.unversioned_at else None,
        }

    def value(self, name: str) -> Any:
        """Return the site's last known value; that of an empty field before it has named any."""
        return self.agreed.get(name, empty_value(name))

    def note_sending(self, values: Mapping[str, Any]) -> None:
        """Remember what is about to be sent, before the call: its echo may beat its answer, or the answer be lost."""
        for name, ours in values.items():
            if _says_nothing(name, ours):
                continue
            value = as_sent(name, ours)
            sent = [earlier for earlier in self.sent.get(name, []) if earlier != value]
            self.sent[name] = [*sent, value]

    def start_request(self, values: Mapping[str, Any]) -> Request:
        """Note values that are about to be sent; return the request: the earlier one if this is a repetition.

        The site does a repeated request only once: what was changed there since is not undone.
        """
        if self.unanswered is None or self.unanswered.values != values:
            self.unanswered = Request(str(uuid4()), dict(values), self.times_received)
        self.note_sending(values)
        return self.unanswered

    def forget_request_unless(self, ours: Mapping[str, Any]) -> None:
        """Forget the unanswered request if it has arrived, or if its values are no longer desired.

        The same values desired again later make another request. `ours` may lack fields that are as they were.
        """
        if self.unanswered is None:
            return
        values = self.unanswered.values
        is_other = any(name in ours and ours[name] != value for name, value in values.items())
        if is_other or all(self.agreed.get(name) == as_sent(name, value) for name, value in values.items()):
            self.unanswered = None

    def settle(self, values: Mapping[str, Any]) -> None:
        """Take these values as those of the site. One that we sent has arrived, and so have those sent before it."""
        for name, said in values.items():
            value = as_sent(name, said)
            before, self.agreed[name] = self.agreed.get(name), value
            if name in self.refused and self.refused[name].value == value:
                del self.refused[name]
            sent = self.sent.get(name, [])
            if value in sent:
                if name == STATUS:
                    self._leave_behind(before, *sent[: sent.index(value) + 1])
                # Those sent after it are still on their way: their echo must not look like a change of the site.
                self.sent[name] = sent[sent.index(value) + 1 :]
                if not self.sent[name]:
                    del self.sent[name]

    def refuse(self, name: str, ours: Any, refusal: FieldRefusal) -> bool:
        """Note that the site has not taken a value, and whether it can't hold it; return whether that is news."""
        value = as_sent(name, ours)
        self.sent[name] = [sent for sent in self.sent.get(name, []) if sent != value]
        if not self.sent[name]:
            del self.sent[name]
        if not refusal.is_of_value:
            return True
        known, self.refused[name] = self.refused.get(name), RefusedValue(value, refusal.code, refusal.message)
        return known != self.refused[name]

    def forget_refusals_unless(self, ours: Mapping[str, Any]) -> None:
        """Forget what the site can't hold if it is no longer wanted. `ours` may lack fields that are as they were."""
        self.refused = {
            name: refusal
            for name, refusal in self.refused.items()
            if name not in ours or as_sent(name, ours[name]) == refusal.value
        }

    def news_of(self, warnings: Sequence[SiteWarning], asked: Collection[str]) -> list[SiteWarning]:
        """Return the warnings of an answer that staff do not know yet, and remember those that stand.

        `asked` are the fields that the request was about: of others the site says nothing, so what it said before
        stands. So does a text without a code, which says not even what it is about.
        """
        known = set(self.warnings)
        news = [warning for warning in dict.fromkeys(warnings) if warning not in known]
        standing = [warning for warning in dict.fromkeys(warnings) if warning.is_standing]
        left = [
            warning
            for warning in self.warnings
            if warning not in standing
            and (warning.code == UNNAMED or (warning.field != "" and warning.field not in asked))
        ]
        self.warnings = [*left, *standing][-MOST_WARNINGS:]
        return news

    def has(self, values: Mapping[str, Any]) -> bool:
        """Return whether these are the values that the site is known to have."""
        return all(self.value(name) == as_sent(name, value) for name, value in values.items())

    def merge_answer(self, version: int | None, values: Mapping[str, Any], *, is_unclear: bool) -> None:
        """Settle what the site says that it has taken, and what is known of its version thereby.

        `is_unclear`: it has reported something else since, and nothing shows which came first.
        """
        was_known = self.has(values)
        self.settle(values)
        self.times_received += 1
        self.is_unclear = self.is_unclear or is_unclear
        if version is None:
            return
        self.answered = Answered(version, sorted(values.keys() - COMPUTED_THERE))
        if not is_unclear and self._follows(version, was_known=was_known):
            self.received_version = version
        elif is_unclear or (self.received_version is not None and self.received_version >= version):
            self.received_version = None

    def _follows(self, version: int, *, was_known: bool) -> bool:
        """Return whether the version holds nothing but what was received and ours, which may be no change there.

        A change of ours that leaves the version as it was received: it had fallen before, by another save.
        """
        if self.received_version is None:
            return False
        return version == self.received_version + 1 or (version == self.received_version and was_known)

    def is_twin(self, version: int | None, theirs: Mapping[str, Any]) -> bool:
        """Return whether an event of the version that an answer has named lacks what the answer says was taken.

        Two saves have made this version, then, and it is the other one.
        """
        if self.answered is None or self.answered.version != version:
            return False
        return any(theirs[name] != self.value(name) for name in self.answered.names if name in theirs)

    def _leave_behind(self, *statuses: str | None) -> None:
        past = [*self.past_statuses, *(status for status in statuses if status)]
        self.past_statuses = list(dict.fromkeys(reversed(past)))[:MOST_PAST][::-1]

    def is_past(self, status: str | None) -> bool:
        """Return whether ours have replaced this status, or it is ours and has been replaced."""
        return status in self.past_statuses and status != self.value(STATUS)

    def unsent(self, ours: Mapping[str, Any]) -> list[str]:
        """Return the fields that are pending: those that have to be sent to the site.

        Also those of which another value was sent and may have arrived: going back is a change like any other. Not
        those whose value the site has refused because it can't hold it.
        """
        desired = {name: as_sent(name, value) for name, value in ours.items() if not _says_nothing(name, value)}
        return [
            name
            for name, value in desired.items()
            if (value != self.value(name) or any(sent != value for sent in self.sent.get(name, ())))
            and not (name in self.refused and self.refused[name].value == value)
        ]


def _says_nothing(name: str, ours: Any) -> bool:
    """Return whether ours is no desired value: empty, in a field that can't be emptied on the site."""
    return name in FIELDS and not FIELDS[name].can_be_cleared and ours == empty_value(name)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Merge:
    """What comes of merging the site's values into ours."""

    taken: tuple[str, ...]
    """Fields that take the site's value."""
    kept: Mapping[str, Any]
    """Changed on both sides; ours stays. Field -> the site's value."""
    yielded: Mapping[str, Any]
    """Changed on both sides; the site decides. Field -> our value, which a manager may want back."""


def merge(
    agreement: Agreement, *, ours: Mapping[str, Any], theirs: Mapping[str, Any], site_decides: Collection[str] = ()
) -> Merge:
    """Merge the site's values and settle the agreement on them.

    A field that `theirs` lacks is left alone. The site has changed a field when its value differs from the agreed one
    and is not one that we sent; we have changed it when ours differs from the agreed one. A field that can't be pushed
    is the site's alone: its change is taken in any case. What follows another field goes with that one.
    """
    taken: list[str] = []
    kept: dict[str, Any] = {}
    yielded: dict[str, Any] = {}
    following = {name: FIELDS[name].follows for name in theirs if name in FIELDS and FIELDS[name].follows}
    for name, value in theirs.items():
        if name in following:
            continue
        mine = as_sent(name, ours[name])
        if value != mine and _site_changed(agreement, name, value):
            if not _we_changed(agreement, name, mine):
                taken.append(name)
            elif name in site_decides:
                taken.append(name)
                yielded[name] = mine
            else:
                kept[name] = value
        agreement.settle({name: value})
    for name, source in following.items():
        if source not in theirs:
            continue  # nothing that it could be computed from
        agreement.settle({name: theirs[name]})
        if theirs[name] != ours[name] and (source in taken or ours[source] == theirs[source]):
            taken.append(name)
    return Merge(tuple(taken), kept, yielded)


def _site_changed(agreement: Agreement, name: str, value: Any) -> bool:
    """Return whether the value is a change of the site: an echo of what we sent may come late, after we went back."""
    known = FIELDS.get(name)
    may_be_echo = value in agreement.sent.get(name, ()) and not (known and value in known.never_echo)
    return value != agreement.value(name) and not may_be_echo


def _we_changed(agreement: Agreement, name: str, mine: Any) -> bool:
    """Return whether ours is a change that the site can be sent."""
    known = FIELDS.get(name)
    is_pushed = known is None or known.is_pushed
    return is_pushed and mine != agreement.value(name) and not _says_nothing(name, mine)
