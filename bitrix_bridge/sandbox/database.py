"""The data of the sandbox, with the queries, the writes, and the webhooks that a write causes."""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .accounts import Accounts
from .catalogue import Catalogue
from .column_storage import ColumnStorage
from .documents import archived_row, document, row
from .errors import archived, not_found
from .mails import Mail, MailRule, are_sent, mails_of
from .order_draft import Draft, Tables, written
from .order_upgrade import upgrade_order
from .properties import Properties
from .reference import reference_lists
from .storage import MemoryStorage, Put, Storage
from .users import Users
from .values import Order, site_time

# Writes of these origins are counted as writes of the CRM: a test can assert that there was exactly one.
CRM_ORIGINS = ("bridge", "rest")

FIRST_IDS = {"order": 122183, "basket": 500001, "payment": 700001, "user": 1080, "event": 1}


@dataclass(frozen=True)
class Event:
    """A webhook to send. Events are sorted by `number`; `origin` names who made the write."""

    number: int
    event_id: str
    name: str
    data: Order
    origin: str

    def document(self) -> dict[str, Any]:
        """Return the event as the document to store."""
        return dict(self.__dict__)


class Database:
    """All data of a site. Public methods may be called from any thread.

    `writes` is the number of writes made for the CRM, and `saves` is the number of all saves of each order. `requests`
    contains the last requests that the site received, and `mails` contains the mails that customers received.
    `omitted_keys` are keys of documents that the site's PHP is too old to send. `storage` is what its database can
    store.
    """

    def __init__(self, storage: Storage | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """Load the data that `storage` contains. `clock` returns unix seconds."""
        self.lock = threading.RLock()
        self._storage = storage or MemoryStorage()
        self._clock = clock
        self._counters = dict(FIRST_IDS)
        for counter in self._storage.load("counters"):
            self._counters.update(counter)
        orders = [upgrade_order(order) for order in self._storage.load("order")]
        self._orders: dict[int, Order] = {int(order["ID"]): order for order in orders}
        self._by_xml_id = {order["XML_ID"]: order for order in self._orders.values()}
        self._archived: dict[int, Order] = {int(order["ID"]): order for order in self._storage.load("archived")}
        self._tables = Tables(
            catalogue=Catalogue(self._storage.load("stock")),
            properties=Properties(),
            accounts=Accounts(self._storage.load("transaction")),
            users=Users(self._storage.load("user"), lambda: self._next("user")),
            next_id=self._next,
        )
        for order in orders:
            for code in order["properties"]:
                if self._tables.properties.get(code) is None:
                    self._tables.properties.define(code)
        # Before version 1.2 only the order's version was stored, not the answer.
        self._done: dict[str, dict[str, Any]] = {
            row["event_id"]: row.get("answer") or {"version": row["version"]} for row in self._storage.load("done")
        }
        self._listeners: list[Callable[[Event], None]] = []
        self.writes = 0
        self.saves: Counter[int] = Counter()
        self.mails: list[Mail] = []
        self.mail_rule: MailRule = "site"
        self.omitted_keys: frozenset[str] = frozenset()
        self.storage = ColumnStorage()
        self.requests: deque[dict[str, Any]] = deque(maxlen=1000)

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with each event, in sequence.

        The site is locked during the call: the listener must not block.
        """
        with self.lock:
            self._listeners.append(listener)

    # Queries

    def order(self, order_id: int) -> Order:
        """Return a copy of an order in the webhook's format.

        Raise `SiteError` 404 if the order does not exist or is in the archive.
        """
        with self.lock:
            return self._document(self._find(order_id))

    def order_by_xml_id(self, xml_id: str) -> Order:
        """Return a copy of the order with this XML_ID.

        Raise `SiteError` 404 if the order does not exist or is in the archive.
        """
        with self.lock:
            if xml_id in self._by_xml_id:
                return self._document(self._by_xml_id[xml_id])
            if self._archived_with(xml_id):
                raise archived(xml_id)
            raise not_found(xml_id)

    def latest(self, limit: int = 30) -> list[Order]:
        """Return copies of the newest orders, newest first."""
        with self.lock:
            newest = sorted(self._orders, reverse=True)[:limit]
            return [self._document(self._orders[order_id]) for order_id in newest]

    def all_orders(self) -> list[Order]:
        """Return copies of all orders, oldest first."""
        return self.latest(len(self._orders))[::-1]

    def changed(
        self, since: float | None = None, after_id: int = 0, limit: int = 100, *, with_archived: bool = False
    ) -> list[Order]:
        """Return at most `limit` rows for a comparison, sorted by id.

        They are the rows of orders with an id above `after_id` that were updated at `since` (unix seconds) or later. If
        `with_archived` is true, orders that were archived at `since` or later are included.
        """
        moment = None if since is None else site_time(since)

        def is_new(order: Order, column: str) -> bool:
            return int(order["ID"]) > after_id and (moment is None or order[column] >= moment)

        with self.lock:
            complete = self._tables.properties.complete
            rows = [
                row(order, complete(order["properties"]), self.omitted_keys)
                for order in self._orders.values()
                if is_new(order, "DATE_UPDATE")
            ]
            if with_archived:
                rows += [archived_row(order) for order in self._archived.values() if is_new(order, "DATE_ARCHIVED")]
            return sorted(rows, key=lambda one: int(one["order_id"]))[:limit]

    def reference(self) -> dict[str, list[dict[str, Any]]]:
        """Return the reference data of the site: statuses, cities, shops, delivery slots and pay systems."""
        return reference_lists()

    def budget(self, user_id: str) -> Decimal:
        """Return the balance of a customer's account, in KZT."""
        with self.lock:
            return self._tables.accounts.budget(user_id)

    @property
    def transactions(self) -> list[dict[str, Any]]:
        """Copies of all transactions of customers' accounts, oldest first."""
        with self.lock:
            return copy.deepcopy(self._tables.accounts.transactions)

    def stock(self, product_id: int) -> dict[str, Any]:
        """Return the catalogue's data of a product that exists or existed."""
        with self.lock:
            return dict(self._tables.catalogue.stock(product_id).__dict__)

    # Received requests

    def record_request(self, entry: dict[str, Any]) -> None:
        """Record a received request. The caller removes tokens from `entry` first."""
        with self.lock:
            self.requests.append({"at": self._clock(), **entry})

    def done(self, event_id: str) -> dict[str, Any] | None:
        """Return the answer to an earlier request with this id, or None if there was no such request."""
        return self._done.get(event_id)

    def store_answer(self, event_id: str, answer: dict[str, Any]) -> None:
        """Store the answer to a request.

        A request without an id has no stored answer: it is applied again when it is repeated.
        """
        if event_id:
            self._done[event_id] = answer
            self._storage.write([("done", event_id, {"event_id": event_id, "answer": answer})])

    # Internal methods; the caller holds the lock

    def _find(self, order_id: int) -> Order:
        if order_id in self._archived:
            raise archived(order_id)
        if order_id not in self._orders:
            raise not_found(order_id)
        return self._orders[order_id]

    def _archived_with(self, xml_id: str) -> Order | None:
        return next((order for order in self._archived.values() if order["XML_ID"] == xml_id), None)

    def _document(self, order: Order) -> Order:
        return document(order, self._tables.properties.complete(order["properties"]), self.omitted_keys)

    def _next(self, counter: str) -> int:
        number = self._counters[counter]
        self._counters[counter] = number + 1
        return number

    def _remove(self, order: Order) -> None:
        del self._orders[int(order["ID"])]
        self._by_xml_id.pop(order["XML_ID"], None)

    def _store(
        self, draft: Draft, stored: Order, event_name: str | None, origin: str, puts: list[Put] | None = None
    ) -> None:
        """Store a draft with its reservations, transactions and mails.

        The changes of the draft are written over `stored`. A new order is stored as it is.
        """
        tables, is_new = self._tables, not draft.loaded
        puts = [*(puts or []), *tables.catalogue.settle(draft.loaded, draft.order)]
        puts += tables.accounts.book(draft.order, draft.bookings, draft.now, origin)
        order = self.storage.stored(draft.order if is_new else written(stored, draft))
        self._by_xml_id.pop(stored["XML_ID"], None)
        self._orders[int(order["ID"])] = self._by_xml_id[order["XML_ID"]] = order
        if event_name is not None and are_sent(self.mail_rule, order, origin):
            self.mails += mails_of(draft.loaded, draft.order)
        self._write([*puts, ("order", order["ID"], order)], [], event_name, self._document(order), origin)
        self.saves[int(order["ID"])] += 1
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
