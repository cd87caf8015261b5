"""The button “Refresh from the site” on the lists of reference data.

`settings.REFERENCE_REFRESH` names the function that fetches the data, because `orders` must not import
`bitrix_bridge`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.module_loading import import_string
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.outbox import DeliveryError
from orders.models.reference import SiteReference
from orders.services.inbound.reference_data import Changes

MOST_NAMES = 30
"""The largest number of names in a message about one kind of change. The first refresh may add hundreds of rows."""
Refresh = Callable[[], dict[type[SiteReference], Changes]]


def may_refresh(request: HttpRequest) -> bool:
    """Return whether the user may add and change statuses, cities, shops, delivery slots and pay systems.

    One refresh changes all of them.
    """
    names = ("status", "city", "shop", "deliveryslot", "paysystem")
    return all(request.user.has_perm(f"orders.{right}_{name}") for name in names for right in ("add", "change"))


class RefreshFromSite(Feature[Any]):
    """The button above the lists. It is a plain form with the method POST."""

    template = "orders/refresh_reference.html"

    def urls(self) -> list[URLPattern]:
        """Return the button's URL."""
        return [
            self.view("refresh/", self.refresh_from_site, name="refresh", methods=POST, permission=may_refresh),
        ]

    def list_context(self, request: HttpRequest, changelist: Any) -> dict[str, Any]:
        """Return the button's URL as `refresh_url`. It is empty for a user who may not refresh."""
        return {"refresh_url": reverse(f"admin:{self.url_prefix}_refresh") if may_refresh(request) else ""}

    def refresh_from_site(self, request: HttpRequest) -> HttpResponse:
        """Fetch the site's reference data, apply it, and redirect to the list with messages about the changes."""
        refresh: Refresh = import_string(settings.REFERENCE_REFRESH)
        try:
            outcome = refresh()
        except DeliveryError as failure:
            reason = gettext("Nothing was refreshed. %(reason)s") % {"reason": failure.message}
            messages.error(request, reason)
        else:
            _report(request, outcome)
        return HttpResponseRedirect(reverse(f"admin:{self.url_prefix}_changelist"))


def _report(request: HttpRequest, outcome: dict[type[SiteReference], Changes]) -> None:
    reported = {
        model: changes
        for model, changes in outcome.items()
        if changes.unchanged or changes.questions or _named(changes)
    }
    if not reported:
        messages.warning(request, gettext("The site has returned nothing: everything stays as it is."))
    for model, changes in reported.items():
        is_changed = bool(changes.created or changes.updated)
        title = capfirst(str(model._meta.verbose_name_plural))
        parts = [gettext("%(what)s: %(names)s") % {"what": what, "names": names} for what, names in _named(changes)]
        if changes.unchanged:
            parts.append(gettext("unchanged: %(count)d") % {"count": changes.unchanged})
        level = messages.SUCCESS if is_changed else messages.INFO
        if parts:
            messages.add_message(request, level, f"{title}. {capfirst('; '.join(parts))}.")
        if changes.questions:
            texts = "; ".join(question.text for question in changes.questions)
            messages.warning(
                request,
                gettext("Names that do not fit the stage, to decide under “Statuses of the site”: %(names)s.")
                % {"names": texts},
            )


def _named(changes: Changes) -> list[tuple[str, str]]:
    """Return the label of each kind of change that has occurred, with the names of the rows."""
    kinds = (
        (gettext("added from the site"), changes.created),
        (gettext("updated as on the site"), changes.updated),
        (gettext("left as staff set it, although the site differs"), changes.kept),
    )
    return [(what, _names(names)) for what, names in kinds if names]


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(gettext("“%(name)s”") % {"name": name} for name in names[:MOST_NAMES])
    left = len(names) - MOST_NAMES
    if left <= 0:
        return shown
    more = ngettext("and %(count)d more", "and %(count)d more", left) % {"count": left}
    return f"{shown} {more}"
