"""The models of comparisons with the site and of the differences that they found."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cvety_crm.long_runs.model import LongRun
from cvety_crm.tables import Table
from orders.models import Order

_IS_OPEN = Q(outcome__in=["found", "person"])


class Reconciliation(LongRun):
    """One comparison of the orders in the CRM with the orders on the site."""

    class Origin(models.TextChoices):
        COMMAND = "command", _("command line")
        SCHEDULE = "schedule", _("by the clock")
        HOURLY = "hourly", _("by the clock, each hour")
        RECENT = "recent", _("by the clock, each five minutes")
        PAGE = "page", _("by hand")

    class Phase(models.TextChoices):
        LISTED = "listed", _("what the site lists")
        BEYOND = "beyond", _("ours behind the site's last order")
        UNLINKED = "unlinked", _("orders made here")
        OVER = "over", _("everything")

    state = models.CharField(
        _("state"),
        max_length=20,
        choices=[
            (LongRun.State.RUNNING, _("runs")),
            (LongRun.State.DONE, _("done")),
            (LongRun.State.FAILED, _("failed")),
            (LongRun.State.STOPPED, _("stopped")),
        ],
        default=LongRun.State.RUNNING,
    )
    origin = models.CharField(_("started"), max_length=20, choices=Origin)
    is_repair = models.BooleanField(_("repairs"), default=False)
    since = models.DateTimeField(_("changed since"), null=True, blank=True)
    first_id = models.BigIntegerField(
        _("from this id on the site"), null=True, blank=True, help_text=_("Empty: from the first order.")
    )

    # The position of the run. Orders are compared by ascending id on the site; `after_id` is the last id. Orders
    # without such an id are compared after them, by ascending primary key; `after_key` is the last key.
    phase = models.CharField(max_length=20, choices=Phase, default=Phase.LISTED, editable=False)
    after_id = models.BigIntegerField(default=0, editable=False)
    after_key = models.UUIDField(null=True, editable=False)

    compared = models.PositiveIntegerField(_("compared"), default=0)
    agreed = models.PositiveIntegerField(_("agreed"), default=0)
    on_their_way = models.PositiveIntegerField(_("on their way"), default=0)
    differences = models.PositiveIntegerField(_("differences"), default=0)
    missing_here = models.PositiveIntegerField(_("missing here"), default=0)
    missing_there = models.PositiveIntegerField(_("missing on the site"), default=0)
    archived = models.PositiveIntegerField(_("found in the site's archive"), default=0, db_default=0)
    damaged = models.PositiveIntegerField(_("values that the site can't store"), default=0, db_default=0)
    repaired = models.PositiveIntegerField(_("repaired"), default=0)
    need_person = models.PositiveIntegerField(_("need a person"), default=0)

    class Meta(LongRun.Meta):
        db_table = "bitrix_reconciliations"
        verbose_name = _("comparison with the site")
        verbose_name_plural = _("comparisons with the site")
        indexes = [models.Index(fields=["-started_at"], name="bitrix_reconciliations_newest")]

    @property
    def processed(self) -> int:
        """Return how many orders the run has compared."""
        return self.compared


class Difference(Table):
    """A field with different values on both sides, or an order that exists on only one side, found by a comparison.

    The values are in the comparable form of `orders.sync.fields`. A version is stored as a number.
    """

    class Kind(models.TextChoices):
        FIELD = "field", _("another value")
        MISSING_HERE = "missing_here", _("missing here")
        MISSING_THERE = "missing_there", _("missing on the site")

    class Outcome(models.TextChoices):
        FOUND = "found", _("found")
        REPAIRED = "repaired", _("repaired")
        PERSON = "person", _("needs a person")
        RESOLVED = "resolved", _("decided by hand")
        GONE = "gone", _("no longer differs")

    class Side(models.TextChoices):
        SITE = "site", _("the site's")
        OURS = "ours", _("ours")

    run = models.ForeignKey(
        Reconciliation, verbose_name=_("comparison"), on_delete=models.CASCADE, related_name="found"
    )
    order = models.ForeignKey(
        Order, verbose_name=_("order"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    bitrix_order_id = models.BigIntegerField(_("id on the site"), null=True, blank=True)
    kind = models.CharField(_("what"), max_length=20, choices=Kind, default=Kind.FIELD)
    field = models.CharField(_("field"), max_length=40, blank=True, default="")
    agreed = models.JSONField(_("last agreed"), null=True, blank=True)
    ours = models.JSONField(_("here"), null=True, blank=True)
    theirs = models.JSONField(_("on the site"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome, default=Outcome.FOUND)
    why = models.TextField(_("why"), blank=True, default="")
    side = models.CharField(_("side taken"), max_length=10, choices=Side, blank=True, default="")
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    resolved_at = models.DateTimeField(_("decided"), null=True, blank=True)

    class Meta:
        db_table = "bitrix_differences"
        ordering = ["bitrix_order_id", "created_at"]
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        indexes = [
            models.Index(fields=["run", "outcome", "bitrix_order_id"], name="bitrix_differences_run"),
            models.Index(
                fields=["bitrix_order_id"],
                name="bitrix_differences_open_id",
                condition=_IS_OPEN,
            ),
            models.Index(fields=["order"], name="bitrix_differences_open_order", condition=_IS_OPEN),
            models.Index(fields=["created_at"], name="bitrix_differences_created"),
            models.Index(fields=["outcome"], name="bitrix_differences_person", condition=Q(outcome="person")),
        ]

    def __str__(self) -> str:
        return f"{self.bitrix_order_id or self.order_id} {self.field or self.kind}"

    @property
    def is_open(self) -> bool:
        """Return whether a user may still decide between the values of both sides."""
        return self.outcome in OPEN


OPEN = (Difference.Outcome.FOUND, Difference.Outcome.PERSON)
