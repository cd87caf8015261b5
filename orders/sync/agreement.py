"""The agreement of an order: the values that both sides last agreed on, and what was sent and received since.

It uses plain values in comparable form (`orders.sync.fields`) and no database. Values are compared as the site stores
them. For example, the site has no refunds: a refunded order is an unpaid order there.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Self
from uuid import uuid4

from orders.sync.fields import FIELDS, ITEMS, as_sent, empty_value, sum_of_parts
from orders.sync.site_response import UNNAMED, FieldRefusal, SiteWarning
from orders.sync.site_storage import EXPLAINED, Damaged, Loss, SiteLimits, explain

STATUS, TOTAL, PAYMENT = "status", "total_amount", "payment_status"
COMPUTED_ON_SITE = frozenset({"total_amount", "discount_amount"})
"""Fields that the site computes. If their values differ, this does not show which of two saves was first."""
MOST_WARNINGS = 50
"""The maximum number of stored warnings. It is higher than the number of warnings that an order can have."""
MOST_UNREAD = 20
"""The maximum number of stored keys of requests whose response was lost."""
MOST_PAST = 6
"""The maximum number of stored past statuses."""
MOST_PAST_DAMAGED = 3
"""The maximum number of stored past pairs of one field."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request with values for the site, and the key by which the site recognises a repetition of the request."""

    key: str
    values: Mapping[str, Any]
    times_received: int = 0
    """The value of `Agreement.times_received` before the first attempt."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The version in the site's response to a push, and the fields that the push has set.

    An event may have the same version but report a different save, which started before our push and ended after it.
    """

    version: int
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class RefusedValue:
    """A value that was refused because the site can't store it."""

    value: Any
    code: str
    message: str


