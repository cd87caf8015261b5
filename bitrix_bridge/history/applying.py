"""Apply one batch of orders in one transaction. The payloads are read in the same way as the payloads of webhooks."""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction
from psycopg.errors import DeadlockDetected, SerializationFailure

from bitrix_bridge.history.changes import history
from bitrix_bridge.history.deletions import mark_deleted_orders, retire_deleted_products
from bitrix_bridge.history.documents import document, earliest_date
from bitrix_bridge.history.import_context import ImportContext, new_cities, new_products
from bitrix_bridge.history.reading import Batch, nearest_date
from bitrix_bridge.history.reasons import Code, Reason
from bitrix_bridge.history.runs import imports
from bitrix_bridge.history.source import Source, SourceError
from bitrix_bridge.history.source_order import SourceOrder
from bitrix_bridge.models import ImportRow, ImportRun
from bitrix_bridge.payloads import read_order
from bitrix_bridge.payloads.dates import read_moment
from bitrix_bridge.site_client.site_orders import without_shared_account
from cvety_crm.bulk_writes import Writes
from cvety_crm.long_runs.engine import LeaseLostError
from cvety_crm.masking import truncate_masked
from orders import services
from orders.models import Order
from orders.selectors.pay_systems import methods_of_systems
from orders.services import Applied
from orders.sync.snapshot import HistoryEntry, HistoryRead, OrderSnapshot, ProductSnapshot, ReferenceSnapshot

logger = logging.getLogger(__name__)

TRIES = 3
"""The maximum number of attempts to apply a batch whose transaction conflicts with a different transaction."""
NOT_FOR_THE_TIMELINE = frozenset({Code.UNREADABLE, Code.ARCHIVED, Code.NEWER_HERE, Code.FAILED, Code.RUNNING})
"""Reasons that are not written to the timeline. The timeline shows unreadable fields and the archive already, and the
other codes describe the import and not the order."""
Outcome = ImportRow.Outcome


@dataclass(slots=True)
class _Ready:
    """An order of the site's database copy after it was read. If `snapshot` is None, `reasons` contains the cause."""

    bitrix_order_id: int
    reasons: list[Reason]
    snapshot: OrderSnapshot | None = None
    settled_at: datetime | None = None
    entries: tuple[HistoryEntry, ...] = ()
    is_archived: bool = False


@dataclass(slots=True)
class _Done:
    """The outcome of one order. `more` contains reasons of this attempt only; a retry may have different reasons."""

    ready: _Ready
    outcome: Outcome
    order: Order | None = None
    more: tuple[Reason, ...] = ()


def apply_batch(run: ImportRun, source: Source, context: ImportContext, batch: Batch, *, after_id: int) -> None:
    """Apply a batch and save the outcome of each order together with the progress of the run, in one transaction.

    An order that can't be applied is saved as failed, and the other orders are applied. Raise `LeaseLostError` if the
    lease is lost, `SourceError` if the site's database copy can't be read, and `OperationalError` if the CRM's database
    does not answer. Nothing is saved if an exception is raised.
    """
    cities = ReferenceSnapshot(cities=new_cities(source, context, batch.orders))
    context.methods = methods_of_systems()  # a user may choose a payment method during the run
    ready = [_read(source, context, order, batch) for order in batch.orders]
    products = _products(source, context, ready)
    shipments = sum(order.system_shipments for order in batch.orders)
    for number in range(1, TRIES + 1):
        try:
            _store(run, ready, products, cities, after_id, shipments, one_by_one=False)
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected | SerializationFailure) or number == TRIES:
                raise
        except (InterfaceError, LeaseLostError):
            raise
        except Exception as error:
            logger.info("a batch is applied one by one: %s", type(error).__name__)
            _store(run, ready, products, cities, after_id, shipments, one_by_one=True)
            return


