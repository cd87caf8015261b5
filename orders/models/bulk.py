"""The models of bulk actions: frozen selections of orders, runs over many orders, and the result of each order."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.long_runs.model import LongRun
from cvety_crm.tables import Table


class Selection(Table):
    """The orders that a user has selected with “Select all”: the orders that the list found at that moment."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    keys = ArrayField(models.UUIDField())

    class Meta:
        db_table = "order_selections"
        verbose_name = _("selection of orders")
        verbose_name_plural = _("selections of orders")
        default_permissions = ()

    def __str__(self) -> str:
        return str(len(self.keys))


class BulkRun(LongRun):
    """A run of the worker that does one action on each order of a selection, or undoes what another run has done."""

    class Action(models.TextChoices):
        ADVANCE = "advance", _("Next step")
        STATUS = "status", _("Change status")
        TAKE = "take", _("Take")
        FLORIST = "florist", _("Assign a florist")
        COURIER = "courier", _("Assign a courier")
        NOTIFIED = "notified", _("Couriers are notified")
        RESEND = "resend", _("Send to the site again")

    action = models.CharField(_("action"), max_length=20, choices=Action)
    parameters = models.JSONField(default=dict, encoder=DjangoJSONEncoder, editable=False)
    undoes = models.ForeignKey(
        "self", verbose_name=_("undoes"), null=True, blank=True, on_delete=models.SET_NULL, related_name="undoing"
    )
    is_undo = models.BooleanField(default=False, editable=False)

    done = models.PositiveIntegerField(pgettext_lazy("orders", "changed"), default=0)
    unchanged = models.PositiveIntegerField(pgettext_lazy("orders", "were so already"), default=0)
    refused = models.PositiveIntegerField(pgettext_lazy("orders", "refused"), default=0)

    class Meta(LongRun.Meta):
        db_table = "order_bulk_runs"
        verbose_name = _("bulk action")
        verbose_name_plural = _("bulk actions")
        indexes = [models.Index(fields=["-started_at"], name="order_bulk_runs_newest")]
        # Runs of different users do not wait for each other: each order is locked only while it is changed.
        constraints = [
            models.UniqueConstraint(
                fields=["started_by"], condition=Q(state="running"), name="order_bulk_runs_one_running"
            ),
        ]

    @property
    def processed(self) -> int:
        """Return how many orders have a result."""
        return self.done + self.unchanged + self.refused


class BulkResult(Table):
    """One order of a run, and what became of it. The rows are inserted at the start of the run."""

    class Outcome(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("order", "not done")
        DONE = "done", pgettext_lazy("order", "changed")
        UNCHANGED = "unchanged", pgettext_lazy("order", "was so already")
        REFUSED = "refused", pgettext_lazy("order", "refused")
        UNDONE = "undone", pgettext_lazy("order", "undone")

    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="results", db_index=False)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    outcome = models.CharField(_("result"), max_length=20, choices=Outcome, default=Outcome.WAITING)
    reason = models.TextField(_("reason"), blank=True, default="")
    changed_at = models.DateTimeField(null=True, editable=False)
    """The time of the database at the result. Later timeline entries of the order are about later changes."""
    before = models.CharField(max_length=64, blank=True, default="")
    """The primary key of the order's florist or courier before the change, which an undo restores."""

    class Meta:
        db_table = "order_bulk_results"
        ordering = ["position"]
        verbose_name = _("result of a bulk action")
        verbose_name_plural = _("results of bulk actions")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["run", "order"], name="order_bulk_results_once")]
        indexes = [models.Index(fields=["run", "outcome", "position"], name="order_bulk_results_run")]

    def __str__(self) -> str:
        return f"{self.position} {self.outcome}"
