"""The retry engine: rows that must reach another system, claimed, delivered, retried, given up loudly.

An entry is inserted in the transaction of the change that it reports. After commit a task of django-q is queued that
delivers it when it is due, mostly at once. Each minute a schedule picks up all entries that are due, so that a lost
task loses nothing.
django-q counts nothing: a worker that dies is never reported to it and its own attempts are not reliable. Counting,
waiting and giving up are columns here:

* A worker claims an entry with a lease and counts the attempt *before* it calls, so one that dies has tried; the
  lease that it leaves behind expires.
* Nothing calls the network inside a transaction.
* A late result of a worker whose lease has expired is kept with its attempt and changes nothing else.
"""

from cvety_crm.outbox.deliverers import Deliverer, register_deliverer
from cvety_crm.outbox.engine import WAITS, deliver_due, deliver_one, deliver_task, outbox_models
from cvety_crm.outbox.entries import LIVE, AttemptOutcome, DeliveryAttempt, OutboxEntry, State, live_index
from cvety_crm.outbox.failures import (
    Delivered,
    DeliveryError,
    MisconfiguredError,
    NoLongerNeededError,
    NotDueError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
)
from cvety_crm.outbox.scheduling import schedule_delivery

__all__ = [
    "LIVE",
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
    "deliver_due",
    "deliver_one",
    "deliver_task",
    "live_index",
    "outbox_models",
    "register_deliverer",
    "schedule_delivery",
]
