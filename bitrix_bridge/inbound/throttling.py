"""The rate limit of webhooks for each client address."""

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from bitrix_bridge.inbound.authentication import header_tokens, is_valid
from cvety_crm.throttling import AddressThrottle


class WebhookThrottle(AddressThrottle):
    """Limit each client address to `WEBHOOK_RATE`.

    Requests with a valid token in a header are counted separately. So other senders cannot use up the requests of the
    site, even at the same address: behind a proxy that is not in `TRUSTED_PROXIES`, or in the IPv6 network of its host.
    """

    scope = "webhook"

    def get_rate(self) -> str | None:
        """Return `WEBHOOK_RATE`, or None, which means no limit, if the setting is empty."""
        return settings.WEBHOOK_RATE or None

    def get_scope(self, request: Request | HttpRequest) -> str:
        """Return the name of the counter, which is different for a request with a valid token."""
        return "site" if is_valid(header_tokens(request)) else self.scope
