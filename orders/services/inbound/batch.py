"""A batch of snapshots: what is known of their orders, and what has to be stored.

Everything is locked and read with a number of statements that depends on neither the orders nor their items. The
snapshots are merged one after another, and each sees what the earlier ones have changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BigIntegerField, Q, UUIDField

from cvety_crm.bulk_writes import Writes
from cvety_crm.composed_statements import AnyOf, ModelStatement
from orders.events import OrderChange, publish
from orders.models import Order, OrderItem, SyncState
from orders.services.inbound.customers import lock_of, looked_up
from orders.services.inbound.incoming import ids_of_creation, ids_of_update
from orders.services.inbound.origin import Origin
from orders.services.inbound.people import PEOPLE_CTE, PEOPLE_KINDS, PEOPLE_ROWS, People
from orders.services.inbound.stored import StoredRows
from orders.services.locking import creation_lock, lock_names
from orders.services.references import KINDS, REFERENCE_ROWS, ReferenceTable, SiteIds
from orders.sync.agreement import Agreement
from orders.sync.snapshot import OrderSnapshot

_ORDER_ROWS = """
    SELECT 'order' AS kind, bitrix_order_id::text AS key, id, NULL::json AS data FROM orders
    WHERE bitrix_order_id = ANY(%(orders)s::bigint[]) OR (id = ANY(%(own)s::uuid[]) AND bitrix_order_id IS NULL)
