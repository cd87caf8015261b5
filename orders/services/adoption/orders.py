"""The orders of the earlier CRM."""

import re
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.adoption.rows import KEPT, Row
from cvety_crm.adoption.steps import Context, SiteIds, Step, Tally
from cvety_crm.bulk_writes import Writes
from orders.models import Order, Source, Stage, Status
from orders.models import OrderEvent as TimelineEntry
from orders.services.adoption.reading import READ, read_order
from orders.services.adoption.site_ids import refuse_twins, site_id
from orders.services.adoption.statuses import StatusWords, load_statuses
from orders.services.adoption.times import set_times
from orders.services.payment_rows import lacking_payments
from orders.services.references import ReferenceTable
from orders.services.references import SiteIds as ReferenceIds
from orders.services.timeline import new_event
from orders.sync.agreement import Agreement
from orders.sync.fields import FIELDS, order_values
from orders.timeline_payloads import OrderCreated

_KEYS = ("bitrix_order_id",)
_OWN_NUMBER = re.compile(r"CRM-([0-9]{1,9})")
_CLOSED = frozenset({Stage.DONE, Stage.CANCELLED})


class OrderStep(Step):
    """Store the orders, each with one timeline entry. Both sides agree on the values, so that nothing is pushed."""

    name = "orders"
    table = "orders"
    title = _("orders")
    model = Order
    read = READ

    def prepare(self, context: Context, tally: Tally) -> None:
        """Load the statuses, and read which rows have the same id of the site."""
        self._words = StatusWords(context.options.statuses)
        for code in self._words.unknown_targets():
            tally.refuse(gettext("there is no such status (--status)"), code)
        self._customers = context.distinct("users", "id")
        self._accounts: dict[str, int | None] = context.details.get("staff", {}).get("accounts", {})
        self._references = ReferenceTable()
        self._last_own_number = 0
        self._ids = SiteIds(context.options.keeps_newest)
        tally.values["status"] = Counter()
        for batch in context.batches(self.table):
            for row in batch:
                self._ids.add(site_id(row, _KEYS), row)
        refuse_twins(self._ids, tally)
        if context.is_applied:
            load_statuses()

    def convert(self, batch: Sequence[Row], context: Context, tally: Tally) -> None:
        """Store the orders with their payments and timeline entries."""
        writes = Writes(keeps_times=True)
        for row in batch:
            status = self._status(row, tally)
            if status is None:
                continue
            order = self._order(row, status, tally)
            if not context.is_applied:
                continue
            self._references.resolve(ReferenceIds(city=order.city_id, shop=order.shop_id, slot=order.delivery_slot_id))
            writes.insert(order, _entry(order))
            writes.insert(*lacking_payments(order, (), source=Source.IMPORT, at=order.created_at))
        if context.is_applied:
            writes.flush()

    def finish(self, context: Context, tally: Tally) -> None:
        """Let the next number of an order made by staff follow the earlier ones."""
        if context.is_applied and self._last_own_number:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT setval('order_numbers_crm', greatest(%s, last_value)) FROM order_numbers_crm",
                    [self._last_own_number],
                )

    def _status(self, row: Row, tally: Tally) -> Status | None:
        word = row.text("status").strip()
        status = self._words.status_of(word)
        shown = word or gettext("(empty)")
        if status is None:
            tally.refuse(gettext("the status “%(word)s” is not known; use --status") % {"word": shown}, row.text("id"))
        tally.values["status"][f"{shown} → {f'{status.name} ({status.code})' if status else '?'}"] += 1
        return status

    def _order(self, row: Row, status: Status, tally: Tally) -> Order:
        found, site = read_order(row), site_id(row, _KEYS)
        is_own = self._ids.keeps(site, row)
        order = Order(
            id=row.id,
            status_id=status.code,
            bitrix_order_id=site if is_own else None,
            bitrix_user_id=row.integer("bitrix_user_id"),
            customer_id=self._customer(row),
            responsible_id=self._accounts.get(row.text("responsible_id")),
            source=_source(row, site),
            unknown_values=found.unread,
            is_archived_on_site=not is_own and (site is not None or status.stage in _CLOSED),
            **found.values,
        )
        times = set_times(order, row)
        if row.moment("created_at") is None:
            order.created_at = timezone.now()  # the timeline entry and the payment have the same time
        self._note_own_number(order)
        columns = found.columns | {
            "id": order.pk, "user_id": order.customer_id, "bitrix_order_id": order.bitrix_order_id,
            "bitrix_user_id": order.bitrix_user_id, "source": order.source, "status": order.status_id, **times,
        }  # fmt: skip
        kept = row.kept(columns)
        order.metadata = {KEPT: kept} if kept else {}
        if is_own:
            order.bitrix_state = _agreement(order, row, status).as_json()
        self._count(order, row, is_own, tally)
        return order

    def _customer(self, row: Row) -> UUID | None:
        return row.uuid("user_id") if row.text("user_id") in self._customers else None

    def _note_own_number(self, order: Order) -> None:
        if match := _OWN_NUMBER.fullmatch(order.order_number):
            order.own_number = order.order_number
            self._last_own_number = max(self._last_own_number, int(match[1]))

    def _count(self, order: Order, row: Row, is_own: bool, tally: Tally) -> None:
        tally.outcomes[gettext("order")] += 1
        tally.stored += 1
        if not is_own:
            tally.outcomes[
                gettext("of these without an own id on the site, closed: never sent to the site")
                if order.is_archived_on_site
                else gettext("of these without an id on the site: created there when staff change them")
            ] += 1
        if row.text("user_id") and order.customer_id is None:
            tally.outcomes[gettext("of these without a customer: there is no such user")] += 1
        if row.text("responsible_id") and row.text("responsible_id") not in self._accounts:
            tally.outcomes[gettext("of these without a responsible: there is no such user")] += 1
        for name in order.unknown_values:
            tally.outcomes[gettext("of these with an unreadable value: %(field)s") % {"field": name}] += 1


def _agreement(order: Order, row: Row, status: Status) -> Agreement:
    """Return the agreement on all known values: the earlier CRM got them from the site."""
    word = row.text("status").strip()
    agreement = Agreement(site_status=word if word in status.bitrix_codes else status.bitrix_codes[0])
    agreement.settle(order_values(order, [name for name in FIELDS if name not in order.unknown_values]))
    return agreement


def _source(row: Row, site: int | None) -> str:
    text = row.text("source").strip().lower()
    if text in Source.values:
        return text
    return Source.SITE if site is not None else Source.ADMIN


def _entry(order: Order) -> TimelineEntry:
    return new_event(order=order, payload=OrderCreated(), source=Source.IMPORT, happened_at=order.created_at)
