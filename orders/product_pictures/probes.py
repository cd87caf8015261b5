"""The health probe of the pictures of products."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.ops.health import Finding, Level, probe
from orders.product_pictures import disk_cache
from orders.product_pictures.fetching import SITE

MANY = 5
"""The number of missing pictures from which staff should know, if more pictures are missing than stored."""


@probe(_("Pictures of products"))
def pictures() -> Finding:
    """Report whether the site's pictures could be fetched the last time that a page needed one."""
    counts = disk_cache.summary()
    figure = gettext("stored: %(stored)d, not available: %(failed)d") % {
        "stored": counts.stored,
        "failed": counts.failed,
    }
    if reason := disk_cache.failure(SITE):
        hint = gettext(
            "Pictures can't be fetched from the site. Check SITE_URL, PICTURE_HOSTS, and that /upload/ can be read."
        )
        return Finding(Level.YELLOW, f"{figure}; {reason}", hint)
    if counts.failed >= MANY and counts.failed > counts.stored:
        return Finding(Level.YELLOW, figure, gettext("The site answers, but has most pictures no more, or hides them."))
    return Finding(Level.GREEN, figure)
