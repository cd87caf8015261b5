"""Snapshots: orders, customers and products as the site describes them, in the terms of the CRM.

They are plain values without a database: the bridge translates a payload into a snapshot, and `orders.services`
merges it. Two rules apply everywhere:

* Absent is not empty. A key that is missing from `fields` was not in the payload, and the field keeps its value;
  `""` or `None` under a key means that the site has cleared the field.
* Nothing is lost. Data without a column of its own is in `metadata`; a value that could not be read is there in its
  raw form, and `problems` names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

CRM_XML_ID_PREFIX = "crm-"
"""In Bitrix an order created by the CRM has `XML_ID = "crm-" + order id`."""


class ProblemReason(StrEnum):
    """Why a field of a payload could not be used as it was.

    The texts for staff are in `orders.presentation.timeline`.
    """

    NOT_A_NUMBER = "not_a_number"
    NOT_A_DATE = "not_a_date"
    NOT_A_FLAG = "not_a_flag"
    NOT_A_PHONE = "not_a_phone"
    NOT_TEXT = "not_text"
    NOT_AN_OBJECT = "not_an_object"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Problem:
    """One field that could not be read: its name in the payload, its raw value (JSON), and the reason."""

    field: str
    value: Any
    reason: ProblemReason | str
    """A string if another version of the CRM has stored a reason that this version does not know."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Problem":
        """Return the problem that the inbox or the timeline has stored."""
        return cls(str(data.get("field", "")), data.get("value", ""), str(data.get("reason", "")))

    def as_json(self) -> dict[str, Any]:
        """Return the form that the inbox and the timeline store."""
        return {"field": self.field, "value": self.value, "reason": str(self.reason)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSnapshot:
    """The customer who ordered. Keys of `fields`: name, phone (E.164 or as typed), email (None for placeholders)."""

    bitrix_user_id: int | None
    contacts_only: bool = False
    """Whether the account has neither name nor phone, so that `fields` come from the order. Several people may order
    under such an account."""
    fields: Mapping[str, str | None] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSnapshot:
    """One line of the basket. Price and total are KZT for one piece and for the line."""

    bitrix_basket_id: int | None
    bitrix_product_id: int | None
    quantity: Decimal
    price: Decimal
    product_snapshot: Mapping[str, Any]
    """name, currency, original_price, discount and xml_id at the time of the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """An order as the site describes it.

    `fields` has the values of columns of `orders.Order`:
    order_number, bitrix_user_id, status (the *site's* code, e.g. "AP"), recipient_name, recipient_phone,
    delivery_address, delivery_date (date), delivery_slot (str id), city (int), shop (int), postcard_text, comment,
    courier_comment, total_amount, delivery_fee, discount_amount, paid_amount (Decimal, KZT), currency,
    payment_method, payment_status, is_cancelled, is_pickup, is_anonymous, is_surprise (bool).
    """

    bitrix_order_id: int
    crm_order_id: UUID | None = None
    """Our id of an order that was created in the CRM, read from XML_ID."""
    version: int | None = None
    updated_at: datetime | None = None
    """DATE_UPDATE, aware."""
    checksum: str | None = None
    """The site's checksum of properties, lines and payments; it changes when any of them changes."""
    announced_at: datetime | None = None
    """The event's own time (webhook_timestamp, else DATE_STATUS), aware. It orders events only if nothing else can."""
    created_at: datetime | None = None
    """DATE_INSERT, aware."""
    is_partial: bool = False
    """Whether only the status is known: an unknown order becomes a stub, and the rest is refetched."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    customer: CustomerSnapshot | None = None
    items: tuple[ItemSnapshot, ...] | None = None
    """None if the payload has no basket; an empty tuple if the basket is empty."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    readable: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Part of `metadata` -> names that could be read this time, so that their stored raw values are outdated."""
    problems: tuple[Problem, ...] = ()
    """The problems of the order and of its customer."""

    @property
    def has_clock(self) -> bool:
        """Return whether it has a version or a time by which snapshots can be ordered."""
        return any(clock is not None for clock in (self.version, self.updated_at, self.announced_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshRead:
    """The fetch that returned a snapshot: the site's present state, even if its version is lower than ours.

    After the site was restored to an older state, its versions continue from that state. Events that were received
    during the fetch may be newer.
    """

    read_at: datetime
    """The time before the request was sent, aware."""
    times_received: int
    """`Agreement.times_received` of the order at that time; 0 for an unknown order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRead:
    """The import that read a snapshot from a copy of the site. No one is notified of imported orders."""

    settled_at: datetime | None = None
    """When the order got its status, aware."""
    remarks: tuple[str, ...] = ()
    """Texts for staff about oddities of the order in the copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A change of one field that the site has logged before the CRM knew the order. A status is the site's code."""

    key: str
    """The site's id of the entry (`b_sale_order_change.ID`), by which it is imported only once."""
    happened_at: datetime
    field: str
    old: Any
    new: Any
    who: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSnapshot:
    """A catalogue product. Keys of `fields`: name, slug, price, old_price, quantity (Decimal), is_active, image_url."""

    bitrix_product_id: int
    updated_at: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRow:
    """One row of the site's reference data. Keys of `fields`: name; a status has sort, a slot starts_at and ends_at."""

    key: Any
    """The site's code of a status, id of a city, shop or slot."""
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSnapshot:
    """The statuses, cities, shops and delivery slots of the site."""

    statuses: tuple[ReferenceRow, ...] = ()
    cities: tuple[ReferenceRow, ...] = ()
    shops: tuple[ReferenceRow, ...] = ()
    slots: tuple[ReferenceRow, ...] = ()
