"""The model of calls: customers whom staff have reminded of the shop."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cvety_crm.tables import Table
from orders.models.customer import Customer


class CallReason(models.TextChoices):
    """The list on which the customer was."""

    AWAY = "away", _("not seen for a while")
    BIRTHDAY = "birthday", _("birthday")
    LAST_YEAR = "year", _("ordered last year")


class CustomerCall(Table):
    """A call to a customer, or a message instead. An undone call counts as not made."""

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="calls", db_index=False
    )
    reason = models.CharField(_("why"), max_length=20, choices=CallReason)
    note = models.TextField(_("note"), blank=True, default="", db_default="")
    caller = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    undone_at = models.DateTimeField(_("undone"), null=True, editable=False)

    class Meta:
        db_table = "customer_calls"
        ordering = ["-created_at"]
        verbose_name = _("call to a customer")
        verbose_name_plural = _("calls to customers")
        indexes = [
            models.Index(fields=["customer", "-created_at"], name="customer_calls_latest", condition=Q(undone_at=None))
        ]

    def __str__(self) -> str:
        return self.get_reason_display()
