"""The model of the log of who has seen whose phone."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.tables import Table
from orders.models.customer import Customer
from orders.models.order import Order


class PhoneLook(Table):
    """A user who may see phones has opened something with phones: one row a day, however often.

    `orders.services.phone_looks` says what is recorded.
    """

    class Kind(models.TextChoices):
        """What the user has opened."""

        ORDER = "order", _("page of an order")
        CUSTOMER = "customer", _("page of a customer")
        SEARCH = "search", _("search by phone")
        LIST = "list", _("list with phones")
        EXPORT = "export", _("file with phones")
        DATA = "data", _("all data of a customer")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    day = models.DateField(_("day"), default=timezone.localdate)
    kind = models.CharField(_("what"), max_length=10, choices=Kind)
    subject = models.CharField(_("details"), max_length=80, blank=True, default="")
    """What tells rows of one day apart: the id of the order or the customer, or else a text without a phone."""
    order = models.ForeignKey(
        Order, verbose_name=_("order"), null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    looks = models.PositiveIntegerField(pgettext_lazy("phones", "times"), default=1, db_default=1)
    last_at = models.DateTimeField(_("last time"), default=timezone.now)

    class Meta:
        db_table = "phone_looks"
        ordering = ["-last_at"]
        verbose_name = _("look at phones")
        verbose_name_plural = _("looks at phones")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["user", "day", "kind", "subject"], name="phone_looks_once_a_day")
        ]
        indexes = [
            models.Index(fields=["-last_at", "-id"], name="phone_looks_newest"),
            models.Index(fields=["order"], name="phone_looks_order", condition=models.Q(order__isnull=False)),
            models.Index(fields=["customer"], name="phone_looks_customer", condition=models.Q(customer__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
