"""Repair differences: fetch the complete order from the site and apply it by the rules for webhooks."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import InterfaceError, OperationalError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.models import Difference, Reconciliation
from bitrix_bridge.payloads import PayloadError
from bitrix_bridge.reconciliation import our_orders
from bitrix_bridge.reconciliation.comparison import COMPARED, compare, listed
from bitrix_bridge.reconciliation.runs import comparisons
from bitrix_bridge.site_client.errors import OrderArchivedError, OrderNotFoundError
from bitrix_bridge.site_client.site_orders import read_site_order
from bitrix_bridge.site_client.transports import SiteClient
from cvety_crm.long_runs.engine import LeaseLostError
from cvety_crm.masking import truncate_masked
from cvety_crm.outbox import MisconfiguredError, PermanentDeliveryError, TemporaryDeliveryError
from cvety_crm.users import User
from orders import services
from orders.models import Order, Reason, SyncState
from orders.sync.fields import PUSHED
from orders.sync.snapshot import OrderSnapshot

logger = logging.getLogger(__name__)

Kind, Outcome = Difference.Kind, Difference.Outcome

MOST_DELETED = 20
"""The maximum number of orders that runs within `DELETED_WITHIN` may mark as deleted. If more orders are missing, the
site may have been restored from a backup, or it may be a different site."""
DELETED_WITHIN = timedelta(hours=20)
"""The period is shorter than a day, so that each nightly run may mark `MOST_DELETED` orders. Hourly runs may mark only
the remaining number."""


@dataclass(frozen=True, slots=True)
class Read:
    """An order after the snapshot was applied, and the snapshot that was fetched from the site."""

    order: Order
    snapshot: OrderSnapshot


def next_to_repair(run: Reconciliation) -> list[Difference]:
    """Return the differences of the first order that is not yet repaired. The list is empty if no order is left."""
    waiting = Difference.objects.filter(run=run, outcome=Outcome.FOUND)
    first = waiting.order_by("bitrix_order_id", "id").first()
    if first is None:
        return []
    if first.bitrix_order_id is None:
        return [first]
    return list(waiting.filter(bitrix_order_id=first.bitrix_order_id))


def repair(run: Reconciliation, differences: Sequence[Difference], client: SiteClient) -> None:
    """Repair the differences of one order as far as possible, and save the outcome of each difference.

    Raise `LeaseLostError` if the lease is lost, and any error that would also affect other orders. After an error that
    affects only this order, the differences need a person.
    """
    comparisons.record(run)
    try:
        _repair(run, differences, client)
    except (LeaseLostError, TemporaryDeliveryError, MisconfiguredError, OperationalError, InterfaceError):
        raise
    except (PermanentDeliveryError, services.NotAllowedError) as refusal:
        _need_person(differences, str(refusal))
    except PayloadError:
        _need_person(differences, gettext("The site's answer holds no order."))
    except Exception as error:
        logger.exception("order %s could not be repaired", differences[0].bitrix_order_id)
        _need_person(differences, gettext("An error in the CRM itself: %(error)s") % {"error": type(error).__name__})
    Difference.objects.bulk_update(differences, ["outcome", "why", "order"])
    comparisons.record(
        run,
        {
            "repaired": sum(one.outcome == Outcome.REPAIRED for one in differences),
            "need_person": sum(one.outcome == Outcome.PERSON for one in differences),
        },
        failures=0,
    )


def read_again(
    client: SiteClient, bitrix_order_id: int, *, actor: User | None = None, reason: Reason = Reason.COMPARED
) -> Read:
    """Fetch an order from the site and apply the snapshot. Remove the deletion mark of an order that exists again.

    Raise `OrderNotFoundError` or a different `DeliveryError` if the order can't be fetched, `PayloadError` if the
    response contains no valid id, and `NotAllowedError` if webhooks change the order during each attempt.
    """
    for _attempt in range(services.ATTEMPTS):
        fresh = services.start_fetch(bitrix_order_id)
        snapshot = read_site_order(client, bitrix_order_id)
        if Order.objects.filter(bitrix_order_id=bitrix_order_id, is_deleted_on_site=True).exists():
            services.mark_present(bitrix_order_id=bitrix_order_id, actor=actor)
        applied = services.apply_snapshot(snapshot=snapshot, actor=actor, reason=reason, fresh=fresh)
        if applied.outcome != services.Outcome.STALE:
            return Read(applied.order, snapshot)
    raise services.changed_too_often()


def _repair(run: Reconciliation, differences: Sequence[Difference], client: SiteClient) -> None:
    first = differences[0]
    if first.bitrix_order_id is None:
        _create_on_site(first)
        return
    try:
        read = read_again(client, first.bitrix_order_id)
    except OrderNotFoundError:
        _mark_deleted(run, differences)
        return
    except OrderArchivedError:
        _mark_archived(differences)
        return
    _judge(differences, read)


def _judge(differences: Sequence[Difference], read: Read) -> None:
    """Set the outcome of each difference after the order was fetched. Send the CRM's values that the site lacks."""
    codes = our_orders.status_codes()
    (ours,) = our_orders.whole(keys=[read.order.pk])
    verdict = compare(ours, listed(read.snapshot), codes=codes, pushed=PUSHED)
    left = {one.field: one for one in verdict.differences}
    unsent = {name: one.theirs for name, one in left.items() if name in PUSHED and not one.needs_person}
    is_sent = bool(unsent) and services.send_again(order_id=read.order.pk, theirs=unsent)
    is_dispute = read.order.sync_state == SyncState.CONFLICT
    for one in differences:
        one.order = read.order
        if one.field == "status" and is_dispute:
            one.outcome = Outcome.PERSON
            one.why = gettext("Both sides have changed the status: the manager decides.")
        elif one.field in COMPARED and one.field not in read.snapshot.fields:
            one.outcome = Outcome.PERSON
            one.why = gettext("The site's value could not be read: correct it on the site.")
        elif one.field in verdict.on_their_way:
            one.outcome, one.why = Outcome.REPAIRED, gettext("Ours is on its way to the site.")
        elif one.field in unsent and is_sent:
            one.outcome, one.why = Outcome.REPAIRED, gettext("Ours is sent to the site again.")
        elif one.field in left:
            one.outcome = Outcome.PERSON
            one.why = gettext("Changed here by hand, and the site can't be notified of it.")
        elif one.kind == Kind.MISSING_THERE:
            one.outcome = Outcome.GONE
        else:
            one.outcome, one.why = Outcome.REPAIRED, _taken(one)


