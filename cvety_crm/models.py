"""The worker's heartbeat."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cvety_crm.tables import Table

SILENCE = timedelta(minutes=5)
"""A worker whose last heartbeat is older than this counts as stopped."""


class Heartbeat(Table):
    """When a part of the system was last alive."""

    name = models.CharField(_("part"), max_length=50, unique=True)
    beat_at = models.DateTimeField(_("last alive"))

    WORKER = "worker"

    class Meta:
        db_table = "heartbeats"
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def beat(name: str) -> None:
        """Store now as the time at which this part was last alive."""
        Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": timezone.now()})

    @staticmethod
    def last(name: str) -> datetime | None:
        """Return when this part was last alive; None when it has never stored a heartbeat."""
        return Heartbeat.objects.filter(name=name).values_list("beat_at", flat=True).first()