"""
_ALL_ROWS = f"WITH {PEOPLE_CTE} {_ORDER_ROWS} UNION ALL {REFERENCE_ROWS} UNION ALL {PEOPLE_ROWS}"
CUSTOMERS = ("customer", "customer_before_merge")
_NO_REFERENCES: dict[str, list[Any]] = {kind: [] for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Arrived:
    """A snapshot with its origin. `is_absent` means that the caller knows that there is no such order."""

    snapshot: OrderSnapshot
    origin: Origin
    is_absent: bool = False


class Batch:
    """The state of a batch. Its rows are added to `writes`."""

    def __init__(self, writes: Writes) -> None:
        self.writes = writes
        self.people = People()
        self.references = ReferenceTable()
        self.items: dict[UUID, Sequence[OrderItem]] = {}
        """The items of orders as they are after the snapshots that were merged so far, by the order's primary key."""
        self._changes: list[OrderChange] = []
        self._by_site_id: dict[int, Order] = {}
        self._by_key: dict[UUID, Order] = {}
        self.stored = StoredRows(self._by_key)

    def order_of(self, snapshot: OrderSnapshot) -> Order | None:
        """Return the order of the snapshot, which is locked, or None if there is none."""
        order = self._by_site_id.get(snapshot.bitrix_order_id)
        if order is None and snapshot.crm_order_id is not None:
            order = self._by_key.get(snapshot.crm_order_id)
            if order is not None and order.bitrix_order_id not in (None, snapshot.bitrix_order_id):
                return None
        return order

    def add_order(self, order: Order) -> None:
        """Add an order that a snapshot has created or updated."""
        if order.bitrix_order_id is not None:
            self._by_site_id[order.bitrix_order_id] = order
        self._by_key[order.pk] = order
        self.people.add_order(order)

    def publish(self, change: OrderChange) -> None:
        """Publish a change at the end of the batch."""
        self._changes.append(change)

    def finish(self) -> None:
        """Call the handlers once, with all changes."""
        if any(change.order.sync_state != SyncState.SYNCED for change in self._changes):
            self.writes.flush()  # pushes are queued, which compares the stored items of these orders
        publish(*self._changes, writes=self.writes)

    def read(self, arrived: Sequence[Arrived], *, expects_new: bool) -> None:
        """Lock and read everything that the merges need, with at most five statements.

        With `expects_new` the orders are only looked for after their creation is locked, which saves a statement if
        they are new. If one exists after all, and another transaction has locked it, raise `OperationalError`: orders
        are locked before customers, so waiting might be a deadlock. The transaction can be repeated (`is_race`).
        """
        snapshots = [one.snapshot for one in arrived]
        if not expects_new:
            self._lock_orders(one.snapshot for one in arrived if not one.is_absent)
        absent = [snapshot for snapshot in snapshots if self.order_of(snapshot) is None]
        if absent:
            self._lock_creation(absent)
        found = self._read_rows(absent, self._read_items(snapshots))
        if found:
            self._lock_orders(absent, nowait=True)
            self._read_items(absent)

    def _lock_orders(self, snapshots: Iterable[OrderSnapshot], *, nowait: bool = False) -> None:
        wanted = {snapshot.bitrix_order_id: snapshot.crm_order_id for snapshot in snapshots}
        if not wanted:
            return
        own = [key for key in wanted.values() if key is not None]
        orders = _orders(with_own=bool(own), nowait=nowait)
        for order in orders.objects({"orders": list(wanted), "own": own}):
            for name in ("customer", "customer_before_merge"):
                customer = getattr(order, name)
                if customer is not None:
                    setattr(order, name, self.people.same(customer))
            if order.bitrix_order_id is not None:
                self._by_site_id[order.bitrix_order_id] = order
            self._by_key[order.pk] = order

    def _lock_creation(self, absent: Sequence[OrderSnapshot]) -> None:
        """Lock the creation of these orders, and then the phones by which their customers are found."""
        phones = {looked_up(snapshot.customer)[1] for snapshot in absent if snapshot.customer is not None} - {""}
        orders = sorted({snapshot.bitrix_order_id for snapshot in absent})
        lock_names([*map(creation_lock, orders), *map(lock_of, sorted(phones))])

    def _read_items(self, snapshots: Sequence[OrderSnapshot]) -> list[SiteIds]:
        """Read the items of the known orders whose snapshots have items. Return the ids to look up."""
        known = [(snapshot, self.order_of(snapshot)) for snapshot in snapshots]
        keys = [order.pk for snapshot, order in known if order is not None and snapshot.items]
        if keys:
            lines: dict[UUID, list[OrderItem]] = {key: [] for key in keys}
            for item in _items().objects({"orders": keys}):
                lines[item.order_id].append(item)
            self.items |= lines
        return [
            ids_of_creation(snapshot)
            if order is None
            else ids_of_update(order, Agreement.from_json(order.bitrix_state), snapshot, self.items.get(order.pk, ()))
            for snapshot, order in known
        ]

    def _read_rows(self, absent: Sequence[OrderSnapshot], ids: Iterable[SiteIds]) -> bool:
        """Read the references of all orders and the people of new orders. Return whether an absent order exists."""
        customers = [snapshot.customer for snapshot in absent if snapshot.customer is not None]
        people = self.people.parameters(map(looked_up, customers))
        references = self.references.parameters(ids)
        if people is None and references is None and not absent:
            return False
        if people is None and not absent:
            self.references.read(references or _NO_REFERENCES)
            return False
        orders: dict[str, list[Any]] = {
            "orders": [snapshot.bitrix_order_id for snapshot in absent],
            "own": [str(snapshot.crm_order_id) for snapshot in absent if snapshot.crm_order_id is not None],
        }
        is_found = False
        with connection.cursor() as cursor:
            cursor.execute(_ALL_ROWS, {**orders, **(references or _NO_REFERENCES), **(people or People.NO_ONE)})
            for kind, key, pk, data in cursor.fetchall():
                if kind == "order":
                    is_found = True
                elif kind in PEOPLE_KINDS:
                    self.people.add_row(kind, key, data)
                else:
                    self.references.add(kind, key, pk, data)
        return is_found


@cache
def _orders(*, with_own: bool, nowait: bool) -> ModelStatement[Order]:
    """Return the statement that locks the orders with these ids on the site, and with the primary keys `own`."""
    condition = Q(AnyOf("bitrix_order_id", "orders", BigIntegerField()))
    if with_own:
        condition |= Q(AnyOf("pk", "own", UUIDField()), bitrix_order_id=None)
    # The customers are read in the same query. All transactions lock orders sorted by id, so they can't deadlock.
    orders = Order.objects.select_for_update(no_key=True, of=("self",), nowait=nowait)
    return ModelStatement(orders.select_related("customer", "customer_before_merge").filter(condition).order_by("pk"))


@cache
def _items() -> ModelStatement[OrderItem]:
    items = OrderItem.objects.filter(AnyOf("order_id", "orders", UUIDField()))
    return ModelStatement(items.order_by("position", "created_at"))
