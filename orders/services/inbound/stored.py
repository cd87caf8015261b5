"""Rows that only some merges need. The first merge that needs one reads those of all orders of its batch."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from uuid import UUID

from orders.models import EventKind, Order, OrderEvent, Payment, Status
from orders.rules.payment_rows import Row
from orders.services.payment_rows import payments_of
from orders.services.site_limits import current_limits
from orders.sync.site_storage import SiteLimits
from orders.timeline_payloads import PROBLEMS, REMARKS, FromSite


class StoredRows:
    """The rows of a batch's orders, each kind of which is read with one query, and what the batch has added to them."""

    def __init__(self, orders: Mapping[UUID, Order]) -> None:
        """Take the orders of the batch, which are complete before the first merge."""
        self._orders = orders
        self._added_payments: dict[UUID, list[Row]] = defaultdict(list)
        self._added_entries: dict[UUID, list[FromSite]] = defaultdict(list)
        self._statuses: dict[str, Status] = {}
        self._missing: set[str] = set()

    def payments(self, order: Order) -> Sequence[Row]:
        """Return the payments of the order."""
        return [*self._payments.get(order.pk, ()), *self._added_payments[order.pk]]

    def add_payments(self, order: Order, payments: Iterable[Payment]) -> None:
        """Add payments that are not in the database yet."""
        rows = (Row(payment.amount, payment.method, payment.bitrix_payment_id) for payment in payments)
        self._added_payments[order.pk] += rows

    def has_payment_entry(self, order: Order) -> bool:
        """Return whether staff have recorded a payment of the order."""
        return order.pk in self._with_payment_entries

    def remarkable_entries(self, order: Order) -> Sequence[FromSite]:
        """Return the timeline entries of the order with unreadable fields or remarks."""
        return [*self._remarkable.get(order.pk, ()), *self._added_entries[order.pk]]

    def add_entry(self, order: Order, entry: FromSite) -> None:
        """Add a timeline entry that is not in the database yet."""
        self._added_entries[order.pk].append(entry)

    def statuses(self, codes: Collection[str]) -> Mapping[str, Status]:
        """Return the statuses with these codes. All statuses are read, because they are few."""
        if not {*codes} - {""} <= self._statuses.keys() | self._missing:
            self._statuses = {status.code: status for status in Status.objects.all()}
            self._missing.update({*codes} - self._statuses.keys())
        return self._statuses

    def limits(self) -> SiteLimits:
        """Return what the site can store."""
        return self._limits

    @cached_property
    def _limits(self) -> SiteLimits:
        return current_limits()

    @cached_property
    def _payments(self) -> dict[UUID, list[Row]]:
        return payments_of(self._orders.values())

    @cached_property
    def _with_payment_entries(self) -> set[UUID]:
        entries = OrderEvent.objects.filter(order__in=list(self._orders), kind=EventKind.PAYMENT)
        return set(entries.values_list("order_id", flat=True).distinct().order_by())

    @cached_property
    def _remarkable(self) -> dict[UUID, list[FromSite]]:
        entries = OrderEvent.objects.filter(order__in=list(self._orders), details__has_any_keys=[PROBLEMS, REMARKS])
        found: dict[UUID, list[FromSite]] = defaultdict(list)
        for order_id, details in entries.values_list("order_id", "details"):
            found[order_id].append(FromSite.from_json(details))
        return found
