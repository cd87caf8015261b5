"""The app that knows Telegram."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """Messages to the staff."""

    name = "notifications"
    verbose_name = _("Telegram")
