"""The model of the busiest days of a year."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.tables import Table

MOST_DAYS = 31


class PeakDay(Table):
    """A holiday of one year, which reports compare with the holidays of the same name in other years."""

    name = models.CharField(_("holiday"), max_length=100)
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"), help_text=_("The same day, if the holiday has only one."))

    class Meta:
        db_table = "peak_days"
        ordering = ["-first_day", "name"]
        verbose_name = _("peak day")
        verbose_name_plural = _("peak days")
        constraints = [
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="peak_days_order"),
            models.UniqueConstraint(fields=["name", "first_day"], name="peak_days_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.first_day.year}"

    def clean(self) -> None:
        """Raise `ValidationError` if the last day is before the first one, or more than a month after it."""
        super().clean()
        if not self.first_day or not self.last_day:
            return
        days = (self.last_day - self.first_day).days
        if days < 0:
            raise ValidationError({"last_day": pgettext_lazy("peak day", "The last day is before the first one.")})
        if days > MOST_DAYS:
            raise ValidationError({"last_day": _("A holiday has at most a month.")})
