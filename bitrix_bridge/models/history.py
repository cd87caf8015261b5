"""Imports of the history: each run, and what became of each order. A dry run leaves none of these."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.formatting import full_moment
from cvety_crm.tables import Table
from orders.models import Order


class ImportRun(Table):
    """One run of the import from a MySQL copy of Bitrix. Its row holds how far it is: a later process can go on."""

    class State(models.TextChoices):
        RUNNING = "running", pgettext_lazy("import", "runs")
        DONE = "done", pgettext_lazy("import", "done")
        FAILED = "failed", pgettext_lazy("import", "failed")
        STOPPED = "stopped", pgettext_lazy("import", "stopped")

    state = models.CharField(_("state"), max_length=20, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    source = models.CharField(_("copy"), max_length=255, blank=True, default="")
    options = models.JSONField(_("options"), default=dict, blank=True)
    error = models.TextField(_("error"), blank=True, default="")
    retried_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("failed ones repeated by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    # How far it is: ids of the site in growing order. `is_retry`: of the failed ones, which are gone through once more.
    after_id = models.BigIntegerField(default=0, editable=False)
    expected = models.PositiveIntegerField(_("orders expected"), default=0, editable=False)
    is_retry = models.BooleanField(default=False, editable=False)

    # Who works on it: a lease, as the outbox has, and the process, whose death can be seen on its own machine.
    worker = models.UUIDField(null=True, editable=False)
    process = models.CharField(max_length=255, blank=True, default="", editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    created = models.PositiveIntegerField(pgettext_lazy("orders", "created"), default=0)
    updated = models.PositiveIntegerField(pgettext_lazy("orders", "updated"), default=0)
    unchanged = models.PositiveIntegerField(pgettext_lazy("orders", "unchanged"), default=0)
    skipped = models.PositiveIntegerField(pgettext_lazy("orders", "skipped"), default=0)
    failed = models.PositiveIntegerField(pgettext_lazy("orders", "not come over"), default=0)
    carts = models.PositiveIntegerField(_("lines of carts, left out"), default=0)
    system_shipments = models.PositiveIntegerField(_("system shipments, left out"), default=0)
    reasons = models.JSONField(_("reasons"), default=list, blank=True)

    class Meta:
        db_table = "bitrix_import_runs"
        ordering = ["-started_at"]
        verbose_name = _("import run")
        verbose_name_plural = _("import runs")
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="running"), name="bitrix_import_runs_one_runs"),
        ]
        indexes = [models.Index(fields=["-started_at"], name="bitrix_import_runs_newest")]

    def __str__(self) -> str:
        return full_moment(self.started_at)

    @property
    def come_over(self) -> int:
        """Return how many orders are in the CRM now as the copy has them, or newer."""
        return self.created + self.updated + self.unchanged

    @property
    def gone_through(self) -> int:
        """Return how many orders it has dealt with, whatever became of them."""
        return self.come_over + self.skipped + self.failed


class ImportRow(Table):
    """What became of one order of an import run."""

    class Outcome(models.TextChoices):
        CREATED = "created", pgettext_lazy("order", "created")
        UPDATED = "updated", pgettext_lazy("order", "updated")
        UNCHANGED = "unchanged", pgettext_lazy("order", "unchanged")
        SKIPPED = "skipped", pgettext_lazy("order", "skipped")
        FAILED = "failed", pgettext_lazy("order", "not come over")

    run = models.ForeignKey(ImportRun, verbose_name=_("run"), on_delete=models.CASCADE, related_name="rows")
    bitrix_order_id = models.BigIntegerField(_("id on the site"))
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)
    reasons = models.JSONField(_("reasons"), default=list, blank=True)
    order = models.ForeignKey(
        Order, verbose_name=_("order"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "bitrix_import_rows"
        ordering = ["bitrix_order_id"]
        verbose_name = _("imported order")
        verbose_name_plural = _("imported orders")
        constraints = [models.UniqueConstraint(fields=["run", "bitrix_order_id"], name="bitrix_import_rows_once")]
        indexes = [
            models.Index(fields=["run", "bitrix_order_id"], condition=Q(outcome="failed"), name="bitrix_import_failed"),
            models.Index(fields=["bitrix_order_id"], name="bitrix_import_rows_order"),
        ]

    def __str__(self) -> str:
        return str(self.bitrix_order_id)
