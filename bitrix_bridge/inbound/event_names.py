"""The names of webhook events."""

WHOLE_ORDER = frozenset({"order.create", "order.update"})
STATUS_CHANGE = "order.status.change"
STATES = WHOLE_ORDER | {STATUS_CHANGE}
"""The events that contain a state of the order."""
PING = "ping"
"""The name of an event that only tests whether the sender's webhooks arrive. Such an event contains no data."""


def canonical_name(event: str) -> str:
    """Return the event's name in lower case. Return the same name for both spellings of a status change."""
    name = event.strip().lower()
    return STATUS_CHANGE if name == "order.status_change" else name


def is_ping(event: str) -> bool:
    """Return whether the event only tests the connection; such an event is not stored."""
    return canonical_name(event) == PING
