"""The count of SQL statements of each request, with Django's test client. The result is the same on every machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.client import WrongAnswerError
from bench.webhooks import Webhook

TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


@dataclass(frozen=True, slots=True)
class Statements:
    """The numbers of SQL statements in the requests with the same expected action.

    Statements of transaction control, such as BEGIN and COMMIT, are counted separately.
    """

    requests: int
    least: int
    usual: float
    most: int
    transaction_control: float


def count_statements(webhooks: Sequence[Webhook]) -> dict[str, Statements]:
    """Return the numbers of statements, by expected action. Raise `WrongAnswerError` for an unexpected response."""
    client = Client(SERVER_NAME="127.0.0.1")
    headers = {"Authorization": f"Bearer {settings.WEBHOOK_TOKENS[0]}"}
    counts: dict[str, list[tuple[int, int]]] = {}
    for webhook in webhooks:
        with CaptureQueriesContext(connection) as captured:
            answer = client.post(
                "/webhooks/bitrix/order", webhook.body, content_type="application/json", headers=headers
            )
        if answer.status_code != 200 or answer.json()["action"] != webhook.expected_action:
            raise WrongAnswerError(f"expected 200 and {webhook.expected_action!r}, got {answer.content!r}")
        control = sum(query["sql"].startswith(TRANSACTION_CONTROL) for query in captured.captured_queries)
        counts.setdefault(webhook.expected_action, []).append((len(captured) - control, control))
    return {action: _summary(pairs) for action, pairs in counts.items()}


def _summary(pairs: Sequence[tuple[int, int]]) -> Statements:
    numbers = [number for number, _ in pairs]
    return Statements(
        len(numbers), min(numbers), median(numbers), max(numbers), median(control for _, control in pairs)
    )
