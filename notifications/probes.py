"""Health probes of the Telegram bot and its messages."""

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.ops.health import Finding, Level, probe
from cvety_crm.outbox import DeliveryError
from notifications import recipients
from notifications.badges import failed_messages
from notifications.telegram import bot_name

REQUEST_SECONDS = 4.0


@probe(_("Telegram"))
def telegram() -> Finding:
    """Request the username of the CRM's bot from the Bot API, and return an error if this fails."""
    if reason := recipients.disabled_reason():
        if not settings.TELEGRAM_NOTIFICATIONS_ENABLED:
            return Finding(Level.GREEN, gettext("switched off"))
        return Finding(Level.RED, gettext("switched off"), reason)
    try:
        name = bot_name(min(REQUEST_SECONDS, settings.OUTBOX_TIMEOUT))
    except DeliveryError as failure:
        return Finding(Level.RED, failure.message, gettext("Staff receive no messages until this is fixed."))
    return Finding(Level.GREEN, gettext("the bot @%(name)s answers") % {"name": name})


@probe(_("Messages not delivered"), reads_database=True)
def undelivered() -> Finding:
    """Count the messages that failed and are not retried any more."""
    number = failed_messages()
    if number:
        return Finding(
            Level.YELLOW, str(number), gettext("Open “Messages”: each message shows the reason. Then retry it.")
        )
    return Finding(Level.GREEN, "0")
