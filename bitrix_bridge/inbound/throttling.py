"""How many webhooks one address may send."""

from django.conf import settings

from cvety_crm.throttling import AddressThrottle


class WebhookThrottle(AddressThrottle):
    """`WEBHOOK_RATE` for each client address."""

    scope = "webhook"

    def get_rate(self) -> str | None:
        """Return the rate of the settings; an empty one switches the limit off."""
        return settings.WEBHOOK_RATE or None
