"""Functions that publish changes of orders to the handlers of other apps, inside the transaction of the change."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from orders.models import Order, OrderEvent
from orders.sync.fields import UNKNOWN_TO_SITE


@dataclass(frozen=True, slots=True)
class OrderChange:
    """A changed order, and the timeline entry of the change."""

    order: Order
    event: OrderEvent
    is_new: bool = False

    @property
    def changed_fields(self) -> set[str]:
        """Return the names of the fields in the changes of the timeline entry."""
        return {change["field"] for change in self.event.changes}

    @property
    def is_ours_alone(self) -> bool:
        """Return whether all changed fields are fields that the site does not have."""
        return bool(self.event.changes) and self.changed_fields <= UNKNOWN_TO_SITE


def publish(change: OrderChange) -> None:
    """Call every handler in `settings.ORDER_EVENT_HANDLERS`. A handler inserts rows and does nothing else."""
    for dotted_path in settings.ORDER_EVENT_HANDLERS:
        handler: Callable[[OrderChange], None] = import_string(dotted_path)
        handler(change)


def publish_undone(order: Order, event: OrderEvent) -> None:
    """Call every handler in `settings.STATUS_UNDONE_HANDLERS` after the status change of this entry was undone.

    A handler deletes the rows that it has queued for the entry, and does nothing else. The entry is deleted after that.
    """
    for dotted_path in settings.STATUS_UNDONE_HANDLERS:
        handler: Callable[[Order, OrderEvent], None] = import_string(dotted_path)
        handler(order, event)
