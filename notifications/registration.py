"""The registration of the CRM's URL to which Telegram reports the presses of buttons."""

from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from cvety_crm.models import Heartbeat
from notifications import recipients
from notifications.links import is_public
from notifications.telegram import receive_presses

HEARTBEAT = "telegram buttons"
EVERY = timedelta(hours=1)


def webhook_secret() -> str:
    """Return the secret that Telegram sends with each press. It changes with the token and with `SECRET_KEY`."""
    return salted_hmac("notifications.webhook", settings.TELEGRAM_BOT_TOKEN, algorithm="sha256").hexdigest()


def register_url() -> None:
    """Register the URL once an hour, because the token or `PUBLIC_URL` may have changed. Retry a failure each minute.

    Do nothing if Telegram is switched off, or can't reach the CRM because `PUBLIC_URL` is not https. Raise
    `DeliveryError` on failure.
    """
    if recipients.disabled_reason() or not is_public(settings.PUBLIC_URL):
        return
    last = Heartbeat.last(HEARTBEAT)
    if last is not None and last > timezone.now() - EVERY:
        return
    receive_presses(settings.PUBLIC_URL + reverse("telegram_webhook"), webhook_secret())
    Heartbeat.beat(HEARTBEAT)
