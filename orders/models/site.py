"""The model of what the site has reported about itself."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SiteReport(models.Model):
    """The one row with the letters, lengths and decimals that the site can store, as the bridge has reported them."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    limits = models.JSONField(_("what the site can store"), default=dict, blank=True)
    """The JSON value of `orders.sync.site_storage.SiteLimits`."""
    reported_at = models.DateTimeField(_("reported"))

    class Meta:
        db_table = "site_reports"
        verbose_name = _("report of the site")
        verbose_name_plural = _("reports of the site")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="site_reports_one_row")]

    def __str__(self) -> str:
        return f"{self.reported_at:%Y-%m-%d %H:%M}"
