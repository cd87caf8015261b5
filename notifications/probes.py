"""What can be told of Telegram."""

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.ops.health import Finding, Level, probe
from cvety_crm.outbox import DeliveryError
from notifications import recipients
from notifications.badges import failed_messages
from notifications.telegram import bot_name

ASK_SECONDS = 4.0


@probe(_("Telegram"))
def telegram() -> Finding:
    """Ask the Bot API who our bot is."""
    if reason := recipients.muted_reason():
        is_meant = not settings.TELEGRAM_NOTIFICATIONS_ENABLED
        return Finding(Level.YELLOW if is_meant else Level.RED, gettext("switched off"), reason)
    try:
        name = bot_name(min(ASK_SECONDS, settings.OUTBOX_TIMEOUT))
    except DeliveryError as failure:
        return Finding(Level.RED, failure.message, gettext("Staff hear of nothing until this is put right."))
    return Finding(Level.GREEN, gettext("the bot @%(name)s answers") % {"name": name})


@probe(_("Messages not delivered"), reads_database=True)
def undelivered() -> Finding:
    """Count the messages that nobody sends any more."""
    number = failed_messages()
    if number:
        return Finding(Level.YELLOW, str(number), gettext("Open “Messages”: each of them says why. Then repeat it."))
    return Finding(Level.GREEN, "0")
