"""The model of message templates: texts that staff send to customers and recipients with one tap."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.tables import Table
from orders.models.reference import Stage
from orders.values.languages import Language
from orders.values.message_text import PRICES, mistakes, names_in

TEXT_LENGTH = 600
"""The maximum number of characters of a text. WhatsApp on phones cuts URLs with a much longer text."""


class Addressee(models.TextChoices):
    """The person to whom a message is sent."""

    CUSTOMER = "customer", _("customer")
    RECIPIENT = "recipient", _("recipient")


class MessageChannel(models.TextChoices):
    """The way in which a message was sent."""

    WHATSAPP = "whatsapp", _("WhatsApp")
    COPY = "copy", _("copied")


class Handover(models.TextChoices):
    """The orders for which a template is offered."""

    ANY = "any", _("delivery and pickup")
    DELIVERY = "delivery", _("only delivery")
    PICKUP = "pickup", _("only pickup")


class Purpose(models.TextChoices):
    """The occasion of a message."""

    ORDER = "order", _("about an order")
    CALL = "call", _("reminder to a customer")


class MessageTemplate(Table):
    """A message with placeholders (`orders.values.message_text`), in Russian and in Kazakh."""

    name = models.CharField(_("name"), max_length=60)
    addressee = models.CharField(_("for whom"), max_length=20, choices=Addressee, default=Addressee.CUSTOMER)
    stages = ArrayField(
        models.CharField(max_length=20, choices=Stage),
        verbose_name=_("stages"),
        default=list,
        blank=True,
        help_text=_("The message is offered for orders in these stages. None: for all orders."),
    )
    purpose = models.CharField(
        _("occasion"),
        max_length=20,
        choices=Purpose,
        default=Purpose.ORDER,
        db_default=Purpose.ORDER,
        help_text=_("A reminder is offered on the page of customers to call, not on the page of an order."),
    )
    handover = models.CharField(_("for which orders"), max_length=20, choices=Handover, default=Handover.ANY)
    text_ru = models.TextField(_("text in Russian"), max_length=TEXT_LENGTH)
    text_kk = models.TextField(_("text in Kazakh"), max_length=TEXT_LENGTH)
    is_active = models.BooleanField(_("in use"), default=True)
    sort = models.IntegerField(_("order in lists"), default=100)

    class Meta:
        db_table = "message_templates"
        ordering = ["sort", "name"]
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        constraints = [
            models.UniqueConstraint(
                fields=["addressee", "name"],
                name="message_templates_name",
                violation_error_message=_("This addressee already has a message with this name."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def placeholders(self) -> frozenset[str]:
        """Return the names of the placeholders in both texts."""
        return names_in(self.text_ru) | names_in(self.text_kk)

    def text_in(self, language: Language) -> str:
        """Return the text in this language."""
        return self.text_kk if language == Language.KAZAKH else self.text_ru

    def clean(self) -> None:
        """Raise `ValidationError` if a text has a mistake, or if the recipient would read a sum."""
        super().clean()
        errors: dict[str, Any] = {}
        if self.purpose == Purpose.CALL and self.addressee != Addressee.CUSTOMER:
            errors["purpose"] = gettext("Only the customer can be reminded.")
        for name in ("text_ru", "text_kk"):
            text = str(getattr(self, name) or "").replace("\r\n", "\n").strip()
            setattr(self, name, text)
            found = mistakes(text)
            if self.addressee == Addressee.RECIPIENT and (prices := sorted(names_in(text) & PRICES)):
                values = ", ".join(f"{{{price}}}" for price in prices)
                found.append(gettext("The recipient must not read the sum of a gift: %(values)s.") % {"values": values})
            if found:
                errors[name] = found
        if errors:
            raise ValidationError(errors)
