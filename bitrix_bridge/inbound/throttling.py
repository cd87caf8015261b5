"""The rate limit of webhooks for each client address."""

from django.conf import settings

from cvety_crm.throttling import AddressThrottle


class WebhookThrottle(AddressThrottle):
    """Limit each client address to `WEBHOOK_RATE`."""

    scope = "webhook"

    def get_rate(self) -> str | None:
        """Return `WEBHOOK_RATE`, or None, which means no limit, if the setting is empty."""
        return settings.WEBHOOK_RATE or None
