"""The model of orders."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Left, Now, TruncDate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from cvety_crm.tables import Table
from orders.models.customer import Customer
from orders.models.pay_system import PaymentMethod, PaySystem
from orders.models.reference import City, DeliverySlot, Shop, Status
from orders.models.work import Courier
from orders.values.districts import DISTRICT_LENGTH, district_of
from orders.values.search_document import search_document

_LONG_COLUMNS = (
    "search", "metadata", "bitrix_state", "delivery_address", "postcard_text", "comment", "courier_comment",
    "recipient_name", "recipient_phone", "recipient_other_phones",
)  # fmt: skip
"""The columns of an order whose length has no limit."""


def long_columns(relation: str) -> list[str]:
    """Return the lookups of the columns without a limit of length, which a list of rows with an order does not read.

    `relation` is the name of the foreign key to the order.
    """
    return [f"{relation}__{column}" for column in _LONG_COLUMNS]


class Source(models.TextChoices):
    """The source of an order or of a change."""

    SITE = "bitrix", _("site")
    ADMIN = "admin", _("admin")
    API = "api", _("API")
    TELEGRAM = "telegram", _("Telegram")
    IMPORT = "import", _("import")
    SYSTEM = "system", _("system")
    CUSTOMER = "customer", _("customer")


REPORTED_BY_SITE = (Source.SITE, Source.IMPORT)
"""The sources of data from the site: its webhook events and responses, and copies of its database."""


class Channel(models.TextChoices):
    """The way in which an order made by staff reached the shop."""

    PHONE = "phone", pgettext_lazy("channel", "phone call")
    WHATSAPP = "whatsapp", _("WhatsApp")
    INSTAGRAM = "instagram", _("Instagram")
    WALK_IN = "walk_in", _("came to the shop")


CHANNEL = "channel"
"""The key of the channel in `Order.metadata`."""
ENTERED_METHOD = "entered_method"
"""The key in `Order.metadata` of what the customer has entered about the payment: the `method`, or an unclear `text`.
It counts if no payment method is chosen for the pay system."""


SEARCHED_DETAILS = (
    # A user who may not see prices must not find an order by an amount.
    '$.properties.keyvalue() ? (!(@.key like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat"'
    ' flag "i")).value',
    "$.choices.*.*",
    *(f"$.fields.{column}" for column in ("TRACKING_NUMBER", "ADDITIONAL_INFO", "PAY_VOUCHER_NUM", "REASON_CANCELED")),
)
"""The JSON paths in `Order.metadata` of the values by which an order is found: what staff read in the site's data."""


IS_BACKDATED = Q(delivery_date=None) | Q(delivery_date__lt=TruncDate("created_at"))
"""The condition of orders without a date, or with one before the day in Almaty on which they were created."""


class SyncState(models.TextChoices):
    """Whether the site has the order as it is in the CRM. The pages of `orders` use no other data about the bridge."""

    SYNCED = "synced", _("the site knows")
    PENDING = "pending", _("waiting to be sent")
    FAILED = "failed", _("the site refused")
    CONFLICT = "conflict", _("the site decided otherwise")


class PaymentStatus(models.TextChoices):
    """The state of the payment."""

    PENDING = "pending", _("not paid")
    PAID = "paid", _("paid")
    REFUNDED = "refunded", _("refunded")


def _money(label: Any) -> models.DecimalField:
    return models.DecimalField(label, max_digits=12, decimal_places=2, default=Decimal(0), db_default=Decimal(0))


def _maker(label: Any) -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=label,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )


