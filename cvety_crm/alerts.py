"""Telling staff that something needs a person: a push that gave up, a status nobody has described."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Alert:
    """What staff are told: one line, then the particulars. Texts are Russian and free of secrets."""

    title: str
    text: str = ""
    about: Model | None = None
    """The row on whose page of the admin it can be put right."""

    @property
    def path(self) -> str:
        """Return the address of that page, from the site's root; empty when there is none."""
        if self.about is None:
            return ""
        meta = self.about._meta
        try:
            return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[self.about.pk])
        except NoReverseMatch:
            return ""


def raise_alert(alert: Alert) -> None:
    """Hand the alert to every handler of `settings.ALERT_HANDLERS`; they insert rows: call it in a transaction."""
    for dotted_path in settings.ALERT_HANDLERS:
        handler: Callable[[Alert], None] = import_string(dotted_path)
        handler(alert)
