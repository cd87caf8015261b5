"""The models of couriers, of notes and of presence."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.tables import Table
from orders.values.phone_masking import start_of, without_phones


class Courier(Table):
    """A person who delivers orders."""

    name = models.CharField(pgettext_lazy("person", "name"), max_length=255)
    phone = models.CharField(_("phone"), max_length=20, blank=True, default="")
    telegram = models.CharField(_("Telegram"), max_length=64, blank=True, default="")
    is_active = models.BooleanField(_("works here"), default=True)

    class Meta:
        db_table = "couriers"
        ordering = ["name"]
        verbose_name = _("courier")
        verbose_name_plural = _("couriers")

    def __str__(self) -> str:
        return self.name


class OrderNote(Table):
    """A note that a member of staff added to an order. Notes are never edited or deleted."""

    order = models.ForeignKey("orders.Order", verbose_name=_("order"), on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("author"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    text = models.TextField(_("text"))

    class Meta:
        db_table = "order_notes"
        ordering = ["-created_at"]
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        # Titles show this string to users who may not see phones.
        return without_phones(start_of(self.text, 160))[:80]


class OrderPresence(Table):
    """A user who has the page of an order open, and when the page last reported it (`orders.selectors.presence`)."""

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="presences")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "order_presences"
        verbose_name = _("presence")
        verbose_name_plural = _("presences")
        constraints = [models.UniqueConstraint(fields=["order", "user"], name="order_presences_once")]
        indexes = [models.Index(fields=["seen_at"], name="order_presences_seen")]
