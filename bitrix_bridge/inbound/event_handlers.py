"""The handlers of webhook events. Each handler reads the payload and calls a service of `orders`."""

from collections.abc import Callable, Mapping

from django.utils.translation import gettext

from bitrix_bridge.inbound.check_orders import is_about_check
from bitrix_bridge.inbound.deletions import deletions_of
from bitrix_bridge.inbound.event_names import STATUS_CHANGE, canonical_name
from bitrix_bridge.inbound.handling import Handling, Result, data_of
from bitrix_bridge.inbound.order_events import handle_deletion, handle_order, handle_status_change
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads import deletion_time, object_id, read_customer, read_product
from bitrix_bridge.payloads.translation import Fields
from bitrix_bridge.payloads.values import read_line
from orders import services
from orders.models import Shop
from orders.sync.snapshot import ReferenceRow, ReferenceSnapshot

Action = WebhookEvent.Action


def process(row: WebhookEvent, handling: Handling) -> Result:
    """Process the event and return its outcome.

    The caller stores the event's row and what was added to the writes in the same transaction.
    """
    if row.action == Action.REFUSED:
        return Result(Action.REFUSED, reason=row.error)
    handler = HANDLERS.get(canonical_name(row.event))
    if handler is not None and is_about_check(row):
        reason = gettext("The event is about a test order that manage.py check_site created on the site.")
        return Result(Action.IGNORED, reason=reason)
    return handler(row, handling) if handler else Result(Action.IGNORED)


def is_known(event: str) -> bool:
    """Return whether the CRM has a handler for events with this name."""
    return canonical_name(event) in HANDLERS


def _shop(row: WebhookEvent, _handling: Handling) -> Result:
    data = Fields(data_of(row))
    shop_id, name = object_id(data_of(row)), read_line(data.peek("NAME")).value
    if not name:
        return Result(Action.IGNORED, reason=gettext("The event contains no name."))
    shops = (ReferenceRow(key=shop_id, fields={"name": name}),)
    changes = services.apply_reference(snapshot=ReferenceSnapshot(shops=shops))[Shop]
    if changes.created:
        return Result(Action.CREATED)
    return Result(Action.UPDATED if changes.updated else Action.UNCHANGED)


def _florist(_row: WebhookEvent, _handling: Handling) -> Result:
    return Result(Action.IGNORED, reason=gettext("Florists are users of the CRM. An administrator adds them here."))


def _customer(row: WebhookEvent, handling: Handling) -> Result:
    snapshot = read_customer(data_of(row))
    if snapshot is None:
        return Result(Action.IGNORED)
    if services.is_erased_account(snapshot.bitrix_user_id):
        return Result(Action.IGNORED, is_about_erased=True)
    _customer_row, is_changed = services.apply_customer(snapshot=snapshot, writes=handling.writes)
    problems = tuple(problem.as_json() for problem in snapshot.problems)
    return Result(Action.UPDATED if is_changed else Action.UNCHANGED, None, problems)


def _product(row: WebhookEvent, _handling: Handling) -> Result:
    snapshot = read_product(data_of(row))
    _product_row, action = services.apply_product(snapshot=snapshot)
    product_id = snapshot.bitrix_product_id
    if action == Action.CREATED and deletions_of("product.delete", {product_id: snapshot.updated_at}):
        services.retire_product(bitrix_product_id=product_id)
    return Result(action, None, tuple(problem.as_json() for problem in snapshot.problems))


def _product_deleted(row: WebhookEvent, _handling: Handling) -> Result:
    data = data_of(row)
    is_changed = services.retire_product(bitrix_product_id=object_id(data), when=deletion_time(data))
    return Result(Action.UPDATED if is_changed else Action.UNCHANGED)


HANDLERS: Mapping[str, Callable[[WebhookEvent, Handling], Result]] = {
    "order.create": handle_order,
    "order.update": handle_order,
    STATUS_CHANGE: handle_status_change,
    "order.delete": handle_deletion,
    "user.create": _customer,
    "user.update": _customer,
    "shop.create": _shop,
    "shop.update": _shop,
    "florist.create": _florist,
    "florist.update": _florist,
    "product.create": _product,
    "product.update": _product,
    "product.delete": _product_deleted,
}
