"""The stand-in site itself: orders, versions and the webhooks they cause. No HTTP here.

What is true of Bitrix is true of this class: VERSION grows by one with each real change and DATE_UPDATE follows
it, the same value again is no change, every save announces itself, deletes too. All methods may be called from
any thread.
"""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .basket import basket_of
from .errors import SiteError, not_found
from .orders import apply_changes, check_status, column_value, order_from_request, properties_of
from .people import People
from .reference import reference_lists
from .storage import MemoryStorage, Put, Storage
from .values import Order, iso_time, site_time, text_of

# Who made a write. The CRM's own writes are counted, so that a test can say "exactly one".
CRM_ORIGINS = ("bridge", "rest")

FIRST_IDS = {"order": 122183, "basket": 500001, "user": 1080, "event": 1}


@dataclass(frozen=True)
class Event:
    """A webhook to be sent. `number` orders the events of this site, `origin` is who made the write."""

    number: int
    event_id: str
    name: str
    data: Order
    origin: str

    def document(self) -> dict[str, Any]:
        """The event as it is stored."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Created:
    """The outcome of a create: the order as it is now, and whether this call made it."""

    order: Order
    created: bool


@dataclass(frozen=True)
class Updated:
    """The outcome of an update that may be a repetition: the version that it made, now or at the earlier request."""

    order_id: int
    version: int
    is_repetition: bool


class Site:
    """A small Bitrix. `writes` counts real writes made for the CRM, `requests` is what the doors were asked."""

    def __init__(self, storage: Storage | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """Start from what `storage` holds; `clock` gives unix seconds."""
        self._lock = threading.RLock()
        self._storage = storage or MemoryStorage()
        self._clock = clock
        self._counters = dict(FIRST_IDS)
        for counter in self._storage.load("counters"):
            self._counters.update(counter)
        self._orders: dict[int, Order] = {int(order["ID"]): order for order in self._storage.load("order")}
        self._by_xml_id = {order["XML_ID"]: order for order in self._orders.values()}
        self._people = People(self._storage.load("user"), lambda: self._next("user"))
        self._done: dict[str, int] = {row["event_id"]: row["version"] for row in self._storage.load("done")}
        self._listeners: list[Callable[[Event], None]] = []
        self.writes = 0
        self.requests: deque[dict[str, Any]] = deque(maxlen=1000)

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with each event, in order, while the site is locked: it must only take note."""
        with self._lock:
            self._listeners.append(listener)

    # Reading

    def order(self, order_id: int) -> Order:
        """A copy of an order in the webhook's shape. Raises SiteError 404."""
        with self._lock:
            return copy.deepcopy(self._find(order_id))

    def order_by_xml_id(self, xml_id: str) -> Order:
        """A copy of the order with this XML_ID. Raises SiteError 404."""
        with self._lock:
            if xml_id not in self._by_xml_id:
                raise not_found(xml_id)
            return copy.deepcopy(self._by_xml_id[xml_id])

    def latest(self, limit: int = 30) -> list[Order]:
        """Copies of the newest orders, newest first."""
        with self._lock:
            newest = sorted(self._orders, reverse=True)[:limit]
            return [copy.deepcopy(self._orders[order_id]) for order_id in newest]

    def all_orders(self) -> list[Order]:
        """Copies of all orders, oldest first."""
        return self.latest(len(self._orders))[::-1]

    def changed(self, since: float | None = None, after_id: int = 0, limit: int = 100) -> list[Order]:
        """Rows to compare by: orders with an id above `after_id`, updated at `since` (unix seconds) or later, by id."""
        moment = None if since is None else site_time(since)
        with self._lock:
            found = [
                order
                for order_id, order in sorted(self._orders.items())
                if order_id > after_id and (moment is None or order["DATE_UPDATE"] >= moment)
            ][:limit]
            return [
                {
                    "order_id": int(order["ID"]),
                    "xml_id": order["XML_ID"],
                    "version": int(order["VERSION"]),
                    "status_id": order["STATUS_ID"],
                    "price": order["PRICE"],
                    "payed": order["PAYED"],
                    "canceled": order["CANCELED"],
                    "date_update": iso_time(order["DATE_UPDATE"]),
                }
                for order in found
            ]

    def reference(self) -> dict[str, list[dict[str, Any]]]:
        """The lists of the site: statuses, cities, shops, slots, pay systems."""
        return reference_lists()

    # Writing

    def create_order(self, request: Order, *, origin: str = "site", silent: bool = False) -> Created:
        """Create an order from the bridge's create request; a known `xml_id` gives the order that exists.

        `silent` announces nothing, as an endpoint that inserts with raw SQL. Raises SiteError 422.
        """
        with self._lock:
            existing = self._by_xml_id.get(text_of(request.get("xml_id")))
            if existing:
                return Created(copy.deepcopy(existing), created=False)
            order = order_from_request(request, site_time(self._clock()), lambda: self._next("basket"))
            user, is_new = self._people.customer_of(request.get("user_id"), order["properties"])
            order_id = self._next("order")
            order["ID"] = order["ACCOUNT_NUMBER"] = str(order_id)
            order["XML_ID"] = order["XML_ID"] or f"bx_{uuid.uuid4().hex[:13]}"
            order["USER_ID"], order["user"] = user["ID"], dict(user)
            self._store(order, "order.create", origin, [("user", user["ID"], user)] if is_new else [], silent=silent)
            return Created(copy.deepcopy(order), created=True)

    def change_status(
        self, order_id: int, status_id: str, *, expected: str | None = None, origin: str = "site"
    ) -> Order:
        """Set an order's status; with `expected`, only from that one. Returns a copy of the order.

        An order that already has the wanted status is done, whatever was expected: a repeated request succeeds.
        Raises SiteError 404, 409 with `current`, 422.
        """
        with self._lock:
            order = self._find(order_id)
            check_status(status_id)
            if expected is not None and order["STATUS_ID"] not in (status_id, expected):
                current = {"status_id": order["STATUS_ID"], "version": int(order["VERSION"])}
                message = f"The order is in status {order['STATUS_ID']}, expected {expected}"
                raise SiteError(409, "status_conflict", message, "status", current=current)
            return self.update_order(order_id, {"STATUS_ID": status_id}, origin=origin)

    def update_order(
        self,
        order_id: int,
        fields: Order | None = None,
        properties: object = None,
        items: object = None,
        *,
        raw_status: str | None = None,
        origin: str = "site",
    ) -> Order:
        """Change columns, properties and, when `items` is given, the whole basket. Returns a copy of the order.

        Properties not given stay. Nothing really changed: no new version, no webhook. `raw_status` is stored whether
        the site has such a status or not, as D7's `setField` and so REST do. Raises SiteError 404 or 422.
        """
        with self._lock:
            stored = {column: column_value(column, value) for column, value in (fields or {}).items()}
            if raw_status is not None:
                # varchar(2)
                stored["STATUS_ID"] = raw_status[:2]
            return self._change(order_id, stored, properties_of(properties), items, origin)

    def update_once(self, event_id: str, order_id: int, *changes: Any, origin: str = "site") -> Updated:
        """`update_order`, but a second time with the same `event_id` does nothing and tells the first outcome.

        Without an id it is done each time. Raises SiteError 404 or 422.
        """
        with self._lock:
            self._find(order_id)
            if event_id and event_id in self._done:
                return Updated(order_id, self._done[event_id], is_repetition=True)
            version = int(self.update_order(order_id, *changes, origin=origin)["VERSION"])
            if event_id:
                self._done[event_id] = version
                self._storage.write([("done", event_id, {"event_id": event_id, "version": version})])
            return Updated(order_id, version, is_repetition=False)

    def delete_order(self, order_id: int, *, origin: str = "site") -> None:
        """Delete an order and announce it. Raises SiteError 404."""
        with self._lock:
            order = self._find(order_id)
            del self._orders[order_id]
            self._by_xml_id.pop(order["XML_ID"], None)
            gone = {"ID": order["ID"], "XML_ID": order["XML_ID"]}
            self._write([], [("order", order["ID"])], "order.delete", gone, origin)

    def write_raw(self, order_id: int, columns: Order) -> None:
        """Change columns as raw SQL does: no version, no date, no webhook, nothing checked. Raises SiteError 404."""
        with self._lock:
            order = {**self._find(order_id), **columns}
            self._orders[order_id] = self._by_xml_id[order["XML_ID"]] = order
            self._storage.write([("order", order["ID"], order)], [])

    def forget_raw(self, order_id: int) -> None:
        """Delete an order as raw SQL does: nobody is told. Raises SiteError 404."""
        with self._lock:
            order = self._find(order_id)
            del self._orders[order_id]
            self._by_xml_id.pop(order["XML_ID"], None)
            self._storage.write([], [("order", order["ID"])])

    def announce(self, name: str, data: Order, *, origin: str = "site") -> Event:
        """Send a webhook that no write of the stand-in causes, such as a bare status change."""
        with self._lock:
            return self._write([], [], name, data, origin)

    def note_request(self, entry: dict[str, Any]) -> None:
        """Remember a request that a door was asked; the caller leaves tokens out."""
        with self._lock:
            self.requests.append({"at": self._clock(), **entry})

    # Inside, under the lock

    def _find(self, order_id: int) -> Order:
        if order_id not in self._orders:
            raise not_found(order_id)
        return self._orders[order_id]

    def _next(self, counter: str) -> int:
        number = self._counters[counter]
        self._counters[counter] = number + 1
        return number

    def _change(self, order_id: int, fields: Order, properties: Order, items: object, origin: str) -> Order:
        old = self._find(order_id)
        order = copy.deepcopy(old)
        now = site_time(self._clock())
        basket = None
        if items is not None:
            basket = basket_of(items, lambda: self._next("basket"), old["basket"])
        apply_changes(order, fields, properties, basket, now)
        if order != old:
            order["VERSION"] = str(int(old["VERSION"]) + 1)
            order["DATE_UPDATE"] = now
            self._by_xml_id.pop(old["XML_ID"], None)
            self._store(order, "order.update", origin)
        return copy.deepcopy(order)

    def _store(
        self, order: Order, event_name: str, origin: str, more: list[Put] | None = None, *, silent: bool = False
    ) -> None:
        self._orders[int(order["ID"])] = order
        self._by_xml_id[order["XML_ID"]] = order
        puts: list[Put] = [("order", order["ID"], order), *(more or [])]
        self._write(puts, [], None if silent else event_name, order, origin)
        if origin in CRM_ORIGINS:
            self.writes += 1

    def _write(
        self, puts: list[Put], deletes: list[tuple[str, str]], event_name: str | None, data: Order, origin: str
    ) -> Event:
        moment = self._clock()
        announced = {
            **copy.deepcopy(data),
            "webhook_timestamp": round(moment, 3),
            "webhook_source": "OnSaleOrderDeleted" if event_name == "order.delete" else "OnSaleOrderSaved",
        }
        event = Event(self._next("event"), str(uuid.uuid4()), event_name or "", announced, origin)
        if event_name:
            puts = [*puts, ("event", str(event.number), event.document())]
        self._storage.write([*puts, ("counters", "1", dict(self._counters))], deletes)
        if event_name:
            for listener in self._listeners:
                listener(event)
        return event
