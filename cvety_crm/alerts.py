"""Alerts that ask staff to act, for example about a failed push or an unknown status."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Alert:
    """A message for staff, with a title of one line and the details. Both are in Russian and contain no secrets."""

    title: str
    text: str = ""
    about: Model | None = None
    """The row on whose admin page staff can correct the cause."""

    @property
    def path(self) -> str:
        """Return the path of the row's admin page, or an empty string if there is no page."""
        if self.about is None:
            return ""
        meta = self.about._meta
        try:
            return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[self.about.pk])
        except NoReverseMatch:
            return ""


def raise_alert(alert: Alert) -> None:
    """Pass the alert to every handler of `settings.ALERT_HANDLERS`.

    Call it inside a transaction, because handlers insert rows.
    """
    for dotted_path in settings.ALERT_HANDLERS:
        handler: Callable[[Alert], None] = import_string(dotted_path)
        handler(alert)
