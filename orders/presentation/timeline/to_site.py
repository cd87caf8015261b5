"""Renderers of timeline entries about pushes to the site."""

from collections.abc import Iterator

from django.utils.translation import gettext

from orders.presentation.losses import losses_text
from orders.presentation.timeline.labels import field_label
from orders.presentation.timeline.names import Names
from orders.presentation.timeline.registry import renders
from orders.presentation.timeline.values import value_text
from orders.sync.site_response import DAMAGED, OCCURRENCE, SiteWarning
from orders.timeline_payloads import RefusedBySite, SentToSite, SiteWarned


@renders(SentToSite, icon="cloud_done")
def sent_to_site(payload: SentToSite, names: Names) -> Iterator[str]:
    """Yield the id of a created order, or the accepted status, or the names of the accepted fields."""
    if payload.created:
        yield gettext("Created on the site under id %(id)s") % {"id": payload.created}
    elif payload.values.keys() == {"status"}:
        status = value_text("status", payload.values["status"], names)
        yield gettext("The site has the status “%(status)s”") % {"status": status}
    elif payload.values:
        yield gettext("Sent: %(fields)s") % {"fields": ", ".join(field_label(name) for name in payload.values)}


@renders(RefusedBySite, icon="cloud_off")
def refused_by_site(payload: RefusedBySite, names: Names) -> Iterator[str]:
    """Yield the message about the failure, and the fields that were not sent."""
    if payload.message:
        yield names.masked(payload.message)
    if payload.fields:
        yield gettext("Not sent: %(fields)s") % {"fields": ", ".join(field_label(name) for name in payload.fields)}


@renders(SiteWarned, icon="report")
def site_warned(payload: SiteWarned, names: Names) -> Iterator[str]:
    """Yield the warnings, without amounts or phones that the reader may not see."""
    yield from (_warning(warning, names) for warning in payload.warnings)


def _warning(warning: SiteWarning, names: Names) -> str:
    if warning.code == OCCURRENCE and "total_amount" in names.hidden:
        return gettext("Money went to the customer's account on the site, or came from it")
    if warning.code == DAMAGED:
        return gettext("The site holds “%(field)s” in a different form: %(why)s. Ours is kept here.") % {
            "field": field_label(warning.field),
            "why": losses_text(warning.about.split(",")),
        }
    return names.masked(warning.message)
