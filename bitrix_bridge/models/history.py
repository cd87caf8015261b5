"""The models of import runs and of the outcome of each imported order. A dry run stores no rows."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.long_runs.model import LongRun
from cvety_crm.tables import Table
from orders.models import Order


class ImportRun(LongRun):
    """One run of the import from the copy of the site's database."""

    source = models.CharField(_("copy"), max_length=255, blank=True, default="")
    options = models.JSONField(_("options"), default=dict, blank=True)

    # Orders are imported by ascending id on the site; `after_id` is the last id that was processed. If `is_retry` is
    # True, only the failed orders of the run are imported again.
    after_id = models.BigIntegerField(default=0, editable=False)
    is_retry = models.BooleanField(default=False, editable=False)

    created = models.PositiveIntegerField(pgettext_lazy("orders", "created"), default=0)
    updated = models.PositiveIntegerField(pgettext_lazy("orders", "updated"), default=0)
    unchanged = models.PositiveIntegerField(pgettext_lazy("orders", "unchanged"), default=0)
    skipped = models.PositiveIntegerField(pgettext_lazy("orders", "skipped"), default=0)
    failed = models.PositiveIntegerField(pgettext_lazy("orders", "not imported"), default=0)
    carts = models.PositiveIntegerField(_("lines of carts, left out"), default=0)
    system_shipments = models.PositiveIntegerField(_("system shipments, left out"), default=0)
    reasons = models.JSONField(_("reasons"), default=list, blank=True)

    class Meta(LongRun.Meta):
        db_table = "bitrix_import_runs"
        verbose_name = _("import run")
        verbose_name_plural = _("import runs")
        indexes = [models.Index(fields=["-started_at"], name="bitrix_import_runs_newest")]

    @property
    def come_over(self) -> int:
        """Return how many orders are now in the CRM with the state of the site's database copy or a newer state."""
        return self.created + self.updated + self.unchanged

    @property
    def processed(self) -> int:
        """Return how many orders of the run have an outcome."""
        return self.come_over + self.skipped + self.failed

    @property
    def is_measured(self) -> bool:
        """Return whether `expected` is the number of orders to import. A retry imports fewer orders."""
        return not self.is_retry

    def count_remaining(self) -> int:
        """Return how many orders are still to be imported, or, in a retry, to be imported again."""
        if not self.is_retry:
            return super().count_remaining()
        failed = ImportRow.objects.filter(run=self, outcome=ImportRow.Outcome.FAILED)
        return failed.filter(bitrix_order_id__gt=self.after_id).count()


class ImportRow(Table):
    """The outcome of one order in an import run."""

    class Outcome(models.TextChoices):
        CREATED = "created", pgettext_lazy("order", "created")
        UPDATED = "updated", pgettext_lazy("order", "updated")
        UNCHANGED = "unchanged", pgettext_lazy("order", "unchanged")
        SKIPPED = "skipped", pgettext_lazy("order", "skipped")
        FAILED = "failed", pgettext_lazy("order", "not imported")

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
