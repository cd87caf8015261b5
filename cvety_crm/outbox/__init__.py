"""The outbox: rows that must be delivered to another system, with leases, retries and alerts.

An entry is inserted in the transaction of the change that it reports. After the commit, a django-q task is queued that
delivers the entry when it is due, usually at once. A schedule also picks up all due entries each minute, so a lost task
delays a delivery but never loses it.
django-q does not count attempts reliably, and it does not notice a worker that dies. The outbox therefore stores
attempts, retry times and failures in columns of its own:

* A worker claims an entry with a lease and counts the attempt *before* it sends the request, so an attempt whose worker
  dies is counted. The lease of that worker expires.
* No network request is sent inside a transaction.
* If a worker reports a result after its lease has expired, the result is stored with the attempt and changes nothing
  else.
"""

from cvety_crm.outbox.deliverers import Deliverer, register_deliverer
from cvety_crm.outbox.engine import WAITS, deliver_due, deliver_one, deliver_task, outbox_models
from cvety_crm.outbox.entries import LIVE, AttemptOutcome, DeliveryAttempt, OutboxEntry, State, live_index
from cvety_crm.outbox.failures import (
    UNREACHABLE,
    Delivered,
    DeliveryError,
    MisconfiguredError,
    NoLongerNeededError,
    NotDueError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
    UnreachableError,
)
from cvety_crm.outbox.scheduling import schedule_delivery, schedule_task

__all__ = [
    "LIVE",
    "UNREACHABLE",
    "WAITS",
    "AttemptOutcome",
    "Delivered",
    "Deliverer",
    "DeliveryAttempt",
    "DeliveryError",
    "MisconfiguredError",
    "NoLongerNeededError",
    "NotDueError",
    "OutboxEntry",
    "PermanentDeliveryError",
    "State",
    "TemporaryDeliveryError",
    "UnreachableError",
    "deliver_due",
    "deliver_one",
    "deliver_task",
    "live_index",
    "outbox_models",
    "register_deliverer",
    "schedule_delivery",
    "schedule_task",
]
