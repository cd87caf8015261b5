"""The model of the plans of sales for a month."""

from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.tables import Table
from orders.models.reference import Shop

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)


class MonthPlan(Table):
    """The sum, in KZT, and the number of orders that are planned for a month: of all orders, or of those of a shop."""

    month = models.DateField(_("month"))
    """The first day of the month."""
    shop = models.ForeignKey(
        Shop,
        verbose_name=_("shop"),
        to_field="bitrix_id",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text=_("Empty: the plan of all orders together."),
    )
    amount = models.DecimalField(
        pgettext_lazy("plan", "sum, ₸"), max_digits=14, decimal_places=2, validators=[MinValueValidator(1)]
    )
    orders = models.PositiveIntegerField(
        pgettext_lazy("plan", "orders"), null=True, blank=True, validators=[MinValueValidator(1)]
    )

    class Meta:
        db_table = "month_plans"
        ordering = ["-month", "shop"]
        verbose_name = _("plan of a month")
        verbose_name_plural = _("plans of months")
        constraints = [
            models.CheckConstraint(condition=Q(month__day=1), name="month_plans_first_day"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="month_plans_positive"),
            models.UniqueConstraint(
                fields=["month", "shop"],
                name="month_plans_of_shop",
                violation_error_message=_("This month has a plan of this shop already."),
            ),
            models.UniqueConstraint(
                fields=["month"],
                condition=Q(shop=None),
                name="month_plans_of_all",
                violation_error_message=_("This month has a plan of all orders already."),
            ),
        ]

    def __str__(self) -> str:
        name = format_date(self.month, "F Y")
        return f"{name}, {self.shop}" if self.shop else name

    def clean_fields(self, exclude: Any = None) -> None:
        """Set the first day of the month. Raise `ValidationError` if the year is a mistake."""
        super().clean_fields(exclude)
        if not self.month:
            return
        if not EARLIEST <= self.month <= LATEST:
            raise ValidationError({"month": _("Enter a month, such as 2026-12.")})
        self.month = self.month.replace(day=1)
