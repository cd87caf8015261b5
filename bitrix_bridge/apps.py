"""The configuration of the app that exchanges data with Bitrix."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BitrixBridgeConfig(AppConfig):
    """The app that receives webhooks from the site and delivers pushes to the site."""

    name = "bitrix_bridge"
    verbose_name = _("Exchange with the site")

    def ready(self) -> None:
        """Register the deliverer of pushes."""
        from bitrix_bridge.outbound import delivery

        delivery.register()
