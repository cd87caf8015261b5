"""Functions that publish changes of orders to the handlers of other apps, inside the transaction of the change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from cvety_crm.bulk_writes import Writes
from orders.models import Order, OrderEvent
from orders.sync.fields import UNKNOWN_TO_SITE


@dataclass(frozen=True, slots=True)
class OrderChange:
    """A changed order, and the timeline entry of the change."""

    order: Order
    event: OrderEvent
    is_new: bool = False
    has_payments: bool = False
    """Whether the service that made the change has also added the payments that the order lacked."""

    @property
    def changed_fields(self) -> set[str]:
        """Return the names of the fields in the changes of the timeline entry."""
        return {change["field"] for change in self.event.changes}

    @property
    def is_ours_alone(self) -> bool:
        """Return whether all changed fields are fields that the site does not have."""
        return bool(self.event.changes) and self.changed_fields <= UNKNOWN_TO_SITE


Handler = Callable[[Sequence[OrderChange], Writes], None]
"""A handler of changes, which adds rows to the writes. For changes that were received from the site, the number of its
queries does not depend on the number of changes."""


def publish(*changes: OrderChange, writes: Writes | None = None) -> None:
    """Call every handler in `settings.ORDER_EVENT_HANDLERS` once. A handler inserts rows and does nothing else.

    The rows are added to `writes`, whose caller sends them to the database, or are inserted at once. In the first case
    the orders and the timeline entries of the changes may not be in the database yet.
    """
    if not changes:
        return
    collected = Writes() if writes is None else writes
    for dotted_path in settings.ORDER_EVENT_HANDLERS:
        handler: Handler = import_string(dotted_path)
        handler(changes, collected)
    if writes is None:
        collected.flush()


def publish_undone(order: Order, event: OrderEvent) -> None:
    """Call every handler in `settings.STATUS_UNDONE_HANDLERS` after the status change of this entry was undone.

    A handler deletes the rows that it has queued for the entry, and does nothing else. The entry is deleted after that.
    """
    for dotted_path in settings.STATUS_UNDONE_HANDLERS:
        handler: Callable[[Order, OrderEvent], None] = import_string(dotted_path)
        handler(order, event)


@dataclass(frozen=True, slots=True)
class CustomerData:
    """What other apps need to find their rows about a customer."""

    orders: Sequence[UUID]
    site_orders: Sequence[int]
    """The ids of the orders on the site."""
    accounts: Sequence[int]
    """The ids of the customer's accounts on the site."""
    traces: Sequence[str]
    """Phones, as their last ten digits, and e-mail addresses, by which other texts about the customer are found."""


def other_data_of(customer: CustomerData) -> dict[str, list[dict[str, Any]]]:
    """Return what other apps store about the customer, as JSON values (`settings.CUSTOMER_DATA_SOURCES`)."""
    found: dict[str, list[dict[str, Any]]] = {}
    for dotted_path in settings.CUSTOMER_DATA_SOURCES:
        source: Callable[[CustomerData], Mapping[str, list[dict[str, Any]]]] = import_string(dotted_path)
        found |= source(customer)
    return found


def publish_erased(customer: CustomerData) -> None:
    """Call every handler in `settings.CUSTOMER_ERASED_HANDLERS`, which erases what its app stores of the customer."""
    for dotted_path in settings.CUSTOMER_ERASED_HANDLERS:
        handler: Callable[[CustomerData], None] = import_string(dotted_path)
        handler(customer)
