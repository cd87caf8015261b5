"""The models of payment methods: those of the CRM, and the pay systems of the site, each with a chosen method."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.models.reference import NamedById


class PaymentMethod(models.TextChoices):
    """The way in which the customer pays."""

    CASH = "cash", _("cash")
    CARD = "card", pgettext_lazy("payment", "card")
    KASPI = "kaspi", _("Kaspi")
    TRANSFER = "transfer", _("transfer")
    ONLINE = "online", pgettext_lazy("payment", "online on the site")
    CERTIFICATE = "certificate", pgettext_lazy("payment", "gift certificate")


class PaySystem(NamedById):
    """A pay system of the site. Its orders have the chosen payment method, or an unknown one until a user chooses.

    `chosen_at` is None if no user has chosen: the method is then empty, or comes from the setting.
    """

    bitrix_id = models.BigIntegerField(_("id on the site"), unique=True)
    payment_method = models.CharField(
        _("payment method"), max_length=50, choices=PaymentMethod, blank=True, default="", db_default="", editable=False
    )
    chosen_at = models.DateTimeField(_("chosen"), null=True, blank=True, editable=False)
    chosen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta(NamedById.Meta):
        db_table = "pay_systems"
        verbose_name = _("pay system")
        verbose_name_plural = _("pay systems")
