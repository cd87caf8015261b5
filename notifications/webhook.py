"""The view to which Telegram reports the presses of buttons (https://core.telegram.org/bots/api#callbackquery).

The reply to the person is the response itself: it names a method of the Bot API, so the request needs no network call.
"""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from notifications import recipients
from notifications.presses import Press, press
from notifications.registration import webhook_secret

LONGEST_REPLY = 200
"""The maximum length of a reply, which Telegram refuses if it is longer."""


@csrf_exempt  # Telegram has no session: it sends a secret
@require_POST
def telegram_webhook(request: HttpRequest) -> HttpResponse:
    """Do what the pressed button says. Return 403 without the secret, and 200 for an update that is not a press."""
    given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
    if recipients.disabled_reason() or not constant_time_compare(given, webhook_secret()):
        return JsonResponse({"status": "error", "error": "invalid_token"}, status=403)
    query_id, pressed = _read(request.body)
    if pressed is None:
        return JsonResponse({})
    reply = press(pressed)
    return JsonResponse(
        {
            "method": "answerCallbackQuery",
            "callback_query_id": query_id,
            "text": reply.text[:LONGEST_REPLY],
            "show_alert": reply.is_alert,
        }
    )


def _read(body: bytes) -> tuple[str, Press | None]:
    """Return the id of the press and the press, or None for anything else."""
    try:
        query: dict[str, Any] = json.loads(body)["callback_query"]
        message = query["message"]
        return str(query["id"]), Press(
            chat_id=str(message["chat"]["id"])[:64],
            message_id=int(message["message_id"]),
            telegram_id=int(query["from"]["id"]),
            data=str(query["data"])[:64],
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", None
