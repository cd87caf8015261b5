"""The table of the drill."""

from collections import Counter
from dataclasses import dataclass, fields

from tests.deploy.drill.stack import Stack
from tests.deploy.senders import Event, Traffic

STORED = """
SELECT payload->>'event_id', count(*) FROM bitrix_webhook_events
WHERE action <> 'duplicate' AND payload->>'event_id' IS NOT NULL GROUP BY 1
"""
IN_TIMELINE = """
SELECT e.payload->>'event_id', count(*) FROM bitrix_webhook_events e
JOIN order_events t ON t.webhook_event_id = e.id WHERE e.payload->>'event_id' IS NOT NULL GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What happened to the events of the site and to the changes of staff during one fault."""

    fault: str
    sent: int
    at_once: int
    """Events whose first response was 200."""
    repeated: int
    """Events that the site had to send again."""
    answers: str
    """The responses other than 200."""
    lost: int
    """Events that were answered with 200 and are not in the CRM, or that were never answered with 200."""
    doubled: int
    """Events that the CRM has processed more than once."""
    slowest: float
    """The seconds of the slowest response."""
    outage: float
    """The seconds from the beginning of the fault until the last event that had been refused was accepted."""
    changes: int
    reported: int
    """Changes that the site has refused for good. Staff are alerted, and may send them again."""
    found: int
    """Changes that the site has confirmed without making them, and that the comparison of both sides has found."""
    missing: int
    """Changes of staff that are not on the site, and of which staff know nothing."""
    written_twice: int
    delivery: float
    """The seconds from the beginning of the fault until the last change was on the site."""


HEADINGS = {
    "fault": "fault", "sent": "sent", "at_once": "200 at once", "repeated": "repeated", "answers": "other answers",
    "lost": "lost", "doubled": "doubled", "slowest": "slowest, s", "outage": "until accepted, s",
    "changes": "changes of staff", "reported": "refused", "found": "found by comparison", "missing": "missing",
    "written_twice": "written twice", "delivery": "until on the site, s",
}  # fmt: skip


def row_of(stack: Stack, traffic: Traffic, phase: str, began: float) -> Row:
    """Return the row of one fault, after everything was delivered."""
    events = [event for event in traffic.events if event.phase == phase]
    stored, timeline = dict(stack.machine.query(STORED)), dict(stack.machine.query(IN_TIMELINE))
    refused = [event for event in events if event.answers[0] != "200"]
    arrived, doubled = stack.arrived(phase)
    found = stack.found(phase) if stack.reported(phase) == 0 else 0
    changes, reported = len(stack.changed[phase]), stack.reported(phase)
    return Row(
        fault=phase,
        sent=len(events),
        at_once=len(events) - len(refused),
        repeated=len(refused),
        answers=_other_answers(events),
        lost=sum(one.accepted_at is None or not stored.get(one.event_id) for one in events),
        doubled=sum(stored.get(one.event_id, 0) > 1 or timeline.get(one.event_id, 0) > 1 for one in events),
        slowest=max((event.slowest for event in events), default=0.0),
        outage=max((event.accepted_at - began for event in refused if event.accepted_at), default=0.0),
        changes=changes,
        reported=reported,
        found=found,
        missing=changes - arrived - reported - found,
        written_twice=doubled,
        delivery=max(stack.last_delivery(phase) - began, 0.0),
    )


def _other_answers(events: list[Event]) -> str:
    counted = Counter(answer for event in events for answer in event.answers if answer != "200")
    return ", ".join(f"{count} × {answer}" for answer, count in counted.most_common())


def table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = [[HEADINGS[field.name] for field in fields(Row)]]
    lines.append(["---"] * len(lines[0]))
    for row in rows:
        values = [getattr(row, field.name) for field in fields(Row)]
        lines.append([f"{value:.1f}" if isinstance(value, float) else str(value) for value in values])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
