"""The abstract tables of the outbox: entries to deliver, and their delivery attempts."""

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cvety_crm.outbox.deliverers import deliverer_of
from cvety_crm.outbox.scheduling import schedule_delivery
from cvety_crm.tables import Table
from cvety_crm.users import User


class State(models.TextChoices):
    """The state of an entry."""

    PENDING = "pending", _("waiting")
    SENDING = "sending", _("being sent")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("no longer needed")


LIVE = (State.PENDING, State.SENDING)


class AttemptOutcome(models.TextChoices):
    """The values of `DeliveryAttempt.outcome`. An attempt whose worker was killed is first STARTED, then DIED."""

    STARTED = "started", _("started")
    DELIVERED = "delivered", _("delivered")
    POSTPONED = "postponed", _("to be repeated")
    REFUSED = "refused", _("refused")
    NOT_NEEDED = "not_needed", _("not needed")
    DIED = "died", _("the worker stopped in the middle")


class OutboxEntry(Table):
    """A row to deliver to another system. The row's app registers a deliverer (`cvety_crm.outbox.deliverers`)."""

    state = models.CharField(_("state"), max_length=20, choices=State, default=State.PENDING, db_default=State.PENDING)
    due_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    lease_until = models.DateTimeField(_("claimed until"), null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0, db_default=0, editable=False)
    failures = models.PositiveIntegerField(
        _("failures in a row"), default=0, db_default=0, editable=False, help_text=_("Since the last retry by hand.")
    )
    retry_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("retried by"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    last_code = models.CharField(_("code"), max_length=50, blank=True, default="", db_default="")
    last_error = models.TextField(_("reason"), blank=True, default="", db_default="")
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    def raises_alerts(self) -> bool:
        """Return whether failures of this entry raise alerts. A message about an alert must not raise another alert."""
        return True

    def lock_owner(self) -> None:
        """Lock the rows that must be locked before this entry, such as the order of a push.

        The caller is in a transaction that changes the entry.
        """

    def retry(self, *, by: User | None = None) -> bool:
        """Make a failed or cancelled entry pending and due now, with no failures.

        Return False if the entry has a different state, or if there is a pending entry with the same content.
        """
        self.due_at = timezone.now()
        try:
            with transaction.atomic():
                self.lock_owner()
                changed = self._rows(State.FAILED, State.CANCELLED).update(
                    state=State.PENDING, due_at=self.due_at, failures=0, retry_by=by, finished_at=None
                )
        except IntegrityError:
            return False
        if changed:
            schedule_delivery(self)
        return bool(changed)

    def deliver_now(self, *, by: User | None = None) -> bool:
        """Make a pending entry due now. Return False if the entry is not pending."""
        self.due_at = timezone.now()
        changed = self._rows(State.PENDING).update(due_at=self.due_at, retry_by=by)
        if changed:
            schedule_delivery(self)
        return bool(changed)

    def cancel(self, *, reason: str) -> bool:
        """Cancel a pending or failed entry. Return False if the entry has a different state."""
        with transaction.atomic():
            self.lock_owner()
            changed = self._rows(State.PENDING, State.FAILED).update(
                state=State.CANCELLED, last_error=reason, finished_at=timezone.now()
            )
            if changed:
                deliverer_of(self._meta.label).after_cancellation(self, reason)
        return bool(changed)

    def _rows(self, *states: State) -> "models.QuerySet[OutboxEntry]":
        # The filter on the state and the update run as one statement, so no other process can change the state in
        # between.
        return type(self)._default_manager.filter(pk=self.pk, state__in=states)


class DeliveryAttempt(Table):
    """One delivery attempt. A subclass adds `entry`, a foreign key with `related_name="attempt_log"`."""

    number = models.PositiveIntegerField(_("number"))
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    duration_ms = models.PositiveIntegerField(_("duration, ms"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=AttemptOutcome, default=AttemptOutcome.STARTED)
    code = models.CharField(_("code"), max_length=50, blank=True, default="")
    answer = models.TextField(_("answer"), blank=True, default="")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Empty: automatic."),
    )

    class Meta:
        abstract = True
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.number}: {self.get_outcome_display()}"


def live_index(name: str) -> models.Index:
    """Return the partial index over the rows that the sweep reads."""
    return models.Index(fields=["due_at"], name=name, condition=Q(state__in=[state.value for state in LIVE]))
