"""Resolve a difference: fetch the current order from the site, and apply the CRM's or the site's value.

A user has chosen whose value is applied. A second decision on the same difference changes nothing. If the site does not
answer, nothing is changed.
"""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.models import Difference, Reconciliation
from bitrix_bridge.payloads import PayloadError
from bitrix_bridge.reconciliation.comparison import COMPARED
from bitrix_bridge.reconciliation.repair import read_again
from bitrix_bridge.site_client.errors import OrderArchivedError, OrderNotFoundError
from bitrix_bridge.site_client.site_orders import read_site_order
from bitrix_bridge.site_client.transports import SiteClient
from cvety_crm.outbox import DeliveryError
from cvety_crm.users import User
from orders import services
from orders.models import Order, Reason, SyncState
from orders.sync.fields import PUSHED

Kind, Outcome, Side = Difference.Kind, Difference.Outcome, Difference.Side


class NotDecidedError(Exception):
    """The decision failed and nothing was changed. The message is for staff."""


def sides(difference: Difference) -> tuple[Difference.Side, ...]:
    """Return the sides (the CRM, the site) whose value a user may choose for a difference.

    Return no sides while the run of the difference may still repair it.
    """
    run = difference.run
    if not difference.is_open or (run.is_repair and run.state == Reconciliation.State.RUNNING):
        return ()
    if difference.kind == Kind.FIELD and difference.field in COMPARED and difference.field in PUSHED:
        return (Side.SITE, Side.OURS)
    if difference.kind == Kind.MISSING_THERE and difference.bitrix_order_id is None:
        return (Side.OURS,)
    return (Side.SITE,)


def decide(difference_id: UUID, side: Difference.Side, *, actor: User) -> Difference:
    """Apply the value of one side, and return the resolved difference.

    Change nothing if a user has already resolved the difference.

    Raise `NotDecidedError` if the decision fails, and `Difference.DoesNotExist` if there is no such difference.
    """
    difference = Difference.objects.select_related("order", "run").get(pk=difference_id)
    if not difference.is_open:
        return difference
    if side not in sides(difference):
        raise NotDecidedError(gettext("This side can't be taken here."))
    try:
        act = _action(difference, side, actor)
        return _close(difference, side, actor, act)
    except services.NotAllowedError as refusal:
        raise NotDecidedError(str(refusal)) from refusal
    except PayloadError as error:
        raise NotDecidedError(gettext("The site's answer holds no order.")) from error
    except DeliveryError as failure:
        raise NotDecidedError(failure.message) from failure


def _action(difference: Difference, side: Difference.Side, actor: User) -> Callable[[], str]:
    """Fetch the needed data from the site. Return a function that applies the decision and returns a message."""
    key = difference.bitrix_order_id
    if key is None:
        return lambda: _send(difference, actor)
    order = difference.order
    is_conflict = order is not None and order.sync_state == SyncState.CONFLICT and difference.field == "status"
    if order is not None and is_conflict:
        return lambda: _end_conflict(order, side, actor)
    if difference.kind == Kind.FIELD and difference.field in COMPARED and order is not None:
        return _field_action(difference, order, key, side, actor)
    return _whole_action(difference, key, actor)


def _field_action(
    difference: Difference, order: Order, key: int, side: Difference.Side, actor: User
) -> Callable[[], str]:
    client, name = SiteClient(), difference.field
    for _attempt in range(services.ATTEMPTS):
        fresh = services.start_fetch(key)
        try:
            snapshot = read_site_order(client, key)
        except OrderNotFoundError:
            raise NotDecidedError(gettext("The site no longer has this order. Compare again.")) from None
        except OrderArchivedError:
            return partial(_mark_archived, key, actor)
        if services.start_fetch(key).times_received == fresh.times_received:
            break
    if name not in snapshot.fields:
        raise NotDecidedError(gettext("The site's value could not be read: correct it on the site."))
    service = services.take_site_value if side == Side.SITE else services.keep_ours

    def act() -> str:
        value = snapshot.fields[name]
        service(order_id=order.pk, field=name, value=value, times_received=fresh.times_received, actor=actor)
        if side == Side.SITE:
            return gettext("The site's value was taken.")
        return gettext("Ours stays, and the site is notified.")

    return act


def _whole_action(difference: Difference, key: int, actor: User) -> Callable[[], str]:
    """Fetch the order and apply it at once, which can safely be repeated. Return a function that returns a message."""
    try:
        read = read_again(SiteClient(), key, actor=actor)
    except OrderNotFoundError:
        if difference.kind == Kind.MISSING_HERE:
            return lambda: gettext("The site no longer has this order either.")

        def mark() -> str:
            services.mark_deleted(bitrix_order_id=key, actor=actor, reason=Reason.COMPARED_GONE)
            return gettext("Marked as deleted on the site.")

        return mark
    except OrderArchivedError:
        return partial(_mark_archived, key, actor)
    difference.order = read.order
    if difference.kind == Kind.MISSING_HERE:
        return lambda: gettext("Created as the site has it.")
    if difference.kind == Kind.MISSING_THERE:
        return lambda: gettext("The site has this order again.")
    return lambda: gettext("Read again from the site.")


def _mark_archived(key: int, actor: User) -> str:
    services.mark_archived([key], actor=actor, reason=Reason.COMPARED_ARCHIVED)
    return gettext("It is in the site's archive.")


def _send(difference: Difference, actor: User) -> str:
    assert difference.order_id is not None
    if not services.send_again(order_id=difference.order_id, theirs={}, actor=actor):
        return gettext("The site has the order as it is.")
    return gettext("It is sent to the site.")


def _end_conflict(order: Order, side: Difference.Side, actor: User) -> str:
    """End a status conflict. The status that the manager wanted is stored in the timeline and not in the order."""
    pending_status = services.conflicting_change(order)
    if side == Side.OURS and pending_status is not None:
        services.change_status(order_id=order.pk, status=pending_status, actor=actor)
        return gettext("Ours stays, and the site is notified.")
    services.accept_site_state(order_id=order.pk, actor=actor)
    return gettext("The status of the site stays.")


def _close(difference: Difference, side: Difference.Side, actor: User, act: Callable[[], str]) -> Difference:
    with transaction.atomic():
        current = Difference.objects.select_for_update(no_key=True).get(pk=difference.pk)
        if not current.is_open:
            return current
        current.why = act()
        current.order_id = difference.order_id
        current.outcome, current.side = Outcome.RESOLVED, side
        current.resolved_by, current.resolved_at = actor, timezone.now()
        current.save()
        return current
