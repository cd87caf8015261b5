"""The models of staff accounts and of the worker's heartbeat, and those of signing in (`cvety_crm.sign_in_tables`)."""

from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cvety_crm.sign_in_tables import RecoveryCode, SecondFactor, SecondFactorRole, Session, SignInEvent
from cvety_crm.tables import Table

__all__ = ["SILENCE", "Heartbeat", "RecoveryCode", "SecondFactor", "SecondFactorRole", "Session", "SignInEvent", "User"]

SILENCE = timedelta(minutes=5)
"""A worker whose last heartbeat is older than this is considered stopped."""


class User(AbstractUser):
    """A member of staff. Customers have no accounts in the CRM."""

    phone = models.CharField(_("phone"), max_length=20, blank=True, default="", db_default="")
    """The phone in E.164 format, such as `+77011234567`."""
    telegram_id = models.BigIntegerField(
        _("Telegram id"), null=True, blank=True, unique=True, help_text=_("The number of the account in Telegram.")
    )

    list_columns = ArrayField(
        models.CharField(max_length=20),
        verbose_name=_("columns of the order list"),
        default=list,
        db_default=[],
        blank=True,
        editable=False,
    )
    """The keys of the columns of the order list, from left to right. Empty means the default columns."""

    class Meta(AbstractUser.Meta):
        db_table = "staff_users"


class Heartbeat(Table):
    """The latest time at which a part of the system, such as the worker, was running."""

    name = models.CharField(_("part"), max_length=50, unique=True)
    beat_at = models.DateTimeField(_("last alive"))

    WORKER = "worker"
    START = "start"
    """The name of the row with the time at which `manage.py run` last started all programs."""

    class Meta:
        db_table = "heartbeats"
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def beat(name: str) -> None:
        """Store that the part of the system with this name is running now."""
        Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": timezone.now()})

    @staticmethod
    def last(name: str) -> datetime | None:
        """Return when the part of the system with this name last stored a heartbeat, or None if it never did."""
        return Heartbeat.objects.filter(name=name).values_list("beat_at", flat=True).first()