class Order(Table):
    """An order, received from the site or made by staff. Only `orders.services` writes orders.

    Money is in KZT, unless `currency` names a different currency. `unknown_values` maps the name of each field whose
    value the site has not sent, or has sent in a form that could not be read, to the text that the site sent (`""` if
    there is none). `bitrix_state` is the JSON value of an `Agreement` (`orders.sync.agreement`). It contains the
    values that both sides last agreed on, by the field names of `orders.sync.fields`. A value of the order that differs
    from the agreed value is a pending change.
    """

    order_number = models.CharField(_("number"), max_length=255)
    own_number = models.CharField(
        _("number given here"),
        max_length=20,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=_("The number of an order made here until the site numbers it; the customer knows this number."),
    )
    bitrix_order_id = models.BigIntegerField(_("id on the site"), unique=True, null=True, blank=True)
    status = models.ForeignKey(
        Status,
        verbose_name=_("status"),
        to_field="code",
        db_column="status",
        on_delete=models.PROTECT,
        related_name="orders",
    )
    status_held_until = models.DateTimeField(_("status can be undone until"), null=True, blank=True, editable=False)
    customer = models.ForeignKey(
        Customer,
        verbose_name=_("customer"),
        db_column="user_id",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="orders",
    )
    customer_before_merge = models.ForeignKey(
        Customer,
        verbose_name=_("customer before the merge"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="orders_before_merge",
        help_text=_("The merged customer to whom the order belongs again when the customers are parted."),
    )
    bitrix_user_id = models.BigIntegerField(_("customer's id on the site"), null=True, blank=True)
    contact_name = models.TextField(_("name given with the order"), blank=True, default="", db_default="")
    contact_phone = models.TextField(_("phone given with the order"), blank=True, default="", db_default="")
    contact_email = models.CharField(
        _("e-mail given with the order"), max_length=254, blank=True, default="", db_default=""
    )

    recipient_name = models.TextField(_("recipient"), blank=True, default="", db_default="")
    recipient_phone = models.TextField(_("recipient's phone"), blank=True, default="", db_default="")
    recipient_other_phones = models.TextField(
        _("recipient's other phones"), blank=True, default="", db_default="", editable=False
    )
    """What the phone field contains besides the first number (`PhoneNumber.more`), and the recipient's other fields."""
    delivery_address = models.TextField(_("address"), blank=True, default="", db_default="")
    # Derived from the address by `save`, so that reports can group by it.
    delivery_district = models.CharField(
        _("district"), max_length=DISTRICT_LENGTH, blank=True, default="", db_default="", editable=False
    )
    delivery_date = models.DateField(_("delivery date"), null=True, blank=True)
    delivery_slot = models.ForeignKey(
        DeliverySlot,
        verbose_name=_("delivery time"),
        to_field="bitrix_id",
        db_column="delivery_time_id",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="orders",
    )
    city = models.ForeignKey(
        City,
        verbose_name=_("city"),
        to_field="bitrix_id",
        db_column="bitrix_city_id",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="orders",
    )
    shop = models.ForeignKey(
        Shop,
        verbose_name=_("shop"),
        to_field="bitrix_id",
        db_column="bitrix_shop_id",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="orders",
    )
    postcard_text = models.TextField(_("postcard"), blank=True, default="", db_default="")
    comment = models.TextField(_("customer's requests"), blank=True, default="", db_default="")
    courier_comment = models.TextField(_("shop's comment"), blank=True, default="", db_default="")

    total_amount = _money(_("sum"))
    delivery_fee = _money(_("delivery fee"))
    discount_amount = _money(_("discount"))
    paid_amount = _money(pgettext_lazy("amount", "paid"))
    currency = models.CharField(_("currency"), max_length=3, default="KZT", db_default="KZT")
    payment_method = models.CharField(
        _("payment method"), max_length=50, choices=PaymentMethod, blank=True, default="", db_default=""
    )
    pay_system = models.ForeignKey(
        PaySystem,
        verbose_name=_("pay system"),
        to_field="bitrix_id",
        db_column="bitrix_pay_system_id",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="orders",
    )
    payment_status = models.CharField(
        _("payment"),
        max_length=50,
        choices=PaymentStatus,
        default=PaymentStatus.PENDING,
        db_default=PaymentStatus.PENDING,
    )

    is_cancelled = models.BooleanField(_("cancelled on the site"), default=False, db_default=False)
    is_pickup = models.BooleanField(_("pickup"), default=False, db_default=False)
    is_anonymous = models.BooleanField(
        _("anonymous"), default=False, db_default=False, help_text=_("Do not name the sender.")
    )
    is_surprise = models.BooleanField(
        _("surprise"), default=False, db_default=False, help_text=_("Do not call the recipient.")
    )
    is_deleted_on_site = models.BooleanField(_("deleted on the site"), default=False, db_default=False, editable=False)
    is_archived_on_site = models.BooleanField(
        _("in the site's archive"), default=False, db_default=False, editable=False
    )
    is_stub = models.BooleanField(_("not complete yet"), default=False, db_default=False, editable=False)
    refetch_attempted_at = models.DateTimeField(_("last attempt to fetch the rest"), null=True, editable=False)

    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("responsible"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="orders",
    )
    # The making is a fact of the CRM (`orders.rules.making`). A moment without a user means that a status, and not a
    # known member of staff, has set the fact.
    taken_by = _maker(_("taken by"))
    taken_at = models.DateTimeField(_("bouquet taken"), null=True, blank=True, editable=False)
    ready_by = _maker(_("made ready by"))
    ready_at = models.DateTimeField(_("bouquet ready"), null=True, blank=True, editable=False)
    # Only an acceptance by staff is known. `orders.services.changes` sets both.
    accepted_by = _maker(_("accepted by"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True, editable=False)
    courier = models.ForeignKey(
        Courier, verbose_name=_("courier"), null=True, blank=True, on_delete=models.SET_NULL, related_name="orders"
    )
    courier_notified_at = models.DateTimeField(_("courier notified"), null=True, blank=True, editable=False)
    # The site does not have this field. A change of the courier or of the delivery date clears it.
    route_position = models.PositiveSmallIntegerField(
        _("place in the courier's route"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Without a place, the stop follows by its delivery time."),
    )
    problem = models.TextField(
        _("problem"), blank=True, default="", db_default="", help_text=_("Why somebody must look at the order.")
    )
    source = models.CharField(_("source"), max_length=50, choices=Source, default=Source.ADMIN)
    sync_state = models.CharField(
        _("site"), max_length=20, choices=SyncState, default=SyncState.SYNCED, db_default=SyncState.SYNCED
    )
    unknown_values = models.JSONField(_("unknown values"), default=dict, db_default={}, blank=True, editable=False)
    metadata = models.JSONField(_("other fields"), default=dict, db_default={}, blank=True, editable=False)
    bitrix_state = models.JSONField(_("agreed with the site"), default=dict, db_default={}, blank=True, editable=False)
    bitrix_version = models.IntegerField(_("version on the site"), null=True, blank=True, editable=False)
    bitrix_updated_at = models.DateTimeField(_("changed on the site"), null=True, blank=True, editable=False)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True, editable=False)
    erased_at = models.DateTimeField(_("personal data erased"), null=True, blank=True, editable=False)
    """Set if the data of the customer was erased. The site's events then change only what is not about people."""
    # This field replaces `Table.created_at`. For an order received from the site, its value is DATE_INSERT.
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    search = models.GeneratedField(
        expression=search_document(
            keys=["order_number", "own_number"],
            other_phones=["recipient_other_phones"],
            words=["recipient_name", "delivery_address", "contact_name", "contact_email"],
            phones=["recipient_phone", "contact_phone"],
            json_paths={"metadata": SEARCHED_DETAILS},
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        db_table = "orders"
        ordering = ["-created_at"]
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [
            GinIndex(fields=["search"], name="orders_search"),
            models.Index(fields=["-created_at", "-id"], name="orders_created"),
            models.Index(fields=["delivery_date", "delivery_slot"], name="orders_delivery"),
            models.Index(fields=["order_number"], name="orders_number"),
            # The included columns let the report of returning customers find earlier orders in the index alone.
            models.Index(
                fields=["customer", "-created_at"],
                include=["is_cancelled", "is_deleted_on_site"],
                name="orders_customer",
            ),
            # A text that is no phone may be too long for a B-tree. A number is shorter than this beginning.
            models.Index(
                Left("contact_phone", 20), F("created_at").desc(), name="orders_contact", condition=~Q(contact_phone="")
            ),
            models.Index(
                F("bitrix_user_id"), Left("contact_phone", 20), name="orders_account", condition=~Q(contact_phone="")
            ),
            models.Index(fields=["status", "-created_at"], name="orders_status"),
            models.Index(fields=["-updated_at"], name="orders_updated"),
            models.Index(fields=["created_at"], name="orders_stubs", condition=Q(is_stub=True)),
            models.Index(fields=["created_at"], name="orders_undated", condition=Q(delivery_date=None)),
            # An order is current by its date, or else by its creation (`orders.selectors.presets.is_current`). Nearly
            # all orders that are current by their creation have a later date, so the index for the others is small.
            models.Index(fields=["created_at"], name="orders_backdated", condition=IS_BACKDATED),
            models.Index(
                fields=["delivery_date"],
                name="orders_not_paid",
                condition=Q(payment_status=PaymentStatus.PENDING.value) | Q(unknown_values__has_key="payment_status"),
            ),
            models.Index(fields=["delivery_date"], name="orders_problems", condition=~Q(problem="")),
            models.Index(
                fields=["source", "-created_at"], name="orders_not_of_site", condition=~Q(source=Source.SITE.value)
            ),
            models.Index(
                fields=["-created_at"],
                name="orders_gone",
                condition=Q(is_cancelled=True) | Q(is_deleted_on_site=True),
            ),
            models.Index(
                fields=["sync_state"], name="orders_not_synced", condition=~Q(sync_state=SyncState.SYNCED.value)
            ),
        ]
        permissions = [
            ("change_order_status", gettext_noop("Can change an order's status")),
            ("make_order", gettext_noop("Can take bouquets and mark them as ready")),
            ("assign_order", gettext_noop("Can assign florists and couriers")),
            ("deliver_order", gettext_noop("Can mark orders as on their way and delivered")),
            ("export_order", gettext_noop("Can export orders")),
            ("view_phones", gettext_noop("Can see phones in full")),
            ("view_all_prices", gettext_noop("Can see prices of any day")),
            ("view_report", gettext_noop("Can see reports")),
        ]

    def __str__(self) -> str:
        return str(_("Order № %(number)s") % {"number": self.order_number})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the order, and the district of a changed address with it."""
        names = kwargs.get("update_fields")
        derived = self.set_derived_fields(names)
        if names is not None:
            kwargs["update_fields"] = [*names, *derived]
        super().save(*args, **kwargs)

    def set_derived_fields(self, names: Collection[str] | None) -> list[str]:
        """Set the district if the address is among the fields to save, or if all are (None). Return what was set."""
        if "delivery_address" in self.get_deferred_fields() or not (names is None or "delivery_address" in names):
            return []
        self.delivery_district = district_of(self.delivery_address)
        return ["delivery_district"]

    @property
    def has_left_site(self) -> bool:
        """Return whether the order is deleted or archived on the site. In that case no change can be pushed."""
        return self.is_deleted_on_site or self.is_archived_on_site

    @property
    def channel(self) -> str:
        """Return the label of the channel of an order made by staff, or an empty string for any other order."""
        value = self.metadata.get(CHANNEL)
        return str(Channel(value).label) if value in Channel.values else ""

    def is_unknown(self, name: str) -> bool:
        """Return whether the value of this field is unknown. The column then contains a default or an old value."""
        return name in self.unknown_values
