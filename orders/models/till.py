"""The models of what couriers hand in, and of the day's till."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from cvety_crm.tables import Table
from orders.models.pay_system import PaymentMethod
from orders.models.work import Courier


def _sum(label: object) -> models.DecimalField:
    return models.DecimalField(label, max_digits=12, decimal_places=2)  # type: ignore[arg-type]


class CourierSettlement(Table):
    """The cash that a courier has handed in, in KZT. Its payments have its time as `Payment.settled_at`."""

    courier = models.ForeignKey(
        Courier, verbose_name=_("courier"), on_delete=models.PROTECT, related_name="settlements"
    )
    day = models.DateField(_("deliveries of"))
    expected = _sum(pgettext_lazy("cash", "expected"))
    handed_in = _sum(_("handed in"))
    note = models.TextField(_("note"), blank=True, default="")
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "courier_settlements"
        ordering = ["-created_at"]
        verbose_name = _("cash handed in")
        verbose_name_plural = _("cash handed in")
        indexes = [models.Index(fields=["day", "courier"], name="settlements_day")]

    def __str__(self) -> str:
        return f"{self.courier}, {self.day}"

    @property
    def difference(self) -> Decimal:
        """Return by how much more was handed in than expected."""
        return self.handed_in - self.expected


class TillDay(Table):
    """A day whose money was counted. After that, a payment of the day needs a reason."""

    day = models.DateField(_("day"), unique=True)
    note = models.TextField(_("note"), blank=True, default="")
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    closed_at = models.DateTimeField(_("closed"))

    class Meta:
        db_table = "till_days"
        ordering = ["-day"]
        verbose_name = _("day's till")
        verbose_name_plural = _("day's tills")
        permissions = [("close_till", gettext_noop("Can count and close the day's till"))]

    def __str__(self) -> str:
        return str(self.day)


class TillCount(Table):
    """The money of one payment method that a day should have and that was counted, in KZT."""

    till = models.ForeignKey(TillDay, on_delete=models.CASCADE, related_name="counts")
    method = models.CharField(_("payment method"), max_length=50, choices=PaymentMethod, blank=True)
    expected = _sum(pgettext_lazy("cash", "expected"))
    counted = _sum(_("counted"))

    class Meta:
        db_table = "till_counts"
        ordering = ["created_at"]
        verbose_name = _("count of a payment method")
        verbose_name_plural = _("counts of payment methods")
        constraints = [models.UniqueConstraint(fields=["till", "method"], name="till_counts_once")]

    def __str__(self) -> str:
        return self.method