@dataclass(slots=True)
class Agreement:
    """The agreed values of an order, and what was sent to the site and received from it: `Order.bitrix_state`."""

    agreed: dict[str, Any] = field(default_factory=dict)
    """The site's last known value of each field that it has reported or accepted."""
    sent: dict[str, list[Any]] = field(default_factory=dict)
    """Sent values that may not have arrived. If the site reports one of them, this is an echo and not a change made on
    the site."""
    unanswered: "Request | None" = None
    """The last request without a response, as long as its values are desired. A request that only sets the status is
    never stored."""
    unread: list[str] = field(default_factory=list)
    """The keys of requests without a response that are not repeated any more. Their responses may contain warnings, so
    they are still fetched."""
    refused: dict[str, RefusedValue] = field(default_factory=dict)
    """Our values that the site can't store. They are kept in the CRM, and are not sent again until they change."""
    unconfirmed: dict[str, Any] = field(default_factory=dict)
    """Our values that the site has accepted and not reported since. It may report them damaged (`site_storage`)."""
    damaged: dict[str, Damaged] = field(default_factory=dict)
    """The agreed values that the site holds in a different form, because it can't store all of them."""
    past_damaged: dict[str, list[Damaged]] = field(default_factory=dict)
    """Pairs that `damaged` contained before, the newest first. An outdated event may have replaced an agreed value, and
    the site then reports its own form of that value again."""
    warnings: list[SiteWarning] = field(default_factory=list)
    """Warnings of the site that the timeline contains and that still apply."""
    site_status: str = ""
    """The site's code of the agreed status. A compare-and-set request must contain this code."""
    received_version: int | None = None
    """The version of the whole order that was received last, or None if it is not known. A response to a push may have
    a later version. In that case the changes between the two versions have not been received."""
    received_updated_at: datetime | None = None
    """DATE_UPDATE of the whole order that was received last."""
    checksum: str | None = None
    """The site's checksum of the whole order that was received last, or None if that order had no checksum."""
    times_received: int = 0
    """The number of events and responses that have reported the order. Versions can't be used for this count: they may
    become lower, and two saves may produce the same version."""
    answered: "Answered | None" = None
    """The last response to a push, as long as no event has reported the whole order since then."""
    is_unclear: bool = False
    """Whether the received events and responses do not show the present values of the site. In that case the whole
    order must be fetched."""
    announced_at: datetime | None = None
    """The time in the newest event that reported the whole order, for events without version and date."""
    status_announced_at: datetime | None = None
    """The time in the newest event that reported the status alone."""
    status_received_at: datetime | None = None
    """When the last event that reported the status alone was received, by the clock of the CRM."""
    past_statuses: list[str] = field(default_factory=list)
    """Statuses of the site that our pushes have replaced, and the pushed statuses, oldest first. An event with one of
    them and without a version may be outdated."""
    answered_at: datetime | None = None
    """When the last successful fetch of the whole order started, by the clock of the CRM."""
    unversioned_at: datetime | None = None
    """When the site last reported the whole order, or accepted our values, with neither a version nor a date, by the
    clock of the CRM. None after the site has reported the order with a version or a date."""

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Return the agreement from the JSON value of `Order.bitrix_state`."""
        return cls(
            agreed=dict(state.get("agreed", {})),
            sent={name: list(values) for name, values in state.get("sent", {}).items()},
            unanswered=Request(**state["unanswered"]) if state.get("unanswered") else None,
            unread=list(state.get("unread", [])),
            refused={name: RefusedValue(**refusal) for name, refusal in state.get("refused", {}).items()},
            unconfirmed=dict(state.get("unconfirmed", {})),
            damaged={name: Damaged.from_json(pair) for name, pair in state.get("damaged", {}).items()},
            past_damaged={
                name: [Damaged.from_json(pair) for pair in pairs]
                for name, pairs in state.get("past_damaged", {}).items()
            },
            warnings=[SiteWarning(**warning) for warning in state.get("warnings", [])],
            site_status=state.get("site_status", ""),
            received_version=state.get("received_version"),
            received_updated_at=_parse_time(state.get("received_updated_at")),
            checksum=state.get("checksum"),
            times_received=state.get("times_received", 0),
            answered=Answered(**state["answered"]) if state.get("answered") else None,
            is_unclear=state.get("is_unclear", False),
            announced_at=_parse_time(state.get("announced_at")),
            status_announced_at=_parse_time(state.get("status_announced_at")),
            status_received_at=_parse_time(state.get("status_received_at")),
            past_statuses=list(state.get("past_statuses", [])),
            answered_at=_parse_time(state.get("answered_at")),
            unversioned_at=_parse_time(state.get("unversioned_at")),
        )

    @classmethod
    def on(cls, **values: Any) -> Self:
        """Return an agreement on these values, which are the values of the site or of a new stub."""
        return cls(agreed=values)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON value of `Order.bitrix_state`."""
        return {
            "agreed": dict(self.agreed),
            "sent": {name: list(values) for name, values in self.sent.items()},
            "unanswered": asdict(self.unanswered) if self.unanswered else None,
            "unread": list(self.unread),
            "refused": {name: asdict(refusal) for name, refusal in self.refused.items()},
            "unconfirmed": dict(self.unconfirmed),
            "damaged": {name: pair.as_json() for name, pair in self.damaged.items()},
            "past_damaged": {name: [pair.as_json() for pair in pairs] for name, pairs in self.past_damaged.items()},
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
        """Return the site's last known value, or an empty value if the site has not reported the field."""
        return self.agreed.get(name, empty_value(name))

    def note_sending(self, values: Mapping[str, Any]) -> None:
        """Record values before they are sent. Their echo may arrive before the response, or without a response."""
        for name, ours in values.items():
            if is_unset(name, ours):
                continue
            value = as_sent(name, ours)
            sent = [earlier for earlier in self.sent.get(name, []) if earlier != value]
            self.sent[name] = [*sent, value]

    def start_request(self, values: Mapping[str, Any]) -> Request:
        """Record values that are about to be sent, and return their request.

        If the unanswered request has the same values, return it again. The site performs a repeated request only once,
        so later changes made on the site are not overwritten.
        """
        if self.unanswered is None or self.unanswered.values != values:
            self._give_up_request()
            self.unanswered = Request(str(uuid4()), dict(values), self.times_received)
        self.note_sending(values)
        return self.unanswered

    def forget_request_unless(self, ours: Mapping[str, Any]) -> None:
        """Stop repeating the unanswered request if it has arrived, or if its values are no longer desired.

        If the same values are desired again later, they are sent in a new request. Unchanged fields may be missing from
        `ours`.
        """
        if self.unanswered is None:
            return
        values = self.unanswered.values
        is_other = any(name in ours and ours[name] != value for name, value in values.items())
        if is_other or all(self.agreed.get(name) == as_sent(name, value) for name, value in values.items()):
            self._give_up_request()

    def _give_up_request(self) -> None:
        if self.unanswered is not None:
            self.unread = [*self.unread, self.unanswered.key][-MOST_UNREAD:]
            self.unanswered = None

    def end_reading(self, key: str) -> None:
        """Record that the response to the request with this key was fetched, or that there is none."""
        self.unread = [one for one in self.unread if one != key]
        if self.unanswered is not None and self.unanswered.key == key:
            self.unanswered = None

    def settle(self, values: Mapping[str, Any]) -> None:
        """Record these values as the values of the site.

        If one of them was sent, it has arrived, and the values of this field that were sent before it have also
        arrived.
        """
        for name, said in values.items():
            value = as_sent(name, said)
            before, self.agreed[name] = self.agreed.get(name), value
            self.unconfirmed.pop(name, None)
            if name in self.damaged and self.damaged[name].ours != value:
                pair = self.damaged.pop(name)
                earlier = [one for one in self.past_damaged.get(name, ()) if one != pair]
                self.past_damaged[name] = [pair, *earlier][:MOST_PAST_DAMAGED]
            if name in self.refused and self.refused[name].value == value:
                del self.refused[name]
            sent = self.sent.get(name, [])
            if value in sent:
                if name == STATUS:
                    self._add_past_statuses(before, *sent[: sent.index(value) + 1])
                # Values sent later may still arrive, and their echo must not count as a change made on the site.
                self.sent[name] = sent[sent.index(value) + 1 :]
                if not self.sent[name]:
                    del self.sent[name]

    def as_kept(self, theirs: Mapping[str, Any], limits: Callable[[], SiteLimits]) -> dict[str, Any]:
        """Return the site's values, with ours in place of each value that is ours after what the site does to it.

        The site's value may be that of an earlier time (`damaged`, `past_damaged`), or the first that it reports after
        one of our values was sent; only the latter is explained by what the site can't store. A value that the site
        held before is not explained, because ours may not have arrived. `limits` is called only if there is a value to
        explain.
        """
        kept, known = dict(theirs), cache(limits)
        for name, value in theirs.items():
            pair = self.damaged.get(name)
            if pair is not None and pair.theirs == value:
                kept[name] = pair.ours
            elif pair is not None and pair.ours == value:
                del self.damaged[name]  # the site can store the value now
            elif name not in EXPLAINED or value == self.value(name):
                continue
            elif value not in (candidates := self._first_reports(name)):
                explained = (Damaged(ours, value, explain(name, ours, value, known()) or ()) for ours in candidates)
                past = (one for one in self.past_damaged.get(name, ()) if one.theirs == value)
                if found := next((one for one in (*explained, *past) if one.losses), None):
                    self.damaged[name], kept[name] = found, found.ours
        self._keep_total(kept)
        return kept

    def _first_reports(self, name: str) -> list[Any]:
        """Return our values, the newest first, that the site may be reporting for the first time."""
        unconfirmed = [self.unconfirmed[name]] if name in self.unconfirmed else []
        return [*reversed(self.sent.get(name, ())), *unconfirmed]

    def _keep_total(self, kept: dict[str, Any]) -> None:
        """Put our total in place of the sum that the site has computed from items that it has damaged."""
        items = self.damaged.get(ITEMS)
        total, fee = kept.get(TOTAL), kept.get("delivery_fee")
        if items is None or kept.get(ITEMS) != items.ours or total is None or fee is None:
            return
        ours = next(iter(self._first_reports(TOTAL)), self.value(TOTAL))
        fee = self.damaged["delivery_fee"].theirs if "delivery_fee" in self.damaged else fee
        if total != ours and total == sum_of_parts(items.theirs, fee):
            self.damaged[TOTAL], kept[TOTAL] = Damaged(ours, total, items.losses), ours

    def note_held(self, values: Mapping[str, Any], held: Mapping[str, Any], limits: Callable[[], SiteLimits]) -> None:
        """Record what the site holds in place of our values, by its own response to the request that set them.

        No other change can have come between, so a difference that no limit explains is also the site's doing.
        """
        for name, theirs in held.items():
            if name not in values:
                continue
            ours = as_sent(name, values[name])
            if theirs == ours:
                continue
            self.damaged[name] = Damaged(ours, theirs, explain(name, ours, theirs, limits()) or (Loss.OTHER,))
            if self.value(name) == theirs:
                self.agreed[name] = ours

    def refuse(self, name: str, ours: Any, refusal: FieldRefusal) -> bool:
        """Record that the site has refused a value, and return whether this refusal is new.

        A refusal for a reason other than the value itself counts as new each time.
        """
        value = as_sent(name, ours)
        self.sent[name] = [sent for sent in self.sent.get(name, []) if sent != value]
        if not self.sent[name]:
            del self.sent[name]
        if not refusal.is_of_value:
            return True
        known, self.refused[name] = self.refused.get(name), RefusedValue(value, refusal.code, refusal.message)
        return known != self.refused[name]

    def forget_refusals_unless(self, ours: Mapping[str, Any]) -> None:
        """Forget refused values that are no longer desired. Unchanged fields may be missing from `ours`."""
        self.refused = {
            name: refusal
            for name, refusal in self.refused.items()
            if name not in ours or as_sent(name, ours[name]) == refusal.value
        }

    def new_warnings(self, warnings: Sequence[SiteWarning], asked: Collection[str]) -> list[SiteWarning]:
        """Return the warnings of a response that are new, and store the standing ones.

        `asked` contains the fields of the request. Stored warnings about other fields are kept, since the response does
        not mention those fields. Stored warnings without a code are also kept, since they name no field.
        """
        known = set(self.warnings)
        new = [warning for warning in dict.fromkeys(warnings) if warning not in known]
        standing = [warning for warning in dict.fromkeys(warnings) if warning.is_standing]
        left = [
            warning
            for warning in self.warnings
            if warning not in standing
            and (warning.code == UNNAMED or (warning.field != "" and warning.field not in asked))
        ]
        self.warnings = [*left, *standing][-MOST_WARNINGS:]
        return new

    def has(self, values: Mapping[str, Any]) -> bool:
        """Return whether the given values equal the last known values of the site."""
        return all(self.value(name) == as_sent(name, value) for name, value in values.items())

    def accept(self, values: Mapping[str, Any]) -> None:
        """Record values that the site has accepted. It has not reported those that are new, and may damage them."""
        new = [name for name in values if name in EXPLAINED and self.value(name) != as_sent(name, values[name])]
        self.settle(values)
        if PAYMENT in values:
            # The site marks its payments as paid up to its total, or as not paid. It has no part of a payment.
            self.agreed["paid_amount"] = self.value(TOTAL) if values[PAYMENT] == "paid" else empty_value("paid_amount")
        self.unconfirmed |= {name: self.agreed[name] for name in new if name not in self.damaged}

    def merge_answer(self, version: int | None, values: Mapping[str, Any], *, is_unclear: bool) -> None:
        """Record the values that the site has accepted, and the version in its response.

        `is_unclear` means that the site has also reported different values, and nothing shows which values are newer.
        """
        was_known = self.has(values)
        self.accept(values)
        self.times_received += 1
        self.is_unclear = self.is_unclear or is_unclear
        if version is None:
            return
        self.answered = Answered(version, sorted(values.keys() - COMPUTED_ON_SITE))
        if not is_unclear and self._follows(version, was_known=was_known):
            self.received_version = version
        elif is_unclear or (self.received_version is not None and self.received_version >= version):
            self.received_version = None

    def _follows(self, version: int, *, was_known: bool) -> bool:
        """Return whether the version contains nothing but the received order and our values.

        If our values changed the order on the site but its version is still the received one, a different save has
        lowered the version before.
        """
        if self.received_version is None:
            return False
        return version == self.received_version + 1 or (version == self.received_version and was_known)

    def is_twin(self, version: int | None, theirs: Mapping[str, Any]) -> bool:
        """Return whether an event has the version of the last response, but not the values accepted in that response.

        In that case two saves have produced this version, and the event reports the save that is not our push.
        """
        if self.answered is None or self.answered.version != version:
            return False
        return any(theirs[name] != self.value(name) for name in self.answered.names if name in theirs)

    def has_all(self, theirs: Mapping[str, Any]) -> bool:
        """Return whether these values of the site are the agreed values."""
        return all(value == self.value(name) for name, value in theirs.items())

    def _add_past_statuses(self, *statuses: str | None) -> None:
        past = [*self.past_statuses, *(status for status in statuses if status)]
        self.past_statuses = list(dict.fromkeys(reversed(past)))[:MOST_PAST][::-1]

    def is_past(self, status: str | None) -> bool:
        """Return whether this status is a past status, which the order no longer has on the site."""
        return status in self.past_statuses and status != self.value(STATUS)

    def unsent(self, ours: Mapping[str, Any]) -> list[str]:
        """Return the names of the fields with a pending change, which must be sent to the site.

        The result includes each field of which a different value was sent and may have arrived, even if our value
        equals the agreed value again. It excludes each field whose value the site can't store.
        """
        desired = {name: as_sent(name, value) for name, value in ours.items() if not is_unset(name, value)}
        return [
            name
            for name, value in desired.items()
            if (value != self.value(name) or any(sent != value for sent in self.sent.get(name, ())))
            and not (name in self.refused and self.refused[name].value == value)
        ]


def is_unset(name: str, ours: Any) -> bool:
    """Return whether our value is empty in a field that can't be empty on the site. Such a value is never sent."""
    return name in FIELDS and not FIELDS[name].can_be_cleared and ours == FIELDS[name].empty


def _parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
