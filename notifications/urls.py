"""The URL to which Telegram reports the presses of buttons."""

from django.urls import re_path

from notifications.webhook import telegram_webhook

urlpatterns = [re_path(r"^telegram/?$", telegram_webhook, name="telegram_webhook")]
