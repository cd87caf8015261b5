"""What another system says an order, a customer or a product is, in our own terms.

Plain values without a database behind them: the bridge translates a payload into a snapshot,
`orders.services` merges it. Two rules hold everywhere:

* Absent is not empty. A key that is missing from `fields` was not in the payload and is left alone;
  `""` or `None` under a key means that the other side cleared the field.
* Nothing is thrown away. What has no column of its own is in `metadata`, and a value that could not be
  read is there in its raw form and named in `problems`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

CRM_XML_ID_PREFIX = "crm-"
"""An order born in the CRM carries `XML_ID = "crm-" + order id` in Bitrix."""


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
    """One field that could not be read: its name on the wire, the raw value (JSON), and why."""

    field: str
    value: Any
    reason: ProblemReason | str
    """A text where another version of the CRM stored a reason that this one does not know."""

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
    """The account says neither name nor phone: `fields` are those of the person who has ordered, and several
    people may order under one account."""
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
    """name, currency, original_price, discount, xml_id: as they were when the order was placed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """An order as the site sees it.

    `fields` holds what maps to a column of `orders.Order`:
    order_number, bitrix_user_id, status (the *site's* code, e.g. "AP"), recipient_name, recipient_phone,
    delivery_address, delivery_date (date), delivery_slot (str id), city (int), shop (int), postcard_text, comment,
    courier_comment, total_amount, delivery_fee, discount_amount, paid_amount (Decimal, KZT), currency,
    payment_method, payment_status, is_cancelled, is_pickup, is_anonymous, is_surprise (bool).
    """

    bitrix_order_id: int
    crm_order_id: UUID | None = None
    """From XML_ID, for an order that was born in the CRM."""
    version: int | None = None
    updated_at: datetime | None = None
    """DATE_UPDATE, aware."""
    checksum: str | None = None
    """The site's own, over properties, lines and payments: the same as long as none of them has changed."""
    announced_at: datetime | None = None
    """The event's own time (webhook_timestamp, else DATE_STATUS), aware: the last resort for ordering events."""
    created_at: datetime | None = None
    """DATE_INSERT, aware."""
    is_partial: bool = False
    """A status change alone: an order never seen becomes a stub and the rest is asked for."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    customer: CustomerSnapshot | None = None
    items: tuple[ItemSnapshot, ...] | None = None
    """None when the payload has no basket; an empty tuple when the basket is empty."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    readable: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Part of `metadata` -> names that could be read this time: what was kept of them before is out of date."""
    problems: tuple[Problem, ...] = ()
    """Those of the customer included."""

    @property
    def has_clock(self) -> bool:
        """Return whether it says anything by which it can be put in order with others."""
        return any(clock is not None for clock in (self.version, self.updated_at, self.announced_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshRead:
    """How a snapshot came about that was asked for just now: it is the site's present state, however low its version.

    A site that was put back to an older state counts on from there. What the site has reported since may be newer.
    """

    read_at: datetime
    """Before the request left, aware."""
    times_received: int
    """`Agreement.times_received` of the order before that; 0 for one that is not known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRead:
    """How a snapshot came about that was read from a copy of the site: it is history, and no one is notified of it."""

    settled_at: datetime | None = None
    """Since when the order has its status, aware."""
    remarks: tuple[str, ...] = ()
    """What was odd about it in the copy, as texts for staff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A change of one field that the site remembers from before the CRM knew the order. A status is the site's code."""

    key: str
    """The site's id of the entry (`b_sale_order_change.ID`): it is taken over once."""
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
    """What the site says its statuses, cities, shops and delivery slots are."""

    statuses: tuple[ReferenceRow, ...] = ()
    cities: tuple[ReferenceRow, ...] = ()
    shops: tuple[ReferenceRow, ...] = ()
    slots: tuple[ReferenceRow, ...] = ()
