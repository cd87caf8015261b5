"""Telling staff that something needs a person: a push that gave up, a status nobody has described."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Alert:
    """What staff are told: one line, then the particulars. Texts are Russian and free of secrets."""

    title: str
    text: str = ""
    path: str = ""
    """The admin page where it can be put right, from the site's root."""


def raise_alert(alert: Alert) -> None:
    """Hand the alert to every handler of `settings.ALERT_HANDLERS`; they insert rows: call it in a transaction."""
    for dotted_path in settings.ALERT_HANDLERS:
        handler: Callable[[Alert], None] = import_string(dotted_path)
        handler(alert)
