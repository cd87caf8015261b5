"""The columns that every long run has."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.tables import Table


class LongRun(Table):
    """One run. A unique index allows only one active run of each model, unless the model has another constraint."""

    class State(models.TextChoices):
        RUNNING = "running", pgettext_lazy("run", "runs")
        DONE = "done", pgettext_lazy("run", "done")
        FAILED = "failed", pgettext_lazy("run", "failed")
        STOPPED = "stopped", pgettext_lazy("run", "stopped")

    state = models.CharField(_("state"), max_length=20, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("started by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True, default="")

    # The last resumption: its time, its user, and the number of items that were processed before it.
    resumed_at = models.DateTimeField(null=True, editable=False)
    resumed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("resumed by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    resumed_from = models.PositiveIntegerField(default=0, editable=False)

    # The process with the lease, and the end of the lease. If there is no process, `lease_until` is the end of a retry
    # delay.
    claimed_by = models.UUIDField(null=True, editable=False)
    process = models.CharField(max_length=255, blank=True, default="", editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    expected = models.PositiveIntegerField(_("expected"), default=0, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)

    class Meta:
        abstract = True
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="running"), name="%(app_label)s_%(class)s_one_running"
            ),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.started_at):%d.%m.%Y %H:%M}"

    @property
    def processed(self) -> int:
        """Return the number of the `expected` items that the run has processed."""
        raise NotImplementedError

    @property
    def is_measured(self) -> bool:
        """Return whether `expected` is the length of the current pass, so that a percentage can be shown."""
        return True

    def count_remaining(self) -> int:
        """Return the number of items that are left in the current pass."""
        return max(self.expected - self.processed, 0)
