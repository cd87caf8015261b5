"""Compare one page of the site's orders with the CRM's orders of the same ids, in constant memory.

Both lists are sorted by the id on the site, so each step reads only the orders between two ids. An order that seems to
differ is read again on both sides, because a change between the first two reads is not a difference. An order that is
missing in the site's list is fetched separately before it counts as missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery

from bitrix_bridge.models import Difference, Push, Reconciliation
from bitrix_bridge.models.reconciliation import OPEN
from bitrix_bridge.payloads import PayloadError
from bitrix_bridge.payloads.listing import ListedOrder
from bitrix_bridge.reconciliation import our_orders
from bitrix_bridge.reconciliation.comparison import (
    Found,
    Ours,
    Verdict,
    compare,
    lacks_checksum,
    listed,
    looks_alike,
)
from bitrix_bridge.reconciliation.recent import events_under_way
from bitrix_bridge.reconciliation.runs import comparisons
from bitrix_bridge.site_client.errors import OrderArchivedError, OrderNotFoundError
from bitrix_bridge.site_client.site_orders import read_site_order
from bitrix_bridge.site_client.transports import SiteClient
from cvety_crm.outbox import LIVE, MisconfiguredError, PermanentDeliveryError
from orders import services
from orders.models import Order, Reason
from orders.services import ListedChecksum
from orders.sync.fields import PUSHED

Kind, Outcome, Phase = Difference.Kind, Difference.Outcome, Reconciliation.Phase

PAGE = 500
"""The maximum number of orders in one step. REST returns only 50 orders in one response."""
MAX_FETCHES = 25
"""The maximum number of missing orders that one step fetches from the site. Each order needs a request."""


_MISSING = Verdict((Found("", None, None, None),))


@dataclass(slots=True)
class _Tally:
    """The results of one step."""

    differences: list[Difference] = field(default_factory=list)
    checksums: list[ListedChecksum] = field(default_factory=list)
    """Checksums to store for final orders on which both sides agree."""
    archived: list[int] = field(default_factory=list)
    """Ids on the site of orders that the site has archived and that the CRM has not yet marked as archived."""
    counted: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, number: int = 1) -> None:
        self.counted[name] = self.counted.get(name, 0) + number


def step(run: Reconciliation, client: SiteClient) -> None:
    """Compare the next orders, and save the differences and the position of the run in one transaction.

    Set the phase to `OVER` when no orders are left. If `LeaseLostError` or `DeliveryError` is raised, nothing is saved.
    """
    match run.phase:
        case Phase.LISTED:
            _compare_listed(run, client)
        case Phase.BEYOND:
            _compare_beyond(run, client)
        case _:
            _compare_unlinked(run)


def _compare_listed(run: Reconciliation, client: SiteClient) -> None:
    page = client.list_orders(since=run.since, after_id=run.after_id, limit=PAGE)
    rows, is_last = list(page.orders), page.is_last
    up_to = rows[-1].bitrix_order_id if rows else run.after_id
    if run.since is not None:
        mine = our_orders.of_ids([row.bitrix_order_id for row in rows])
    else:
        mine = our_orders.between(run.after_id, up_to, 2 * PAGE)
        if len(mine) == 2 * PAGE:  # many orders are missing on the site: this step ends at the last order read
            up_to, is_last = mine[-1].bitrix_order_id or up_to, False
    tally, up_to, is_cut = _compare(run, client, rows, mine, up_to)
    phase = Phase.LISTED
    if is_last and not is_cut:
        # With `since`, the list contains only recently saved orders. An order that is missing in the list may still
        # exist on the site.
        phase = Phase.BEYOND if run.since is None else Phase.OVER
    _write(run, tally, up_to=up_to, compared_ids=[row.bitrix_order_id for row in rows], phase=phase)


def _compare_beyond(run: Reconciliation, client: SiteClient) -> None:
    mine = our_orders.between(run.after_id, None, PAGE)
    if not mine:
        _write(run, _Tally(), phase=Phase.UNLINKED)
        return
    tally, up_to, _is_cut = _compare(run, client, [], mine, mine[-1].bitrix_order_id or run.after_id)
    _write(run, tally, up_to=up_to)


def _compare_unlinked(run: Reconciliation) -> None:
    """Compare the orders made in the CRM whose id on the site is unknown."""
    found = Difference.objects.filter(run=run, order=OuterRef("pk"))
    orders = Order.objects.filter(bitrix_order_id=None, created_at__lt=run.started_at).exclude(Exists(found))
    if run.after_key is not None:
        orders = orders.filter(pk__gt=run.after_key)
    push = Push.objects.filter(order=OuterRef("pk"))
    failed = push.filter(state="failed").order_by("-created_at")
    rows = list(
        orders.annotate(live=Exists(push.filter(state__in=LIVE)), refusal=Subquery(failed.values("last_error")[:1]))
        .order_by("pk")
        .values_list("pk", "is_deleted_on_site", "live", "refusal")[:PAGE]
    )
    tally = _Tally()
    for key, is_deleted, is_live, refusal in rows:
        tally.count("compared")
        if is_live or is_deleted:
            tally.count("on_their_way" if is_live else "agreed")
            continue
        tally.count("missing_there")
        # The site would refuse again to create an order that it has refused; an order that was never sent can be sent.
        outcome = Outcome.FOUND if refusal is None else Outcome.PERSON
        one = Difference(run=run, order_id=key, kind=Kind.MISSING_THERE, outcome=outcome, why=refusal or "")
        tally.differences.append(one)
    keys = [row[0] for row in rows]
    phase = Phase.UNLINKED if rows else Phase.OVER
    _write(run, tally, compared_keys=keys, after_key=keys[-1] if keys else run.after_key, phase=phase)


def _compare(
    run: Reconciliation, client: SiteClient, rows: list[ListedOrder], mine: list[Ours], up_to: int
) -> tuple[_Tally, int, bool]:
    """Return the results, the id up to which orders were compared, and whether `MAX_FETCHES` lowered this id."""
    codes = our_orders.status_codes()
    by_id = {one.bitrix_order_id: one for one in mine if one.bitrix_order_id is not None}
    linked = our_orders.unlinked(_crm_keys(rows, by_id))
    theirs = {row.bitrix_order_id: row for row in rows if row.bitrix_order_id <= up_to and not row.is_check}
    missing = sorted(by_id.keys() - theirs.keys())
    is_cut = False
    to_fetch = [key for key in missing if not (by_id[key].is_deleted or by_id[key].is_archived)]
    if len(to_fetch) > MAX_FETCHES:
        up_to, is_cut = to_fetch[MAX_FETCHES - 1], True

    ids = sorted(key for key in by_id.keys() | theirs.keys() if key <= up_to)
    tally = _Tally()
    suspects = []
    for key in ids:
        our, their = by_id.get(key), theirs.get(key)
        if their is not None and their.is_archived:
            _note_archived(key, our, tally)
            continue
        link = linked.get(their.crm_order_id) if our is None and their is not None and their.crm_order_id else None
        if link is not None and link.has_live_push:
            continue  # the push will store the id on the site; the order is counted with the orders made in the CRM
        tally.count("compared")
        if our is not None and our.damaged:
            tally.count("damaged", our.damaged)
        if our is not None and their is not None and looks_alike(our, their, codes):
            tally.count("agreed")
            if run.is_repair and lacks_checksum(our, their):
                tally.checksums.append(ListedChecksum(our.key, our.version, their.checksum or ""))
        elif _is_absent_on_both(our, their):
            tally.count("agreed")
        else:
            suspects.append(key)
    if suspects:
        _read_again(run, client, suspects, bool(rows), codes, tally)
    return tally, up_to, is_cut


def _read_again(
    run: Reconciliation,
    client: SiteClient,
    suspects: list[int],
    is_listed: bool,
    codes: Mapping[str, str],
    tally: _Tally,
) -> None:
    theirs: dict[int, ListedOrder] = {}
    if is_listed:
        page = client.list_orders(since=run.since, after_id=suspects[0] - 1, limit=PAGE)
        theirs = {row.bitrix_order_id: row for row in page.orders}
    mine = {one.bitrix_order_id: one for one in our_orders.whole(ids=suspects)}
    linked = our_orders.unlinked(_crm_keys(theirs.values(), mine))
    under_way = events_under_way(run, client, suspects)
    for key in suspects:
        if key in under_way:
            tally.count("on_their_way")
            continue
        our, their = mine.get(key), theirs.get(key)
        if their is None:
            their = _fetch(client, key)
        if their is not None and their.is_archived:
            _note_archived(key, our, tally, is_counted=True)
            continue
        if our is None and their is not None and their.crm_order_id is not None:
            our = linked.get(their.crm_order_id)
        verdict, kind = _judge(our, their, codes)
        if verdict.differences:
            tally.differences += [_row(run, key, our, one, kind) for one in verdict.differences]
            if kind != Kind.FIELD:
                tally.count(kind)
        else:
            tally.count("on_their_way" if verdict.on_their_way else "agreed")


def _judge(our: Ours | None, their: ListedOrder | None, codes: Mapping[str, str]) -> tuple[Verdict, Difference.Kind]:
    if our is not None and their is not None:
        return compare(our, their, codes=codes, pushed=PUSHED), Kind.FIELD
    if our is None and their is not None:
        return _MISSING, Kind.MISSING_HERE
    if our is not None and not (our.is_deleted or our.is_archived):
        return _MISSING, Kind.MISSING_THERE
    return Verdict(), Kind.FIELD  # absent on both sides, or deleted during the comparison


def _fetch(client: SiteClient, bitrix_order_id: int) -> ListedOrder | None:
    # The bridge's list does not contain an order that the site is saving at the same time.
    try:
        return listed(read_site_order(client, bitrix_order_id))
    except OrderNotFoundError:
        return None
    except OrderArchivedError:
        return ListedOrder(bitrix_order_id, is_archived=True)
    except MisconfiguredError:
        raise
    except (PermanentDeliveryError, PayloadError):
        # The order exists but can't be read. Staff must resolve the difference, and the run continues with the other
        # orders.
        return ListedOrder(bitrix_order_id, unreadable={"status": None})


def _row(run: Reconciliation, key: int, our: Ours | None, one: Found, kind: Difference.Kind) -> Difference:
    # A repairing run first applies the rules. Only the differences that are left after that need a person.
    is_for_person = one.needs_person and not run.is_repair
    return Difference(
        run=run,
        order_id=our.key if our else None,
        bitrix_order_id=key,
        kind=kind,
        field=one.field,
        agreed=one.agreed,
        ours=one.ours,
        theirs=one.theirs,
        outcome=Outcome.PERSON if is_for_person else Outcome.FOUND,
    )


def _crm_keys(rows: Iterable[ListedOrder], known: Mapping[int | None, Ours] | Mapping[int, Ours]) -> list[UUID]:
    return [row.crm_order_id for row in rows if row.crm_order_id is not None and row.bitrix_order_id not in known]


def _is_absent_on_both(our: Ours | None, their: ListedOrder | None) -> bool:
    # A site whose archive can't be queried does not return its archived orders.
    return our is not None and their is None and (our.is_deleted or our.is_archived)


def _note_archived(key: int, our: Ours | None, tally: _Tally, *, is_counted: bool = False) -> None:
    """Count an order that is in the site's archive. Skip an order that is not in the CRM: only an import adds it."""
    if our is None:
        return
    if not is_counted:
        tally.count("compared")
    if our.is_archived:
        tally.count("agreed")
    else:
        tally.count("archived")
        tally.archived.append(key)