def _read(source: Source, context: ImportContext, order: SourceOrder, batch: Batch) -> _Ready:
    if order.row.get("RUNNING") == "Y":
        return _Ready(order.bitrix_order_id, [Reason(Code.RUNNING)])
    try:
        made = document(order, context.knowledge)
        snapshot = without_shared_account(read_order(made.data, pay_systems=context.methods))
        if snapshot.created_at is None:
            snapshot = replace(snapshot, created_at=_placed_at(source, order))
        past = history(order.changes, batch.users, order.payments)
        reasons = [
            *made.reasons,
            *past.reasons,
            *_unknown_references(snapshot, context),
            *_questioned_status(snapshot, context),
            *_unmapped_pay_system(snapshot, context),
        ]
        reasons += [Reason(Code.UNREADABLE, problem.field) for problem in snapshot.problems]
        settled_at = read_moment(made.data.get("DATE_STATUS")).value or snapshot.updated_at
        return _Ready(
            order.bitrix_order_id,
            list(dict.fromkeys(reasons)),
            snapshot,
            settled_at or snapshot.created_at,
            past.entries,
            order.is_archived,
        )
    except SourceError:
        raise
    except Exception as error:  # an error in the data of one order must not stop the other orders
        return _Ready(order.bitrix_order_id, [_failure(order.bitrix_order_id, error)])


def _placed_at(source: Source, order: SourceOrder) -> datetime | None:
    """Return an approximate date for an order without a readable date, so that it does not count as placed today."""
    return read_moment(earliest_date(order) or nearest_date(source, order.bitrix_order_id)).value


def _unknown_references(snapshot: OrderSnapshot, context: ImportContext) -> list[Reason]:
    references = (
        (Code.UNKNOWN_STATUS, "status", context.statuses),
        (Code.UNKNOWN_CITY, "city", context.cities),
        (Code.UNKNOWN_SHOP, "shop", context.shops),
        (Code.UNKNOWN_SLOT, "delivery_slot", context.slots),
    )  # type: Sequence[tuple[Code, str, set[str] | set[int]]]
    found = [(code, snapshot.fields.get(name), known) for code, name, known in references]
    return [Reason(code, str(value)) for code, value, known in found if value is not None and value not in known]


def _questioned_status(snapshot: OrderSnapshot, context: ImportContext) -> list[Reason]:
    question = context.questions.get(snapshot.fields.get("status", ""))
    return [Reason(Code.QUESTIONED_STATUS, question)] if question else []


def _unmapped_pay_system(snapshot: OrderSnapshot, context: ImportContext) -> list[Reason]:
    key = snapshot.pay_system
    if key is None or snapshot.fields.get("payment_method"):
        return []
    name = context.pay_systems.get(str(key)) or snapshot.pay_system_name
    return [Reason(Code.UNKNOWN_PAY_SYSTEM, f"{key} ({name})" if name else str(key))]


def _products(source: Source, context: ImportContext, ready: Sequence[_Ready]) -> list[ProductSnapshot]:
    sold = {
        one.bitrix_order_id: [item.bitrix_product_id for item in one.snapshot.items or () if item.bitrix_product_id]
        for one in ready
        if one.snapshot is not None
    }
    found = new_products(source, context, {key for keys in sold.values() for key in keys})
    for one in ready:
        unknown = [key for key in sold.get(one.bitrix_order_id, ()) if not context.products[key]]
        one.reasons += [Reason(Code.UNKNOWN_PRODUCT, str(key)) for key in dict.fromkeys(unknown)]
    return found


def _store(
    run: ImportRun,
    ready: Sequence[_Ready],
    products: Sequence[ProductSnapshot],
    cities: ReferenceSnapshot,
    after_id: int,
    shipments: int,
    *,
    one_by_one: bool,
) -> None:
    with transaction.atomic():
        absent = services.lock_absent_orders(one.snapshot for one in ready if one.snapshot is not None)
        if cities.cities:
            services.apply_reference(snapshot=cities, is_copied=True)
        for product in products:
            _apply_product(product, one_by_one=one_by_one)
        retire_deleted_products(product.bitrix_product_id for product in products)
        done = [_apply_alone(one, absent) for one in ready] if one_by_one else _apply(ready, absent)
        _mark_archived(done)
        mark_deleted_orders(one.ready.bitrix_order_id for one in done if one.outcome == Outcome.CREATED)
        counted = Counter(str(one.outcome) for one in done)
        if run.is_retry:
            counted["failed"] -= len(done)
        else:
            counted["system_shipments"] = shipments
        _save_outcomes(run, done)
        imports.record(run, counted, after_id=after_id)


