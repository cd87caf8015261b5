"""Where a webhook's processor time goes: cProfile in this process, through Django's test client (`--profile`).

cProfile makes Python's own calls look dearer than they are: it finds the places, the table says what they are worth.
"""

import cProfile
import io
import pstats
from collections.abc import Sequence

from django.conf import settings
from django.test import Client

from bench.webhooks import Webhook

LINES = 45


def profile(webhooks: Sequence[Webhook], warm_up: Sequence[Webhook], sort: str) -> str:
    """Return the costliest functions by `sort` (pstats' names), in milliseconds of all requests together."""
    client = Client(SERVER_NAME="127.0.0.1")
    headers = {"Authorization": f"Bearer {settings.WEBHOOK_TOKENS[0]}"}

    def post(webhook: Webhook) -> None:
        answer = client.post("/webhooks/bitrix/order", webhook.body, content_type="application/json", headers=headers)
        assert answer.json()["action"] == webhook.expected_action, answer.content

    for webhook in warm_up:
        post(webhook)
    profiler = cProfile.Profile()
    profiler.enable()
    for webhook in webhooks:
        post(webhook)
    profiler.disable()
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).sort_stats(sort).print_stats(LINES)
    return text.getvalue()
