"""Compare an order in the CRM with its row in the site's list. The functions use no database and no network."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from bitrix_bridge.payloads.listing import ListedOrder
from orders.models import PaymentStatus
from orders.services.references import STUB_PREFIX, known_status
from orders.sync.agreement import Agreement
from orders.sync.fields import comparable
from orders.sync.snapshot import OrderSnapshot

COMPARED = ("status", "total_amount", "payment_status", "is_cancelled")
"""The fields in the site's list. Changes of other fields are found by the version, which increases with each change."""
VERSION = "version"
CHECKSUM = "checksum"
"""The checksum of properties, items and payments. The site may change them without an event and a new version."""
LINK = "bitrix_order_id"
"""The id on the site. The CRM does not know it if the response to the creation of the order was lost."""
DELETED = "is_deleted_on_site"
ARCHIVED = "is_archived_on_site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """The compared data of an order in the CRM. `values` are in the comparable form of `orders.sync.fields`."""

    key: UUID
    bitrix_order_id: int | None
    values: Mapping[str, Any]
    version: int | None
    received_version: int | None
    """The version of the last complete snapshot. It is lower than `version` if a push has increased `version` since."""
    checksum: str | None = None
    """The site's checksum of the last complete snapshot. None if it is not known."""
    agreement: Agreement = field(default_factory=Agreement)
    is_final: bool = False
    """Whether the status is final, so that no more changes are expected."""
    is_deleted: bool = False
    is_archived: bool = False
    has_live_push: bool = False
    damaged: int = 0
    """The number of values that the site holds in a different form, because it can't store ours."""


@dataclass(frozen=True, slots=True)
class Found:
    """One difference. `needs_person` is True if no rule decides which side is right, or if the value can't be sent."""

    field: str
    agreed: Any
    ours: Any
    theirs: Any
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one order. `on_their_way` contains the fields that will be equal after a push was delivered."""

    differences: tuple[Found, ...] = ()
    on_their_way: tuple[str, ...] = ()


def listed(snapshot: OrderSnapshot) -> ListedOrder:
    """Return the row of the site's list that corresponds to a complete snapshot."""
    return ListedOrder(
        bitrix_order_id=snapshot.bitrix_order_id,
        crm_order_id=snapshot.crm_order_id,
        version=snapshot.version,
        values={name: comparable(snapshot.fields[name]) for name in COMPARED if name in snapshot.fields},
        checksum=snapshot.checksum,
    )


def looks_alike(ours: Ours, theirs: ListedOrder, codes: Mapping[str, str]) -> bool:
    """Return whether both sides are equal. The agreement is not needed for this.

    The checksum of a final order is not compared if the CRM does not know it (`lacks_checksum`).
    """
    return (
        not (ours.is_deleted or ours.is_archived or theirs.unreadable or ours.bitrix_order_id is None)
        and (theirs.checksum in (None, ours.checksum) or lacks_checksum(ours, theirs))
        and (theirs.version is None or theirs.version == ours.version == ours.received_version)
        and all(
            _same(name, ours.values[name], codes.get(value) if name == "status" else value)
            for name, value in theirs.values.items()
        )
    )


def lacks_checksum(ours: Ours, theirs: ListedOrder) -> bool:
    """Return whether the CRM must still store the site's checksum of a final order. This is not a difference."""
    return theirs.checksum is not None and ours.checksum is None and ours.is_final


def compare(ours: Ours, theirs: ListedOrder, *, codes: Mapping[str, str], pushed: Collection[str]) -> Verdict:
    """Compare both sides of one order.

    `codes` maps the site's status codes to the CRM's codes. `pushed` are the fields that the CRM can send to the site.
    While a push is queued or being delivered, a field that only the CRM has changed is on its way. The same applies to
    a version and a checksum that the push may have changed. If the version differs, the checksum is not reported.
    """
    if (existence := _compare_existence(ours, theirs)) is not None:
        return existence
    found: list[Found] = []
    on_their_way: list[str] = []
    for name, value in _site_values(ours, theirs, codes).items():
        match _compare_field(ours, name, value, pushed):
            case Found() as difference:
                found.append(difference)
            case str():
                on_their_way.append(name)
    for name, raw in theirs.unreadable.items():
        found.append(Found(name, ours.agreement.value(name), ours.values[name], raw, needs_person=True))
    whole = _compare_whole(ours, theirs)
    if whole is not None and ours.has_live_push and ours.agreement.sent:
        on_their_way.append(whole.field)
    elif whole is not None:
        found.append(whole)
    return Verdict(tuple(found), tuple(on_their_way))


def _compare_existence(ours: Ours, theirs: ListedOrder) -> Verdict | None:
    """Return the verdict for an order whose link is missing, or that the CRM has marked as deleted or archived."""
    if ours.bitrix_order_id is None:
        if ours.has_live_push:
            return Verdict(on_their_way=(LINK,))
        return Verdict((Found(LINK, None, None, theirs.bitrix_order_id),))
    if ours.is_deleted:
        return Verdict((Found(DELETED, None, True, False),))
    if ours.is_archived:
        return Verdict((Found(ARCHIVED, None, True, False),))
    return None


def _site_values(ours: Ours, theirs: ListedOrder, codes: Mapping[str, str]) -> dict[str, Any]:
    """Return the site's values, with the CRM's code of the status."""
    values = dict(theirs.values)
    if "status" in values:
        values["status"] = _our_status(values["status"], ours.agreement, codes)
    return values


def _compare_field(ours: Ours, name: str, value: Any, pushed: Collection[str]) -> Found | str | None:
    """Return the difference of a field, or the name of a field that a push will send, or None if both sides agree."""
    mine, agreed = ours.values[name], ours.agreement.value(name)
    pair = ours.agreement.damaged.get(name)
    if pair is not None and pair.theirs == value:
        value = pair.ours  # the site can't store ours, and sending it again would change nothing
    if _same(name, mine, value):
        return None
    sent = ours.agreement.sent.get(name, ())
    if not _same(name, value, agreed) and not any(_same(name, value, one) for one in sent):
        is_dispute = mine != agreed and (name == "status" or name not in pushed)
        return Found(name, agreed, mine, value, needs_person=is_dispute)
    if name == "payment_status" and mine == PaymentStatus.REFUNDED and name not in pushed:
        return None  # the site has no value for a refund
    if ours.has_live_push and name in pushed:
        return name
    return Found(name, agreed, mine, value, needs_person=name not in pushed)


def _compare_whole(ours: Ours, theirs: ListedOrder) -> Found | None:
    """Return the difference of the version, or the difference of the checksum if the versions are equal."""
    known = ours.version if ours.version != theirs.version else ours.received_version
    if theirs.version is not None and theirs.version != known:
        return Found(VERSION, known, known, theirs.version)
    if theirs.checksum not in (None, ours.checksum) and not lacks_checksum(ours, theirs):
        return Found(CHECKSUM, ours.checksum, ours.checksum, theirs.checksum)
    return None


def _our_status(code: str, agreement: Agreement, codes: Mapping[str, str]) -> str:
    """Return the CRM's code of a status of the site, or the code of a stub if the CRM does not know the status."""
    return known_status(code, agreement) or codes.get(code) or f"{STUB_PREFIX}{code}"


def _same(name: str, one: Any, other: Any) -> bool:
    # The site stores only whether an order is paid; only the CRM stores a refund.
    if name == "payment_status":
        return bool((one == PaymentStatus.PAID) == (other == PaymentStatus.PAID))
    return bool(one == other)
