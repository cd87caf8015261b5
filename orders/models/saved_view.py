"""The models of saved views of the order list."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from cvety_crm.tables import Table

LONGEST_NAME = 60  # characters


class SavedView(Table):
    """A view of the order list that a user has saved: its query and its columns. A view without an owner is the shop's.

    `query` is the normalised query string (`orders.selectors.saved_views.normalised`), and `columns` are the keys of
    the columns from left to right.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("owner"), null=True, on_delete=models.CASCADE, related_name="+"
    )
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    query = models.TextField(_("query"))
    columns = ArrayField(models.CharField(max_length=20), verbose_name=_("columns"))
    position = models.PositiveIntegerField(_("position"), default=0, db_default=0)

    class Meta:
        db_table = "saved_views"
        ordering = ["position", "created_at"]
        verbose_name = _("view of the list")
        verbose_name_plural = _("views of the list")
        default_permissions = ()
        permissions = [("share_savedview", gettext_noop("Can save views of the list for the shop"))]
        constraints = [
            models.UniqueConstraint("owner", Lower("name"), name="saved_views_name_of_owner"),
            models.UniqueConstraint(
                Lower("name"), name="saved_views_name_of_shop", condition=models.Q(owner__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RoleView(Table):
    """The view with which the order list opens for the users of a role. A role has at most one."""

    role = models.OneToOneField("auth.Group", verbose_name=_("role"), on_delete=models.CASCADE, related_name="+")
    view = models.ForeignKey(
        SavedView, verbose_name=_("view of the list"), on_delete=models.CASCADE, related_name="roles"
    )

    class Meta:
        db_table = "role_views"
        verbose_name = _("default view of a role")
        verbose_name_plural = _("default views of roles")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.role}: {self.view}"
