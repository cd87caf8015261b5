"""The models of scheduled reports: what is sent when to whom, each run, and each delivery with its attempts."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.outbox import DeliveryAttempt, OutboxEntry, live_index
from cvety_crm.tables import Table
from orders.models.export import ExportTemplate

LONGEST_NAME = 100  # characters
WEEKDAYS = (
    (0, _("on Monday")),
    (1, _("on Tuesday")),
    (2, _("on Wednesday")),
    (3, _("on Thursday")),
    (4, _("on Friday")),
    (5, _("on Saturday")),
    (6, _("on Sunday")),
)


class Frequency(models.TextChoices):
    """How often a report is sent."""

    DAILY = "daily", _("every day")
    WEEKLY = "weekly", _("every week")
    MONTHLY = "monthly", _("every month")


class RelativePeriod(models.TextChoices):
    """The days of a report, counted from the day on which it is sent."""

    TODAY = "today", _("today")
    YESTERDAY = "yesterday", _("yesterday")
    LAST_WEEK = "last_week", _("last week, Monday to Sunday")
    LAST_MONTH = "last_month", _("last month")
    MONTH = "month", _("this month so far")


class ReportSchedule(Table):
    """A report or an export that is sent regularly, with the rights of `run_as`.

    `table` and `file_format` are keys of `orders.export`. `parameters` are the chosen filters, by the names of
    `orders.reports.scope.FILTERS`, and the basis. `next_run_at` is None while the schedule is switched off.

    `columns` are the keys of the chosen columns, or empty for the default ones. As long as `template` exists, its
    columns are sent instead.
    """

    name = models.CharField(_("name"), max_length=LONGEST_NAME, unique=True)
    table = models.CharField(_("what"), max_length=60)
    file_format = models.CharField(_("file"), max_length=10)
    parameters = models.JSONField(default=dict, editable=False)
    columns = ArrayField(
        models.CharField(max_length=40), verbose_name=_("columns"), default=list, db_default=[], blank=True
    )
    template = models.ForeignKey(
        ExportTemplate,
        verbose_name=_("template of exports"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    period = models.CharField(_("for which days"), max_length=20, choices=RelativePeriod)
    frequency = models.CharField(_("how often"), max_length=10, choices=Frequency, default=Frequency.DAILY)
    weekday = models.PositiveSmallIntegerField(
        _("day of the week"), choices=WEEKDAYS, default=0, db_default=0, validators=[MaxValueValidator(6)]
    )
    day = models.PositiveSmallIntegerField(
        _("day of the month"),
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text=_("In a shorter month, the last day."),
    )
    hour = models.PositiveSmallIntegerField(
        _("at which hour"), default=9, db_default=9, validators=[MaxValueValidator(23)]
    )
    emails = ArrayField(models.EmailField(), verbose_name=_("e-mail addresses"), default=list, blank=True)
    chat_id = models.CharField(_("Telegram chat"), max_length=64, blank=True, default="", db_default="")
    run_as = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("with the rights of"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("The user who saved it last. The rights are checked before each sending."),
    )
    is_active = models.BooleanField(_("is sent"), default=True, db_default=True)
    next_run_at = models.DateTimeField(_("next sending"), null=True, editable=False)

    class Meta:
        db_table = "report_schedules"
        ordering = ["name"]
        verbose_name = _("scheduled report")
        verbose_name_plural = _("scheduled reports")
        indexes = [
            models.Index(fields=["next_run_at"], name="report_schedules_due", condition=Q(next_run_at__isnull=False))
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def sent_columns(self) -> list[str]:
        """Return the keys of the columns that are sent, or an empty list for the default ones."""
        is_of_table = self.template is not None and self.template.table == self.table
        return self.template.columns if self.template is not None and is_of_table else self.columns


class ReportRun(Table):
    """One sending of a schedule, and the file that its deliveries share. There is one run for each due moment."""

    schedule = models.ForeignKey(
        ReportSchedule, verbose_name=_("scheduled report"), on_delete=models.CASCADE, related_name="runs"
    )
    due_at = models.DateTimeField(_("due"))
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("sent by hand by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Empty: by the schedule."),
    )
    file = models.FileField(upload_to="reports", blank=True, editable=False)
    file_name = models.CharField(_("file"), max_length=255, blank=True, default="", db_default="")
    """The name under which the file is sent."""
    rows = models.PositiveIntegerField(_("rows"), null=True, blank=True)
    shown = ArrayField(models.CharField(max_length=10), default=list, blank=True, editable=False)
    """`phones` and `prices`, if the file contains those that not every user may see."""
    title = models.CharField(max_length=255, blank=True, default="", db_default="")
    summary = models.TextField(_("headline figures"), blank=True, default="", db_default="")

    class Meta:
        db_table = "report_runs"
        ordering = ["-due_at"]
        verbose_name = _("sending of a report")
        verbose_name_plural = _("sendings of reports")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="report_runs_once")]

    def __str__(self) -> str:
        return f"{self.schedule_id} {self.due_at}"


class ReportDelivery(OutboxEntry):
    """The delivery of a run's file to one recipient. Each recipient is retried separately."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("e-mail")
        TELEGRAM = "telegram", _("Telegram")

    run = models.ForeignKey(
        ReportRun, verbose_name=_("sending of a report"), on_delete=models.CASCADE, related_name="deliveries"
    )
    channel = models.CharField(_("how"), max_length=10, choices=Channel)
    recipient = models.CharField(_("to whom"), max_length=254)
    receipt = models.CharField(max_length=255, blank=True, default="", db_default="", editable=False)
    """What the mail server or Telegram has answered. A delivery with a receipt is not sent again."""

    class Meta:
        db_table = "report_deliveries"
        ordering = ["-created_at"]
        verbose_name = pgettext_lazy("report", "delivery")
        verbose_name_plural = pgettext_lazy("report", "deliveries")
        constraints = [models.UniqueConstraint(fields=["run", "channel", "recipient"], name="report_deliveries_once")]
        indexes = [
            live_index("report_deliveries_due"),
            models.Index(fields=["-created_at"], name="report_deliveries_created"),
            models.Index(fields=["-finished_at"], name="report_deliveries_failed", condition=Q(state="failed")),
        ]

    def __str__(self) -> str:
        return f"{self.run.schedule.name} → {self.recipient}"


class ReportDeliveryAttempt(DeliveryAttempt):
    """One attempt to deliver a report."""

    entry = models.ForeignKey(ReportDelivery, on_delete=models.CASCADE, related_name="attempt_log")

    class Meta(DeliveryAttempt.Meta):
        db_table = "report_delivery_attempts"
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [models.UniqueConstraint(fields=["entry", "number"], name="report_attempts_number")]
