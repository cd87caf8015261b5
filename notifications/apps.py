"""The app that knows Telegram."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """Messages to the staff."""

    name = "notifications"
    verbose_name = _("Telegram")

    def ready(self) -> None:
        """Register how messages are delivered."""
        from notifications import telegram

        telegram.register()
