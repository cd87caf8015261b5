"""Snapshots of orders, customers and products, with the values of the site and in the terms of the CRM.

They are plain values without a database. The bridge translates a payload into a snapshot, and `orders.services` merges
the snapshot. Two rules apply everywhere:

* Absent is not empty. If a key is missing from `fields`, it was not in the payload, and the field keeps its value.
  `""` or `None` under a key means that the site has cleared the field.
* Nothing is lost. Data without a column of its own is stored in `metadata`. A value that could not be read is stored
  there in its raw form, and is listed in `problems`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

CRM_XML_ID_PREFIX = "crm-"
"""In Bitrix, an order created by the CRM has `XML_ID = "crm-" + order id`."""


class ProblemReason(StrEnum):
    """The reason why a field of a payload could not be used as received.

    The messages for staff are in `orders.presentation.timeline`.
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
    """A string if a different version of the CRM has stored a reason that this version does not know."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Problem":
        """Return the unreadable field from the JSON value that the inbox or the timeline stores."""
        return cls(str(data.get("field", "")), data.get("value", ""), str(data.get("reason", "")))

    def as_json(self) -> dict[str, Any]:
        """Return the JSON value that the inbox and the timeline store."""
        return {"field": self.field, "value": self.value, "reason": str(self.reason)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSnapshot:
    """The customer who ordered.

    `fields` may contain name, phone, other_phones (only if there are any) and email. The phone is in E.164, or is the
    entered string if it is not a phone. The email is None for a placeholder address.
    """

    bitrix_user_id: int | None
    contacts_only: bool = False
    """Whether the account on the site has neither a name nor a phone, so `fields` contains what the customer entered in
    the order. Several people may order under such an account."""
    guest_account: int | None = None
    """The id of the site's account for guests, if the order was placed under it. `bitrix_user_id` is then None."""
    fields: Mapping[str, str | None] = field(default_factory=dict)
    typed: Mapping[str, str | None] = field(default_factory=dict)
    """The contacts that were entered in the order: name, phone and email, also if the account has others."""
    of_account: frozenset[str] = frozenset()
    """The names of the values in `fields` that are those of the account and were not entered in the order."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSnapshot:
    """One item of an order. The price is in KZT, for one piece."""

    bitrix_basket_id: int | None
    bitrix_product_id: int | None
    quantity: Decimal
    price: Decimal
    product_snapshot: Mapping[str, Any]
    """The product when the order was placed: name, currency, original_price, discount, xml_id and picture."""
    unknown_values: Mapping[str, str] = field(default_factory=dict)
    """The quantity and the price, if they could not be read, with the text that the site sent (`""` if there is none).
    The fields themselves are zero then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSnapshot:
    """A payment of an order on the site, in the order's currency."""

    bitrix_payment_id: int
    amount: Decimal
    is_paid: bool
    """False if the sum is not paid yet, or was returned to the customer."""
    method: str = ""
    """Empty if the payment method of its pay system is unknown."""
    paid_at: datetime | None = None
    """DATE_PAID, aware."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """The data of an order on the site.

    `fields` contains values of columns of `orders.Order`:
    order_number, bitrix_user_id, contact_name, contact_phone, contact_email (what was entered in the
    order), status (the *site's* code, e.g. "AP"), recipient_name, recipient_phone,
    recipient_other_phones (only if there are any),
    delivery_address, delivery_date (date), delivery_slot (str id), city (int), shop (int), postcard_text, comment,
    courier_comment, total_amount, delivery_fee, discount_amount, paid_amount (Decimal, KZT), currency,
    payment_method, payment_status, is_cancelled, is_pickup, is_anonymous, is_surprise (bool).
    """

    bitrix_order_id: int
    crm_order_id: UUID | None = None
    """The primary key of an order that was created in the CRM, read from XML_ID."""
    version: int | None = None
    updated_at: datetime | None = None
    """DATE_UPDATE, aware."""
    checksum: str | None = None
    """The site's checksum of properties, items and payments. It changes when any of them changes."""
    announced_at: datetime | None = None
    """The time in the event, aware: webhook_timestamp, or DATE_STATUS if there is none. It decides which of two events
    is newer only if nothing else does."""
    created_at: datetime | None = None
    """DATE_INSERT, aware."""
    pay_system: int | None = None
    """The site's id of the pay system, or None if the snapshot names none."""
    pay_system_name: str = ""
    is_partial: bool = False
    """Whether only the status is known. In that case an unknown order becomes a stub, and the rest is fetched later."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    """The fields whose value could not be read, each with the text that the site sent. They are not in `fields`."""
    places: tuple[str, ...] = ()
    """The names of the order's locations. A location is the city, or a part of the city."""
    customer: CustomerSnapshot | None = None
    items: tuple[ItemSnapshot, ...] | None = None
    """The items of the order. None if the payload has no basket, and an empty tuple if the basket is empty."""
    payments: tuple[PaymentSnapshot, ...] = ()
    """The payments of the order, if the payload contains them."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    readable: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each key of `metadata`, the names of the fields that could be read this time. The stored raw values of these
    fields are outdated."""
    problems: tuple[Problem, ...] = ()
    """The unreadable fields of the order and of its customer."""

    @property
    def has_clock(self) -> bool:
        """Return whether the snapshot has a version or a time that shows which of two snapshots is newer."""
        return any(clock is not None for clock in (self.version, self.updated_at, self.announced_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshRead:
    """The fetch that returned a snapshot.

    The snapshot is the present state of the site, even if its version is lower than the stored one: after the site is
    restored to an older state, its versions continue from that state. Events that were received during the fetch may be
    newer than the snapshot.
    """

    read_at: datetime
    """The time before the request was sent, aware."""
    times_received: int
    """The value of `Agreement.times_received` of the order at that time, or 0 if the order was unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRead:
    """The import that read a snapshot from a copy of the site's database. No one is notified of imported orders."""

    settled_at: datetime | None = None
    """When the order got its status, aware."""
    remarks: tuple[str, ...] = ()
    """Messages for staff about unusual data of the order in the copy of the site's database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A change of one field that the site logged before the CRM knew the order. A status is the code of the site."""

    key: str
    """The site's id of the entry (`b_sale_order_change.ID`). It ensures that an entry is imported only once."""
    happened_at: datetime
    field: str
    old: Any
    new: Any
    who: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSnapshot:
    """A product of the site's catalogue.

    `fields` may contain name, slug, price, old_price, quantity (Decimal), is_active, image_url with picture_source, and
    bitrix_parent_id.
    """

    bitrix_product_id: int
    updated_at: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRow:
    """One row of the site's reference data.

    `fields` contains the name. For a status it also contains sort, for a delivery slot starts_at and ends_at, and for a
    pay system is_active.
    """

    key: Any
    """The code of a status, or the id of a city, shop, delivery slot or pay system, on the site."""
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSnapshot:
    """The statuses, cities, shops, delivery slots and pay systems of the site."""

    statuses: tuple[ReferenceRow, ...] = ()
    cities: tuple[ReferenceRow, ...] = ()
    shops: tuple[ReferenceRow, ...] = ()
    slots: tuple[ReferenceRow, ...] = ()
    pay_systems: tuple[ReferenceRow, ...] = ()
