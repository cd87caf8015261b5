"""The model of customers."""

from uuid import UUID

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, HashIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from cvety_crm.tables import Table
from orders.values.phone_masking import without_phones
from orders.values.phones import masked_phone
from orders.values.search_document import search_document

MESSAGE_LANGUAGE = "message_language"
"""The key in `Customer.preferences` of the language in which the customer was last written to."""


class CustomerQuerySet(models.QuerySet["Customer"]):
    """The rows of the table, which also contains merged customers."""

    def people(self) -> "CustomerQuerySet":
        """Return the customers that are not merged into another one."""
        return self.filter(merged_into=None)


class Customer(Table):
    """The person who orders and pays. The site and the table name call them users.

    A merged customer keeps its row, with its account and its contacts, so that the site's next event about it finds the
    customer into which it was merged. A shared account is a row without orders, so that no customer gets its id.
    """

    name = models.TextField(pgettext_lazy("person", "name"), blank=True, default="", db_default="")
    phone = models.TextField(_("phone"), blank=True, default="", db_default="")
    other_phones = models.TextField(_("other phones"), blank=True, default="", db_default="", editable=False)
    """What the phone field contains besides the first number (`PhoneNumber.more`), and the customer's other fields."""
    email = models.EmailField(_("e-mail"), max_length=255, null=True, blank=True)  # noqa: DJ001 - as in the shop's schema
    bitrix_user_id = models.BigIntegerField(_("id on the site"), unique=True, null=True, blank=True)
    preferences = models.JSONField(_("preferences"), default=dict, db_default={}, blank=True)
    bitrix_state = models.JSONField(_("agreed with the site"), default=dict, db_default={}, blank=True, editable=False)
    birthday = models.DateField(
        _("birthday"), null=True, blank=True, help_text=_("If the year is not known, enter 1900.")
    )
    note = models.TextField(_("note"), blank=True, default="", db_default="")
    needs_attention = models.BooleanField(_("needs a look"), default=False, db_default=False)
    merged_into = models.ForeignKey(
        "self",
        verbose_name=_("merged into"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="merged",
        help_text=_("The customer that has the orders. It is never merged itself."),
    )
    orders_count = models.PositiveIntegerField(_("orders"), default=0, db_default=0, editable=False)
    orders_total = models.DecimalField(
        _("sum of the orders"), max_digits=14, decimal_places=2, default=0, db_default=0, editable=False
    )
    last_order_at = models.DateTimeField(_("last order"), null=True, editable=False)
    """The three columns about the customer's orders are renewed by `orders.services.customer_totals`."""
    erased_at = models.DateTimeField(_("erased"), null=True, editable=False)
    erased_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("erased by"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    erased_account = models.BigIntegerField(null=True, editable=False)
    """The account on the site that the erased customer had. Its events about the account itself are ignored."""
    search = models.GeneratedField(
        expression=search_document(words=["name", "email"], phones=["phone"], other_phones=["other_phones"]),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = CustomerQuerySet.as_manager()

    class Meta:
        db_table = "users"
        ordering = ["-created_at"]
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = [
            GinIndex(fields=["search"], name="users_search"),
            HashIndex(fields=["phone"], name="users_phone"),  # a text that is no phone may be too long for a B-tree
            models.Index(fields=["-created_at"], name="users_created"),
            models.Index(fields=["-orders_count", "-id"], name="users_orders"),
            models.Index(fields=["-orders_total", "-id"], name="users_total"),
            models.Index(fields=["birthday"], name="users_birthday", condition=Q(birthday__isnull=False)),
            models.Index(F("last_order_at").desc(nulls_last=True), F("id").desc(), name="users_last_order"),
            models.Index(
                fields=["erased_account"], name="users_erased_account", condition=Q(erased_account__isnull=False)
            ),
        ]
        permissions = [
            ("merge_customer", gettext_noop("Can merge and part customers")),
            ("erase_customer", gettext_noop("Can download and erase the data of a customer")),
        ]

    def __str__(self) -> str:
        # Pages and logs show this string to users who may not see phones, so the phone is masked, also in the name.
        return without_phones(self.name) or (
            masked_phone(self.phone) if self.phone else str(_("Customer without a name"))
        )

    @property
    def kept_id(self) -> UUID:
        """Return the id of the customer that has the orders: this one, or the one into which it was merged."""
        return self.merged_into_id or self.pk


class SharedAccount(Table):
    """An account of the site under which many people order, such as that of all guests. It is no customer.

    `holder` is the customer that had the account until it was recognised. The holder's orders are given to the
    customers that their contacts name; then `holder` is None.
    """

    bitrix_user_id = models.BigIntegerField(_("id on the site"), unique=True)
    holder = models.ForeignKey(
        Customer, verbose_name=_("customer"), null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )

    class Meta:
        db_table = "shared_accounts"
        ordering = ["bitrix_user_id"]
        verbose_name = _("shared account")
        verbose_name_plural = _("shared accounts")

    def __str__(self) -> str:
        return str(self.bitrix_user_id)


class CustomerChange(Table):
    """A decision of staff about who a customer is. The timelines of the orders contain it too.

    A merge is in effect until `undone_at`. `customer` is the one that was merged, parted, or that had the order.
    """

    class Kind(models.TextChoices):
        """What staff have decided."""

        MERGED = "merged", _("merged")
        PARTED = "parted", _("parted")
        MOVED = "moved", _("order given to another customer")

    kind = models.CharField(_("what"), max_length=10, choices=Kind)
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), null=True, on_delete=models.PROTECT, related_name="changes"
    )
    other = models.ForeignKey(
        Customer, verbose_name=_("other customer"), on_delete=models.PROTECT, related_name="changes_of_others"
    )
    order = models.ForeignKey("orders.Order", verbose_name=_("order"), null=True, on_delete=models.CASCADE)
    orders_count = models.PositiveIntegerField(_("orders"), default=0, db_default=0)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone_at = models.DateTimeField(_("undone"), null=True)

    class Meta:
        db_table = "customer_changes"
        ordering = ["-created_at"]
        verbose_name = _("change of a customer")
        verbose_name_plural = _("changes of customers")
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(kind="merged", undone_at=None), name="customer_changes_one_merge"
            )
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