def _save_outcomes(run: ImportRun, done: Sequence[_Done]) -> None:
    """Save the outcome of each order. A repeated order has a row already."""
    ids = [one.ready.bitrix_order_id for one in done]
    known = {row.bitrix_order_id: row for row in ImportRow.objects.filter(run=run, bitrix_order_id__in=ids)}
    writes = Writes()
    for one in done:
        key = one.ready.bitrix_order_id
        row = known.get(key) or ImportRow(run=run, bitrix_order_id=key)
        row.outcome, row.order = one.outcome, one.order
        row.reasons = [reason.as_json() for reason in (*one.ready.reasons, *one.more)]
        if key in known:
            writes.update(row, ("outcome", "reasons", "order", "updated_at"))
        else:
            writes.insert(row)
    writes.flush()


def _apply_product(product: ProductSnapshot, *, one_by_one: bool) -> None:
    try:
        services.apply_product(snapshot=product)  # opens its own savepoint
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if not one_by_one:
            raise
        # For an item with this product, a stub of the product is created.
        logger.exception("product %s of the copy could not be applied", product.bitrix_product_id)


def _apply(ready: Sequence[_Ready], absent: Collection[int]) -> list[_Done]:
    """Apply the orders together, and write the changes that were made on the site to their timelines."""
    histories = [(one.snapshot, _history(one)) for one in ready if one.snapshot is not None]
    applied = iter(services.record_histories(histories, absent=absent))
    done = [_unread(one) if one.snapshot is None else _outcome(one, next(applied)) for one in ready]
    _record_past(done)
    return done


def _apply_alone(ready: _Ready, absent: Collection[int]) -> _Done:
    """Apply one order. If that fails, nothing of it is stored, and the order counts as failed."""
    try:
        with transaction.atomic():
            return _apply([ready], absent)[0]
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        return _Done(ready, Outcome.FAILED, more=(_failure(ready.bitrix_order_id, error),))


def _unread(ready: _Ready) -> _Done:
    is_skipped = Reason(Code.RUNNING) in ready.reasons
    return _Done(ready, Outcome.SKIPPED if is_skipped else Outcome.FAILED)


def _record_past(done: Sequence[_Done]) -> None:
    """Write the changes that were made on the site to the timelines of these orders."""
    changed = services.record_history_changes([(one.order, one.ready.entries) for one in done if one.order is not None])
    for one in done:
        if one.outcome == Outcome.UNCHANGED and one.order is not None and one.order.pk in changed:
            one.outcome = Outcome.UPDATED


def _mark_archived(done: Sequence[_Done]) -> None:
    """Mark the orders that the site has archived. If the CRM has a newer state, the site has restored the order."""
    archived = [one for one in done if one.ready.is_archived and one.order and Reason(Code.NEWER_HERE) not in one.more]
    if not archived:
        return
    marked = {order.pk for order in services.mark_archived([one.ready.bitrix_order_id for one in archived])}
    for one in archived:
        if one.outcome == Outcome.UNCHANGED and one.order is not None and one.order.pk in marked:
            one.outcome = Outcome.UPDATED


def _history(ready: _Ready) -> HistoryRead:
    remarks = tuple(reason.text for reason in ready.reasons if reason.code not in NOT_FOR_THE_TIMELINE)
    return HistoryRead(settled_at=ready.settled_at, remarks=remarks)


def _outcome(ready: _Ready, applied: Applied) -> _Done:
    if applied.outcome == services.Outcome.STALE:
        return _Done(ready, Outcome.UNCHANGED, applied.order, (Reason(Code.NEWER_HERE),))
    return _Done(ready, Outcome(str(applied.outcome)), applied.order)


def _failure(bitrix_order_id: int, error: Exception) -> Reason:
    logger.error("order %s of the copy could not be applied", bitrix_order_id, exc_info=error)
    # The second line of PostgreSQL's message contains the row with the customer's name and phone.
    first = next(iter(str(error).splitlines()), "")
    return Reason(Code.FAILED, truncate_masked(f"{type(error).__name__}: {first}", 300))