def _write(
    run: Reconciliation,
    tally: _Tally,
    *,
    up_to: int | None = None,
    compared_ids: list[int] | None = None,
    compared_keys: list[UUID] | None = None,
    **columns: object,
) -> None:
    """Save the results and the position of the run.

    Set the outcome `GONE` for open differences that earlier runs found in these orders.
    """
    need_person = sum(one.outcome == Outcome.PERSON for one in tally.differences)
    tally.count("differences", len(tally.differences))
    tally.count("need_person", need_person)
    older = Difference.objects.filter(outcome__in=OPEN).exclude(run=run)
    if compared_keys is not None:
        older = older.filter(bitrix_order_id=None, order__in=compared_keys)
    elif run.since is not None:
        older = older.filter(bitrix_order_id__in=compared_ids or ())
    else:
        older = older.filter(bitrix_order_id__gt=run.after_id)
        if up_to is not None:
            older = older.filter(bitrix_order_id__lte=up_to)
    with transaction.atomic():
        if up_to is not None:
            columns["after_id"] = up_to
        comparisons.record(run, tally.counted, failures=0, **columns)
        older.update(outcome=Outcome.GONE)
        services.note_checksums(tally.checksums)
        if run.is_repair:
            services.mark_archived(tally.archived, reason=Reason.COMPARED_ARCHIVED)
        Difference.objects.bulk_create(tally.differences)
