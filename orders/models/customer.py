"""The model of customers."""

from django.contrib.postgres.indexes import GinIndex, HashIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.tables import Table
from orders.values.phones import masked_phone
from orders.values.search_document import search_document


class Customer(Table):
    """The person who orders and pays. The site and the table name call them users."""

    name = models.TextField(pgettext_lazy("person", "name"), blank=True, default="", db_default="")
    phone = models.TextField(_("phone"), blank=True, default="", db_default="")
    other_phones = models.TextField(_("other phones"), blank=True, default="", db_default="", editable=False)
    """What the phone field contains besides the first number (`PhoneNumber.more`), and the customer's other fields."""
    email = models.EmailField(_("e-mail"), max_length=255, null=True, blank=True)  # noqa: DJ001 - as in the shop's schema
    bitrix_user_id = models.BigIntegerField(_("id on the site"), unique=True, null=True, blank=True)
    preferences = models.JSONField(_("preferences"), default=dict, db_default={}, blank=True)
    bitrix_state = models.JSONField(_("agreed with the site"), default=dict, db_default={}, blank=True, editable=False)
    note = models.TextField(_("note"), blank=True, default="", db_default="")
    needs_attention = models.BooleanField(_("needs a look"), default=False, db_default=False)
    search = models.GeneratedField(
        expression=search_document(words=["name", "email"], phones=["phone"], other_phones=["other_phones"]),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        db_table = "users"
        ordering = ["-created_at"]
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = [
            GinIndex(fields=["search"], name="users_search"),
            HashIndex(fields=["phone"], name="users_phone"),  # a text that is no phone may be too long for a B-tree
            models.Index(fields=["-created_at"], name="users_created"),
        ]

    def __str__(self) -> str:
        # Pages and logs show this string to users who may not see phones, so the phone is masked.
        return self.name or (masked_phone(self.phone) if self.phone else str(_("Customer without a name")))
