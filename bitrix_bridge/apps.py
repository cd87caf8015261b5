"""The app that knows Bitrix."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BitrixBridgeConfig(AppConfig):
    """Webhooks in, pushes out."""

    name = "bitrix_bridge"
    verbose_name = _("Exchange with the site")

    def ready(self) -> None:
        """Register how pushes are delivered."""
        from bitrix_bridge.outbound import delivery

        delivery.register()
