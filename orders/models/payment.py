"""The model of payments."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from cvety_crm.tables import Table
from orders.models.order import Order, Source
from orders.models.pay_system import PaymentMethod
from orders.models.work import Courier


class Payment(Table):
    """A sum that was paid for an order, or a negative sum that was given back. Only `orders.services` writes payments.

    The sum of an order's payments is `Order.paid_amount`, unless that is unknown. Payments are in the order's currency,
    and are never edited or deleted: a wrong one is corrected by another one.
    """

    order = models.ForeignKey(Order, verbose_name=_("order"), on_delete=models.CASCADE, related_name="payments")
    amount = models.DecimalField(pgettext_lazy("payment", "amount"), max_digits=12, decimal_places=2)
    method = models.CharField(_("payment method"), max_length=50, choices=PaymentMethod, blank=True, default="")
    paid_at = models.DateTimeField(pgettext_lazy("payment", "when"), default=timezone.now)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=pgettext_lazy("payment", "taken by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    courier = models.ForeignKey(
        Courier,
        verbose_name=_("courier"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="payments",
        db_index=False,
        help_text=_("The courier who has collected the sum."),
    )
    settled_at = models.DateTimeField(_("handed in"), null=True, blank=True)
    source = models.CharField(pgettext_lazy("payment", "source"), max_length=50, choices=Source, default=Source.ADMIN)
    bitrix_payment_id = models.BigIntegerField(_("id on the site"), null=True, blank=True)
    corrects = models.ForeignKey(
        "self",
        verbose_name=_("payment that was wrong"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="corrections",
    )
    reason = models.TextField(pgettext_lazy("payment", "reason"), blank=True, default="")

    class Meta:
        db_table = "payments"
        ordering = ["paid_at", "created_at"]
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        indexes = [
            models.Index(fields=["-paid_at"], name="payments_paid"),
            # Reports read the refunds, which are few, and not all payments of a period.
            models.Index(fields=["order"], name="payments_refunds", condition=Q(amount__lt=0)),
            models.Index(
                fields=["courier", "paid_at"],
                name="payments_collected",
                condition=Q(courier__isnull=False, settled_at=None),
            ),
            # The report of couriers reads the cash of all orders of a period from this index alone.
            models.Index(
                fields=["order"],
                include=["amount"],
                name="payments_cash",
                condition=Q(courier__isnull=False, method=PaymentMethod.CASH.value),
            ),
        ]
        permissions = [("refund_payment", gettext_noop("Can record refunds and correct payments"))]
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="payments_not_zero")]

    def __str__(self) -> str:
        return f"{self.amount}"