def _taken(one: Difference) -> str:
    if one.kind == Kind.MISSING_HERE:
        return gettext("Created as the site has it.")
    return gettext("Read again from the site.")


def _create_on_site(one: Difference) -> None:
    assert one.order_id is not None
    services.send_again(order_id=one.order_id, theirs={})
    one.outcome, one.why = Outcome.REPAIRED, gettext("It is sent to the site.")


def _mark_deleted(run: Reconciliation, differences: Sequence[Difference]) -> None:
    first = differences[0]
    assert first.bitrix_order_id is not None
    if first.kind == Kind.MISSING_HERE:
        for one in differences:
            one.outcome = Outcome.GONE
        return
    lately = Q(run=run) | Q(run__started_at__gte=timezone.now() - DELETED_WITHIN)
    marked = Difference.objects.filter(lately, kind=Kind.MISSING_THERE, outcome=Outcome.REPAIRED)
    if marked.exclude(bitrix_order_id=None).count() >= MOST_DELETED:
        _need_person(
            differences,
            gettext("The site lacks many orders at once: look there before more of them are marked as deleted."),
        )
        return
    services.mark_deleted(bitrix_order_id=first.bitrix_order_id, reason=Reason.COMPARED_GONE)
    for one in differences:
        one.outcome, one.why = Outcome.REPAIRED, gettext("Marked as deleted on the site.")


def _mark_archived(differences: Sequence[Difference]) -> None:
    first = differences[0]
    assert first.bitrix_order_id is not None
    services.mark_archived([first.bitrix_order_id], reason=Reason.COMPARED_ARCHIVED)
    for one in differences:
        one.outcome, one.why = Outcome.REPAIRED, gettext("It is in the site's archive.")
        if one.kind == Kind.MISSING_HERE:
            one.outcome = Outcome.GONE


def _need_person(differences: Sequence[Difference], why: str) -> None:
    for one in differences:
        one.outcome, one.why = Outcome.PERSON, truncate_masked(why)
