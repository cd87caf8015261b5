"""The profile of the processor time of webhooks (`--profile`), with cProfile and Django's test client in this process.

cProfile overestimates the cost of Python calls. Use the profile to find the expensive functions, and the benchmark to
measure them.
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
    """Return a table of the most expensive functions, sorted by the pstats key `sort`.

    The times are the totals of all webhooks, without the warm-up.
    """
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
