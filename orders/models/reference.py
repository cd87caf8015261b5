"""The models of reference data: statuses, cities, shops and delivery slots, which staff may edit."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.tables import Table
from orders.values.slots import KEY_LENGTH


class Stage(models.TextChoices):
    """The stage of a status. Code and pages depend on stages, because staff may edit statuses."""

    NEW = "new", _("New")
    ACCEPTED = "accepted", _("Accepted")
    MAKING = "making", _("Being made")
    WAITING = "waiting", _("Waiting")
    READY = "ready", _("Ready")
    DELIVERING = "delivering", _("On its way")
    DONE = "done", _("Done")
    PROBLEM = "problem", _("Problem")
    CANCELLED = "cancelled", _("Cancelled")


class SiteReference(Table):
    """A row that the site also has. The name of a stub contains its id, until staff or the site give it a name."""

    name = models.TextField(_("name"))
    needs_attention = models.BooleanField(_("needs a look"), default=False)
    bitrix_state = models.JSONField(_("agreed with the site"), default=dict, db_default={}, blank=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Status(SiteReference):
    """A status of orders. `bitrix_codes[0]` is pushed to the site. The other codes are only accepted from the site.

    If the site's name of one of the codes does not fit the stage, the status is questioned: `questioned_stage` contains
    its stage, and `stage` is "problem" until a user decides, so that no page hides the orders of the status
    (`orders.services.status_questions`).
    """

    code = models.CharField(_("code"), max_length=50, unique=True)
    bitrix_codes = ArrayField(
        models.CharField(max_length=10),
        verbose_name=_("codes on the site"),
        default=list,
        blank=True,
        help_text=_("The first one is sent to the site, the others are accepted from it."),
    )
    stage = models.CharField(_("stage"), max_length=20, choices=Stage, default=Stage.PROBLEM)
    questioned_stage = models.CharField(
        _("stage before the question"),
        max_length=20,
        choices=Stage,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    sort = models.IntegerField(_("order in lists"), default=100)
    is_final = models.BooleanField(_("final"), default=False, help_text=_("Nothing follows; the order is closed."))
    next_codes = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("allowed next statuses"),
        default=list,
        blank=True,
        help_text=_("Codes of the statuses a manager may choose next, the usual one first. Empty: any."),
    )

    class Meta:
        db_table = "order_statuses"
        ordering = ["sort", "code"]
        verbose_name = _("status")
        verbose_name_plural = _("statuses")
        indexes = [GinIndex(fields=["bitrix_codes"], name="order_statuses_bitrix_codes")]

    def clean(self) -> None:
        """Raise `ValidationError` if another status has one of the site codes, or if a next status does not exist."""
        super().clean()
        others = Status.objects.exclude(pk=self.pk)
        if taken := others.filter(bitrix_codes__overlap=self.bitrix_codes or []).first():
            raise ValidationError({"bitrix_codes": _("The status “%(name)s” has this code already.") % {"name": taken}})
        known = set(others.values_list("code", flat=True)) | {self.code}
        if unknown := [code for code in self.next_codes or [] if code not in known]:
            raise ValidationError({"next_codes": _("No such status: %(codes)s.") % {"codes": ", ".join(unknown)}})

    @property
    def is_questioned(self) -> bool:
        """Return whether a user must decide which stage the status has. Until then staff can't choose the status."""
        return bool(self.questioned_stage)

    @property
    def intended_stage(self) -> str:
        """Return the stage of the status, or the stage that it had before it was questioned."""
        return self.questioned_stage or self.stage

    @property
    def bitrix_code(self) -> str | None:
        """Return the code that is pushed to the site, or None if the site has no such status.

        The result is None also for a questioned status, because its code may mean a different status on the site.
        """
        return self.bitrix_codes[0] if self.bitrix_codes and not self.is_questioned else None

    def allows(self, code: str) -> bool:
        """Return whether staff may change this status to `code`. The site may make any change."""
        if self.next_codes:
            return code in self.next_codes
        return not self.is_final


class SiteStatus(Table):
    """A status as the site has it: its code, its name and its place in the site's lists."""

    code = models.CharField(_("code"), max_length=10, unique=True)
    name = models.TextField(_("name"))
    sort = models.IntegerField(_("order in lists"), default=1000)
    confirmed_name = models.TextField(_("confirmed name"), blank=True, default="", db_default="", editable=False)
    """The name for which a user has confirmed the stage of the status with this code."""

    class Meta:
        db_table = "site_statuses"
        ordering = ["sort", "code"]
        verbose_name = _("status of the site")
        verbose_name_plural = _("statuses of the site")

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class NamedById(SiteReference):
    """A row that the site identifies by its id."""

    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        abstract = True
        ordering = ["name"]


class City(NamedById):
    """A city of delivery."""

    bitrix_id = models.BigIntegerField(_("id on the site"), unique=True)

    class Meta(NamedById.Meta):
        db_table = "cities"
        verbose_name = _("city")
        verbose_name_plural = _("cities")


class Shop(NamedById):
    """A shop that makes bouquets. The table calls it a seller."""

    bitrix_id = models.BigIntegerField(_("id on the site"), unique=True)

    class Meta(NamedById.Meta):
        db_table = "sellers"
        verbose_name = _("shop")
        verbose_name_plural = _("shops")


class DeliverySlot(NamedById):
    """A delivery slot. If the site sends a slot as a string, the id is made from that string (`slot_key`)."""

    bitrix_id = models.CharField(_("id on the site"), max_length=KEY_LENGTH, unique=True)
    starts_at = models.TimeField(pgettext_lazy("time", "from"), null=True, blank=True)
    ends_at = models.TimeField(pgettext_lazy("time", "till"), null=True, blank=True)
    daily_capacity = models.PositiveIntegerField(
        _("deliveries a day, at most"),
        null=True,
        blank=True,
        help_text=_("The report of deliveries compares the orders of a day with it. Empty: not limited."),
    )

    class Meta(NamedById.Meta):
        db_table = "delivery_times"
        ordering = ["starts_at", "ends_at", "name"]
        verbose_name = _("delivery slot")
        verbose_name_plural = _("delivery slots")
