"""The models of exports: who has exported what, and the templates of columns."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from cvety_crm.long_runs.model import LongRun
from cvety_crm.tables import Table

LONGEST_NAME = 60  # characters


class ExportRun(LongRun):
    """An export of a user. A small one was sent at once and has no file; a large one is written by the worker.

    `parameters` is the query string of the page with the rows, and `columns` are the keys of the columns.
    """

    table = models.CharField(_("table"), max_length=60)
    format = models.CharField(_("format"), max_length=20)
    parameters = models.TextField(_("query"), blank=True, default="")
    columns = ArrayField(models.CharField(max_length=40), verbose_name=_("columns"), default=list, blank=True)
    facts = models.JSONField(_("filters"), default=list, blank=True)
    """The period and the filters as texts: pairs of a label and a text."""
    shown = ArrayField(models.CharField(max_length=10), default=list, blank=True, editable=False)
    """`phones` and `prices`, if the file contains those that not every user may see."""
    rows = models.PositiveIntegerField(_("rows"), default=0)
    file = models.CharField(max_length=120, blank=True, default="", editable=False)
    """The name of the file in the folder of exports, or an empty string if there is none (any more)."""
    size = models.PositiveBigIntegerField(_("size"), default=0)
    expires_at = models.DateTimeField(_("kept until"), null=True, blank=True)

    class Meta(LongRun.Meta):
        db_table = "export_runs"
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        default_permissions = ()
        permissions = [("view_all_exports", gettext_noop("Can see and download the exports of others"))]
        constraints = []
        indexes = [
            models.Index(fields=["-started_at"], name="export_runs_newest"),
            models.Index(fields=["started_by", "-started_at"], name="export_runs_of_user"),
            models.Index(fields=["expires_at"], name="export_runs_files", condition=~models.Q(file="")),
        ]

    @property
    def processed(self) -> int:
        """Return how many rows have been written."""
        return self.rows


class ExportTemplate(Table):
    """The columns of a table that a user has saved. A template without an owner is the shop's."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("owner"), null=True, on_delete=models.CASCADE, related_name="+"
    )
    table = models.CharField(_("table"), max_length=60)
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    columns = ArrayField(models.CharField(max_length=40), verbose_name=_("columns"))
    format = models.CharField(_("format"), max_length=20)

    class Meta:
        db_table = "export_templates"
        ordering = ["name", "created_at"]
        verbose_name = _("template of exports")
        verbose_name_plural = _("templates of exports")
        default_permissions = ()
        permissions = [("share_exporttemplate", gettext_noop("Can save templates of exports for the shop"))]
        constraints = [
            models.UniqueConstraint("owner", "table", Lower("name"), name="export_templates_name_of_owner"),
            models.UniqueConstraint(
                "table", Lower("name"), name="export_templates_name_of_shop", condition=models.Q(owner__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name
