"""The sandbox itself: the operations on its orders. No HTTP here.

It follows Bitrix's rules: a process loads an order, changes it and writes what it has changed, with the loaded VERSION
plus one; setting the same value is no change; every save and every delete sends an event. All methods may be called
from any thread.
"""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass
from typing import Any

from . import site_changes
from .columns import cancel, check_status, column_value
from .creation import fill
from .database import CRM_ORIGINS, Database, Event
from .errors import SiteError, invalid
from .order_draft import Draft
from .payments import refresh_price
from .properties import properties_of
from .request_report import RequestReport
from .values import Order, site_time, text_of

__all__ = ["CRM_ORIGINS", "Created", "Event", "Site"]


@dataclass(frozen=True)
class Created:
    """The result of a create: the present order, whether this call created it, and whether it is in the archive."""

    order: Order
    created: bool
    is_archived: bool = False


class Site(Database):
    """A small Bitrix: what its staff, its checkout, its REST and the bridge can do with it."""

    # The shop's setup

    def set_stock(self, product_id: int, **changes: Any) -> None:
        """Change a product's stock: `quantity`, `is_traced`, `can_buy_zero`, `is_active`, `is_deleted`."""
        with self.lock:
            self._storage.write([self._tables.catalogue.set(product_id, **changes)])

    def define_property(self, code: str, **limits: Any) -> None:
        """Define an order property, or change its limits: `longest` characters, `variants` of a list."""
        with self.lock:
            self._tables.properties.define(code, **limits)

    # Writes

    def create_order(
        self, request: Order, *, origin: str = "site", silent: bool = False, report: RequestReport | None = None
    ) -> Created:
        """Create an order from the bridge's create request; for a known `xml_id` return the existing order.

        `silent` sends no event, like an endpoint that inserts with raw SQL. With `report` the order is created as the
        bridge creates it. Raises SiteError 422.
        """
        with self.lock:
            xml_id = text_of(request.get("xml_id"))
            if existing := self._by_xml_id.get(xml_id):
                return Created(self._document(existing), created=False)
            if xml_id and (existing := self._archived_with(xml_id)):
                return Created(self._document(existing), created=False, is_archived=True)
            draft = Draft(self._tables, site_time(self._clock()), {})
            properties = fill(draft, request, report)
            user, is_new = self._tables.users.customer_of(request.get("user_id"), properties)
            order = draft.order
            order["ID"] = order["ACCOUNT_NUMBER"] = str(self._next("order"))
            order["XML_ID"] = order["XML_ID"] or f"bx_{uuid.uuid4().hex[:13]}"
            order["USER_ID"], order["user"] = user["ID"], dict(user)
            puts = [("user", user["ID"], user)] if is_new else []
            self._store(draft, order, None if silent else "order.create", origin, puts)
            return Created(self._document(order), created=True)

    def open_order(self, order_id: int) -> Draft:
        """Load an order into a process of its own, which may save it much later. Raises SiteError 404."""
        with self.lock:
            order = copy.deepcopy(self._find(order_id))
            return Draft(self._tables, site_time(self._clock()), order, copy.deepcopy(order))

    def empty_draft(self) -> Draft:
        """Return a draft that is never saved, to check what the site would accept."""
        return Draft(self._tables, site_time(self._clock()), {"properties": {}})

    def save_opened(
        self,
        held: Draft,
        fields: Order | None = None,
        properties: object = None,
        items: object = None,
        *,
        raw_status: str | None = None,
        origin: str = "site",
    ) -> Order:
        """Change an order that was opened earlier, write the changes, and return a copy of the stored order.

        Columns that this process has not changed keep what others have saved since, and VERSION is the loaded one plus
        one. Raises SiteError 404 or 422.
        """
        with self.lock:
            held.now = site_time(self._clock())
            stored = {column: column_value(column, value) for column, value in (fields or {}).items()}
            if raw_status is not None:
                # STATUS_ID is a varchar(2).
                stored["STATUS_ID"] = raw_status[:2]
            site_changes.change(held, stored, properties_of(properties), items)
            self.save(held, origin)
            return self.order(int(held.order["ID"]))

    def save(self, draft: Draft, origin: str) -> None:
        """Write the changes of a draft as Order::save() does; without changes, no new version and no webhook."""
        with self.lock:
            if not draft.is_changed:
                return
            draft.order["VERSION"] = str(int(draft.loaded["VERSION"]) + 1)
            draft.order["DATE_UPDATE"] = draft.now
            stored = self._find(int(draft.order["ID"]))
            self._store(draft, stored, "order.update", origin)
            draft.loaded, draft.bookings = copy.deepcopy(draft.order), []

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
        """Change columns, properties and, when `items` is given, the whole basket, as staff of the site do.

        Properties that are not given stay. `raw_status` is stored even if the site has no such status, as D7's
        `setField` and so REST do. Returns a copy of the order. Raises SiteError 404 or 422.
        """
        with self.lock:
            held = self.open_order(order_id)
            return self.save_opened(held, fields, properties, items, raw_status=raw_status, origin=origin)

    def change_status(
        self, order_id: int, status_id: str, *, expected: str | None = None, origin: str = "site"
    ) -> Order:
        """Set an order's status; with `expected`, only from that one. Returns a copy of the order.

        If the order already has the status, the request succeeds, even if another status was expected, so a request can
        be repeated. Raises SiteError 404, 409 with `current`, 422.
        """
        with self.lock:
            order = self._find(order_id)
            check_status(status_id)
            self.compare(order, status_id, expected)
            return self.update_order(order_id, {"STATUS_ID": status_id}, origin=origin)

    def compare(self, order: Order, status_id: str, expected: str | None) -> None:
        """Raise SiteError 409, with the present state, for an order that is in neither of these statuses."""
        if expected and order["STATUS_ID"] not in (status_id, expected):
            current = {"status_id": order["STATUS_ID"], "version": int(order["VERSION"])}
            message = f"Заказ на сайте в статусе {order['STATUS_ID']}, ожидался {expected}"
            raise SiteError(409, "status_conflict", message, "status", current=current)

    def recalculate(self, order_id: int) -> Order:
        """Order::doFinalAction() and save: set the total to the sum of its parts. Returns a copy of the order."""
        with self.lock:
            draft = self.open_order(order_id)
            refresh_price(draft)
            self.save(draft, "site")
            return self.order(order_id)

    def ship_order(self, order_id: int, flag: str = "Y") -> Order:
        """Mark an order as shipped (DEDUCTED), or as not shipped. Raises SiteError 404 or 422."""
        with self.lock:
            draft = self.open_order(order_id)
            if draft.order["CANCELED"] == "Y":
                raise invalid("refused", "Невозможно отгрузить отмененный заказ", "shipment")
            draft.order["DEDUCTED"] = flag
            self.save(draft, "site")
            return self.order(order_id)

    def delete_order(self, order_id: int, *, origin: str = "site") -> None:
        """Delete an order as Order::delete() does: cancel and save, delete the parts and save, send the event.

        Raises SiteError 404, and 422 for an order that can't be cancelled because it is paid or shipped.
        """
        with self.lock:
            draft = self.open_order(order_id)
            order = draft.order
            cancel(draft, "Y", None)
            puts = self._tables.catalogue.settle(draft.loaded, order)
            self._remove(order)
            self.saves[order_id] += 2
            gone = {"ID": order["ID"], "XML_ID": order["XML_ID"]}
            self._write(puts, [("order", order["ID"])], "order.delete", gone, origin)

    def archive_order(self, order_id: int) -> None:
        """Move an order to the archive, as Archive\\Manager does: it leaves the orders, and no event is sent."""
        with self.lock:
            order = self._find(order_id)
            self._remove(order)
            self._archived[order_id] = order = {**order, "DATE_ARCHIVED": site_time(self._clock())}
            self._storage.write([("archived", order["ID"], order)], [("order", order["ID"])])

    def set_property_silently(self, order_id: int, code: str, value: str) -> None:
        """Write the row of a property as CSaleOrderPropsValue::Update() does: no event, VERSION or DATE_UPDATE."""
        with self.lock:
            order = self._find(order_id)
            self.write_raw(order_id, {"properties": {**order["properties"], code: value}})

    def write_raw(self, order_id: int, columns: Order) -> None:
        """Change columns as raw SQL does: no version, no date, no webhook, no checks. Raises SiteError 404."""
        with self.lock:
            order = {**self._find(order_id), **columns}
            self._orders[order_id] = self._by_xml_id[order["XML_ID"]] = order
            self._storage.write([("order", order["ID"], order)], [])

    def forget_raw(self, order_id: int) -> None:
        """Delete an order as raw SQL does: no event is sent. Raises SiteError 404."""
        with self.lock:
            order = self._find(order_id)
            self._remove(order)
            self._storage.write([], [("order", order["ID"])])

    def announce(self, name: str, data: Order, *, origin: str = "site") -> Event:
        """Send a webhook that no write of the sandbox causes, such as a bare status change."""
        with self.lock:
            return self._write([], [], name, data, origin)
