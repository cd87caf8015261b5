"""Queueing Telegram messages."""

from cvety_crm.alerts import Alert
from orders.events import OrderChange


def on_order_event(change: OrderChange) -> None:
    """Queue a message for what happened."""


def on_alert(alert: Alert) -> None:
    """Queue an alert."""
