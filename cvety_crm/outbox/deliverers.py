"""How each kind of entry is delivered. An app registers its deliverer in `AppConfig.ready`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cvety_crm.outbox.failures import Delivered, DeliveryError


def _nothing_more(entry: Any) -> datetime | None:
    return None


def _no_follow_up(entry: Any, reason: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Deliverer:
    """The functions of one kind of entry. All but `deliver` run in the transaction that records the outcome."""

    deliver: Callable[[Any], Delivered]
    """Call the other system, outside any transaction.

    Raises `DeliveryError`, `NoLongerNeededError` or `NotDueError`.
    """
    after_delivery: Callable[[Any], datetime | None] = _nothing_more
    """Return when the rest is due, if there is more to send."""
    after_failure: Callable[[Any, DeliveryError], None] = _no_follow_up
    """Follow up when the entry has failed for good."""
    after_cancellation: Callable[[Any, str], None] = _no_follow_up
    """Follow up when staff have cancelled the entry; the text is their reason."""


_registered: dict[str, Deliverer] = {}


def register_deliverer(label: str, deliverer: Deliverer) -> None:
    """Register how entries of the model with this label (`app_label.ModelName`) are delivered."""
    _registered[label] = deliverer


def deliverer_of(label: str) -> Deliverer:
    """Return the deliverer of the model with this label. Raise `KeyError` if its app has registered none."""
    return _registered[label]
