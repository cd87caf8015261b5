"""The registry of deliverers, one for each kind of entry. An app registers its deliverer in `AppConfig.ready`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cvety_crm.outbox.failures import Delivered, DeliveryError


def _no_remainder(entry: Any) -> datetime | None:
    return None


def _no_follow_up(entry: Any, reason: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Deliverer:
    """The functions for one kind of entry. All except `deliver` run in the transaction that records the outcome."""

    deliver: Callable[[Any], Delivered]
    """Send the entry to the other system, outside any transaction.

    Raise `DeliveryError`, `NoLongerNeededError` or `NotDueError` if it was not delivered.
    """
    after_delivery: Callable[[Any], datetime | None] = _no_remainder
    """Return when the remaining data is due, or None if there is nothing more to send."""
    after_failure: Callable[[Any, DeliveryError], None] = _no_follow_up
    """Run when the entry has failed and will not be retried."""
    after_cancellation: Callable[[Any, str], None] = _no_follow_up
    """Run when a user has cancelled the entry. The second argument is the user's reason."""


_registered: dict[str, Deliverer] = {}


def register_deliverer(label: str, deliverer: Deliverer) -> None:
    """Register the deliverer for entries of the model with this label (`app_label.ModelName`)."""
    _registered[label] = deliverer


def deliverer_of(label: str) -> Deliverer:
    """Return the deliverer for the model with this label.

    Raise `KeyError` if the app of the model has not registered a deliverer.
    """
    return _registered[label]
