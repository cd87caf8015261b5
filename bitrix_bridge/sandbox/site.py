"""The sandbox itself, with the operations on its orders and without HTTP.

The rules are those of Bitrix. A process loads an order, changes it, and writes what it has changed, with the loaded
VERSION plus one. Setting the same value is not a change. Every save and every delete sends an event. All methods may be
called from any thread.
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
    """The result of a create request: the order, whether this call created it, and whether it is in the archive."""

    order: Order
    created: bool
    is_archived: bool = False


class Site(Database):
    """A small Bitrix site, with all that its staff, its checkout, REST and the bridge can do."""

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
        """Create an order from the bridge's create request. If its `xml_id` is known, return the existing order.

        If `silent` is true, no event is sent. This simulates an endpoint that inserts rows with raw SQL. If `report` is
        given, the order is created as the bridge creates it, and the warnings and refusals are added to `report`. Raise
        `SiteError` 422 if a value is refused.
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
        """Load an order into a draft.

        The draft simulates a separate process of the site, which may save the order much later.

        Raise `SiteError` 404 if the site does not have the order.
        """
        with self.lock:
            order = copy.deepcopy(self._find(order_id))
            return Draft(self._tables, site_time(self._clock()), order, copy.deepcopy(order))

    def empty_draft(self) -> Draft:
        """Return an empty draft, which is never saved. It is used to check what the site would accept."""
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

        Columns that this process has not changed are not overwritten, even if other processes have saved them since.
        VERSION is the loaded version plus one. Raise `SiteError` 404 if the site no longer has the order and 422 if a
        change is refused.
        """
        with self.lock:
            held.now = site_time(self._clock())
            stored = {column: column_value(column, value) for column, value in (fields or {}).items()}
            if raw_status is not None:
                # The column STATUS_ID is a varchar(2).
                stored["STATUS_ID"] = raw_status[:2]
            site_changes.change(held, stored, properties_of(properties), items)
            self.save(held, origin)
            return self.order(int(held.order["ID"]))

    def save(self, draft: Draft, origin: str) -> None:
        """Write the changes of a draft by the rules of Order::save().

        Without changes there is no new version and no webhook.
        """
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
        """Change columns, properties and, if `items` is given, the whole basket, by the rules for staff of the site.

        Return a copy of the order. Properties that are not given are not changed. `raw_status` is stored even if the
        site has no such status, because neither `setField` of D7 nor REST checks it. Raise `SiteError` 404 if the site
        does not have the order and 422 if a change is refused.
        """
        with self.lock:
            held = self.open_order(order_id)
            return self.save_opened(held, fields, properties, items, raw_status=raw_status, origin=origin)

    def change_status(
        self, order_id: int, status_id: str, *, expected: str | None = None, origin: str = "site"
    ) -> Order:
        """Set an order's status, and return a copy of the order.

        If `expected` is given, the status is only changed if it is `expected`. If the order already has the new status,
        the request succeeds even if `expected` is different, so a request can be repeated. Raise `SiteError` 404 if the
        site does not have the order, 422 if the site does not have the status, and 409 with `current` if the order's
        status is neither `status_id` nor `expected`.
        """
        with self.lock:
            order = self._find(order_id)
            check_status(status_id)
            self.compare(order, status_id, expected)
            return self.update_order(order_id, {"STATUS_ID": status_id}, origin=origin)

    def compare(self, order: Order, status_id: str, expected: str | None) -> None:
        """Raise `SiteError` 409 if the order's status is neither `status_id` nor `expected`.

        The error contains the present state. If `expected` is empty, nothing is compared.
        """
        if expected and order["STATUS_ID"] not in (status_id, expected):
            current = {"status_id": order["STATUS_ID"], "version": int(order["VERSION"])}
            message = f"Заказ на сайте в статусе {order['STATUS_ID']}, ожидался {expected}"
            raise SiteError(409, "status_conflict", message, "status", current=current)

    def recalculate(self, order_id: int) -> Order:
        """Set the total to the sum of the items and the delivery, by the rules of Order::doFinalAction().

        Save the order and return a copy of the order.
        """
        with self.lock:
            draft = self.open_order(order_id)
            refresh_price(draft)
            self.save(draft, "site")
            return self.order(order_id)

    def ship_order(self, order_id: int, flag: str = "Y") -> Order:
        """Mark an order as shipped (DEDUCTED) or as not shipped, and return a copy of the order.

        Raise `SiteError` 404 if the site does not have the order and 422 if the order is cancelled.
        """
        with self.lock:
            draft = self.open_order(order_id)
            if draft.order["CANCELED"] == "Y":
                raise invalid("refused", "Невозможно отгрузить отмененный заказ", "shipment")
            draft.order["DEDUCTED"] = flag
            self.save(draft, "site")
            return self.order(order_id)

    def delete_order(self, order_id: int, *, origin: str = "site") -> None:
        """Delete an order by the steps of Order::delete().

        The steps are: cancel the order and save it, delete its items, payments and shipments and save it, send the
        event. Raise `SiteError` 404 if the site does not have the order, and 422 if the order cannot be cancelled
        because it is paid or shipped.
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
        """Move an order to the archive as Archive\\Manager does. No event is sent."""
        with self.lock:
            order = self._find(order_id)
            self._remove(order)
            self._archived[order_id] = order = {**order, "DATE_ARCHIVED": site_time(self._clock())}
            self._storage.write([("archived", order["ID"], order)], [("order", order["ID"])])

    def set_property_silently(self, order_id: int, code: str, value: str) -> None:
        """Write the row of a property by the rules of CSaleOrderPropsValue::Update().

        No event is sent, and neither VERSION nor DATE_UPDATE changes.
        """
        with self.lock:
            order = self._find(order_id)
            self.write_raw(order_id, {"properties": {**order["properties"], code: value}})

    def write_raw(self, order_id: int, columns: Order) -> None:
        """Simulate raw SQL that changes columns: there are no checks, no new version, no new date and no webhook.

        Raise `SiteError` 404 if the site does not have the order.
        """
        with self.lock:
            order = self.storage.stored({**self._find(order_id), **columns})
            self._orders[order_id] = self._by_xml_id[order["XML_ID"]] = order
            self._storage.write([("order", order["ID"], order)], [])

    def forget_raw(self, order_id: int) -> None:
        """Simulate raw SQL that deletes an order: no event is sent.

        Raise `SiteError` 404 if the site does not have the order.
        """
        with self.lock:
            order = self._find(order_id)
            self._remove(order)
            self._storage.write([], [("order", order["ID"])])

    def announce(self, name: str, data: Order, *, origin: str = "site") -> Event:
        """Send a webhook that no write of the sandbox causes, such as `order.status.change`."""
        with self.lock:
            return self._write([], [], name, data, origin)
