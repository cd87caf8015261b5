"""Keep the requests that have a valid token and are refused, so that staff can see what was sent and why it is refused.

Only the newest are kept, and only the beginning of each. Secrets are masked.
"""

import json
import re
from typing import Any

from django.db import transaction
from django.utils import timezone

from bitrix_bridge.inbound.charsets import decode
from bitrix_bridge.inbound.transport import BadBodyError
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads.secrets import mask_secrets
from cvety_crm.masking import MASK, truncate_masked

MOST_KEPT = 200
LONGEST_TEXT = 20_000
"""The maximum number of characters of a body that are kept."""

_TOKEN = re.compile(r"""token\\?["']?\s*(?:[:=]|;s:\d+:|\r?\n\r?\n)\s*\\?["']?([^\\"'&;\s]{1,200})""", re.IGNORECASE)
_MOST_TOKENS = 5


def tokens_in(unparsed: bytes) -> list[str]:
    """Return the values that a body which could not be parsed seems to have in its field `token`."""
    return [found[1] for found, _ in zip(_TOKEN.finditer(decode(unparsed)), range(_MOST_TOKENS), strict=False)]


def keep_refused(refusal: BadBodyError, *, body: dict[str, Any], content_type: str, remote_addr: str | None) -> None:
    """Store the refused request in the inbox and delete the oldest of those that exceed `MOST_KEPT`.

    `body` is the parsed body. If it is empty, the beginning of the received text is stored instead.
    """
    payload = {name: value for name, value in body.items() if name != "token"}
    if not payload:
        payload = {"content_type": truncate_masked(content_type, 200), **_unparsed(refusal.received)}
    elif len(str(payload)) > LONGEST_TEXT:
        payload = {"text": _masked(json.dumps(payload, ensure_ascii=False))}
    with transaction.atomic():
        WebhookEvent.objects.create(
            event=str(body.get("event") or "")[:100],
            payload=payload,
            action=WebhookEvent.Action.REFUSED,
            error=truncate_masked(f"{int(refusal.status)}: {refusal}", 2000),
            remote_addr=remote_addr,
            processed_at=timezone.now(),
        )
        refused = WebhookEvent.objects.filter(action=WebhookEvent.Action.REFUSED).order_by("-created_at", "-pk")
        WebhookEvent.objects.filter(pk__in=list(refused.values_list("pk", flat=True)[MOST_KEPT:])).delete()


def _unparsed(received: bytes) -> dict[str, Any]:
    """Return the size and the beginning of the text.

    Binary data is not kept, because secrets in it cannot be masked.
    """
    if b"\0" in received.rstrip(b"\0"):
        return {"bytes": len(received)}
    return {"bytes": len(received), "text": _masked(decode(received))}


def _masked(text: str) -> str:
    # Masked before it is cut: a secret that is cut in half is no longer recognised.
    return truncate_masked(mask_secrets(text, MASK), LONGEST_TEXT)
