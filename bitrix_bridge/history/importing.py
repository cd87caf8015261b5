"""Import orders from the site's database copy in batches, starting after the last order that the run has imported."""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from django.db import transaction
from tenacity import Retrying, before_sleep_log, retry_if_exception_type, stop_after_attempt, wait_chain, wait_fixed

from bitrix_bridge.history import report
from bitrix_bridge.history.applying import apply_batch
from bitrix_bridge.history.import_context import ImportContext, load_import_context
from bitrix_bridge.history.reading import Batch, Selection, count_carts, count_orders, read_next, read_orders
from bitrix_bridge.history.runs import imports
from bitrix_bridge.history.source import Source, SourceError, SourceLostError
from bitrix_bridge.models import ImportRow, ImportRun
from orders import services

T = TypeVar("T")

logger = logging.getLogger(__name__)

BATCH = 200
RECONNECT_DELAYS = (1.0, 5.0, 15.0)
"""The seconds before each new attempt to connect to the site's database copy."""


class _RolledBackError(Exception):
    """The exception that rolls back the transaction of a dry run."""


def start(source: Source, selection: Selection, *, batch_size: int = BATCH) -> ImportRun:
    """Start a run with a lease for this process.

    Raise `AlreadyRunningError` if an import is running, and `SourceError` if the site's database copy can't be read.
    """
    return imports.start(
        is_claimed=True,
        source=str(source.where)[:255],
        options={**selection.as_json(), "batch_size": batch_size},
        expected=count_orders(source, selection),
        carts=0 if selection.order_ids else count_carts(source),
    )


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back everything that is done in the context, for a dry run."""
    try:
        with services.dry_run(), transaction.atomic():
            yield
            raise _RolledBackError
    except _RolledBackError:
        pass


def work(
    run: ImportRun,
    source: Source,
    *,
    on_progress: Callable[[ImportRun], None] = lambda run: None,
    is_over_time: Callable[[], bool] = lambda: False,
) -> bool:
    """Work on a run that this process has leased. Return False if the time was over before all orders were imported.

    Raise `LeaseLostError` if the lease is lost, `SourceError` if the site's database copy no longer answers, and
    `OperationalError` if the CRM's database does not answer. The imported batches are not undone, and the run can be
    resumed after the last imported batch.
    """
    context = _with_reconnects(source, partial(_load_context, source))
    batches = _failed(run, source) if run.is_retry else _remaining(run, source)
    with _little_to_collect():
        for batch, after_id in batches:
            # A batch sends no queries to the source after it has stored anything, so it can be repeated after a lost
            # connection.
            _with_reconnects(source, partial(apply_batch, run, source, context, batch, after_id=after_id))
            imports.reload(run)
            on_progress(run)
            if is_over_time():
                return False
    imports.finish(run, is_retry=False, reasons=report.grouped_reasons(run))
    return True


@contextmanager
def _little_to_collect() -> Iterator[None]:
    """Exclude what exists now from garbage collection.

    The many objects of each batch let Python look for garbage often, and to go through all of the loaded code each time
    takes a tenth of the time of an import.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _load_context(source: Source) -> ImportContext:
    with transaction.atomic():
        return load_import_context(source)


def _remaining(run: ImportRun, source: Source) -> Iterator[tuple[Batch, int]]:
    selection, size = Selection.from_json(run.options), int(run.options.get("batch_size", BATCH))
    while True:
        limit = size if selection.count is None else min(size, selection.count - run.processed)
        if limit <= 0:
            return
        fetch = partial(read_next, source, selection, after_id=run.after_id, limit=limit)
        batch = _with_reconnects(source, fetch)
        if not batch.orders:
            return
        yield batch, batch.orders[-1].bitrix_order_id


def _failed(run: ImportRun, source: Source) -> Iterator[tuple[Batch, int]]:
    size = int(run.options.get("batch_size", BATCH))
    rows = ImportRow.objects.filter(run=run, outcome=ImportRow.Outcome.FAILED).order_by("bitrix_order_id")
    # Each batch increases `after_id`, so an order that fails again is not repeated by the same retry.
    while ids := list(rows.filter(bitrix_order_id__gt=run.after_id).values_list("bitrix_order_id", flat=True)[:size]):
        batch = _with_reconnects(source, partial(read_orders, source, ids))
        yield batch, ids[-1]


def _with_reconnects(source: Source, fetch: Callable[[], T]) -> T:
    """Return the result of `fetch`. If the connection to the source is lost, reconnect and call `fetch` again.

    Raise the last `SourceError` if all attempts fail. A new connection that is refused also counts as lost, because a
    server refuses connections while it restarts.
    """

    def attempt() -> T:
        if retrying.statistics["attempt_number"] > 1:
            try:
                source.reconnect()
            except SourceError as error:
                raise SourceLostError(str(error)) from error
        return fetch()

    retrying = Retrying(
        retry=retry_if_exception_type(SourceLostError),
        wait=wait_chain(*map(wait_fixed, RECONNECT_DELAYS)),
        stop=stop_after_attempt(len(RECONNECT_DELAYS) + 1),
        before_sleep=before_sleep_log(logger, logging.WARNING),
        reraise=True,
    )
    return retrying(attempt)
