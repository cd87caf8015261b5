"""The app that sends notifications to Telegram."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """The configuration of the app."""

    name = "notifications"
    verbose_name = _("Telegram")

    def ready(self) -> None:
        """Register the deliverers of messages and of their edits."""
        from notifications import edits, telegram

        telegram.register()
        edits.register()
