"""The models of the events received from the site and of the pushes to the site."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cvety_crm.correlation import LENGTH
from cvety_crm.outbox import LIVE, DeliveryAttempt, OutboxEntry, live_index
from cvety_crm.tables import Table
from orders.models import Order


class WebhookEvent(Table):
    """A webhook event in the inbox, stored as received but without its token, and with its outcome."""

    class State(models.TextChoices):
        PROCESSED = "processed", _("processed")
        QUEUED = "queued", _("stored first, to be processed")
        WAITING = "waiting", _("failed, to be repeated")
        FAILED = "failed", _("failed")

    class Action(models.TextChoices):
        CREATED = "created", _("created")
        UPDATED = "updated", _("updated")
        STATUS_CHANGED = "status_changed", _("status changed")
        UNCHANGED = "unchanged", _("nothing new")
        DUPLICATE = "duplicate", _("duplicate")
        STALE = "stale", _("outdated")
        IGNORED = "ignored", _("unknown event")
        STORED = "stored", _("stored, not processed")
        REFUSED = "refused", _("refused")

    event = models.CharField(_("event"), max_length=100)
    object_id = models.BigIntegerField(_("id on the site"), null=True, blank=True)
    payload = models.JSONField(_("as received"))
    fingerprint = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 - unique if it is set
    is_repetition = models.BooleanField(default=False, db_default=False, editable=False)
    """Whether the contents equal those of an earlier event, and only the site knows whether the order changed again."""
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.PROCESSED)
    action = models.CharField(_("outcome"), max_length=20, choices=Action)
    order = models.ForeignKey(
        Order, verbose_name=_("order"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    problems = models.JSONField(_("unreadable values"), default=list, blank=True)
    error = models.TextField(_("error"), blank=True, default="")
    traceback = models.TextField(_("traceback"), blank=True, default="")
    attempts = models.PositiveIntegerField(_("attempts"), default=1)
    retry_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed on the site"), null=True, blank=True, editable=False)
    """The time of the change by the clock of the site (DATE_UPDATE of an order), if the event has one."""
    remote_addr = models.GenericIPAddressField(_("sender's address"), null=True, blank=True)
    correlation_id = models.CharField(max_length=LENGTH, blank=True, default="", db_default="", editable=False)
    """The id of the log lines about the request (`cvety_crm.correlation`)."""

    class Meta:
        db_table = "bitrix_webhook_events"
        ordering = ["-created_at"]
        verbose_name = _("webhook event")
        verbose_name_plural = _("inbox")
        constraints = [models.UniqueConstraint(fields=["fingerprint"], name="webhook_events_once")]
        indexes = [
            models.Index(fields=["-created_at"], name="webhook_events_created"),
            models.Index(fields=["object_id", "-created_at"], name="webhook_events_object"),
            models.Index(fields=["order"], name="webhook_events_order"),
            models.Index(fields=["retry_at"], name="webhook_events_retry", condition=Q(state="waiting")),
            models.Index(fields=["state"], name="webhook_events_unprocessed", condition=~Q(state="processed")),
            models.Index(fields=["-created_at"], name="webhook_events_refused", condition=Q(action="refused")),
        ]

    def __str__(self) -> str:
        # A refused request may have no readable event.
        return f"{self.event} {self.object_id or ''}".strip() or str(self.get_action_display())

    @classmethod
    def latest_deletion(cls, bitrix_order_id: int) -> "WebhookEvent | None":
        """Return the latest event that reports the deletion of this order, or None if no event reports it."""
        events = cls.objects.filter(object_id=bitrix_order_id, event__iexact="order.delete")
        return events.order_by("-created_at").first()


class Push(OutboxEntry):
    """The row of the outbox that sends the changed fields of one order to the site.

    The values are read from the order during the delivery, so later changes of the order need no second push. An order
    has at most one push that is queued or being delivered.
    """

    order = models.ForeignKey(Order, verbose_name=_("order"), on_delete=models.CASCADE, related_name="pushes")
    fields = models.JSONField(_("what to send"), default=list, blank=True, help_text=_("When it was queued."))
    request = models.JSONField(_("last request"), default=dict, blank=True)
    correlation_id = models.CharField(max_length=LENGTH, blank=True, default="", db_default="", editable=False)
    """The id of the log lines about the change that has queued the push (`cvety_crm.correlation`)."""

    class Meta:
        db_table = "bitrix_pushes"
        ordering = ["-created_at"]
        verbose_name = _("push")
        verbose_name_plural = _("pushes to the site")
        constraints = [
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(state__in=[state.value for state in LIVE]),
                name="bitrix_pushes_one_live_per_order",
            ),
        ]
        indexes = [
            live_index("bitrix_pushes_due"),
            models.Index(fields=["-created_at"], name="bitrix_pushes_created"),
            models.Index(fields=["state"], name="bitrix_pushes_failed", condition=Q(state="failed")),
        ]

    def __str__(self) -> str:
        return str(_("Push of order № %(number)s") % {"number": self.order.order_number})

    def lock_owner(self) -> None:
        """Lock the order before the push. The services that change orders and queue pushes use the same sequence."""
        Order.objects.select_for_update(no_key=True).filter(pk=self.order_id).values_list("pk", flat=True).first()


class PushAttempt(DeliveryAttempt):
    """One attempt to deliver a push."""

    entry = models.ForeignKey(Push, on_delete=models.CASCADE, related_name="attempt_log")

    class Meta(DeliveryAttempt.Meta):
        db_table = "bitrix_push_attempts"
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [models.UniqueConstraint(fields=["entry", "number"], name="bitrix_push_attempts_number")]
