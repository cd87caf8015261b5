"""The page with the log of sign-ins."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from cvety_crm.admin_site.base import ReadOnlyModelAdmin, admin_link, badge
from cvety_crm.admin_site.filters import DayOrRangeFilter
from cvety_crm.models import SignInEvent
from cvety_crm.users import display_name

_Kind = SignInEvent.Kind
_SIGNS = {
    _Kind.SIGNED_IN: ("delivered", "✔"),
    _Kind.FAILED: ("pending", "▲"),
    _Kind.THROTTLED: ("failed", "✖"),
}


@admin.register(SignInEvent)
class SignInEventAdmin(ReadOnlyModelAdmin):
    """The log of sign-ins. A page runs one query for all rows."""

    list_display = ("created_column", "user_column", "kind_column", "method", "address", "device", "actor_column")
    list_display_links = ("created_column",)
    list_filter = (("kind", ChoicesDropdownFilter), ("method", ChoicesDropdownFilter), ("created_at", DayOrRangeFilter))
    search_fields = ("username", "user__first_name", "user__last_name", "address", "device")
    search_help_text = _("Name of the user, address or device")
    ordering = ("-created_at", "id")
    extra_lookups = ("user__id__exact",)
    fields = ("created_column", "user_column", "kind_column", "method", "address", "device", "actor_column", "details")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SignInEvent]:
        """Return the entries with their users."""
        return super().get_queryset(request).select_related("user", "actor")

    @admin.display(description=_("user"), ordering="username")
    def user_column(self, entry: SignInEvent) -> str:
        """Return the name of the user, or that no account has the name that was typed."""
        if entry.user is not None:
            return admin_link(entry.user, display_name(entry.user))
        return entry.username or str(_("no such account"))

    @admin.display(description=_("what"), ordering="kind")
    def kind_column(self, entry: SignInEvent) -> str:
        """Return what happened."""
        state, sign = _SIGNS.get(_Kind(entry.kind), ("cancelled", "•"))
        return badge(state, sign, entry.get_kind_display())

    @admin.display(description=_("done by"))
    def actor_column(self, entry: SignInEvent) -> str:
        """Return who did this to the account of another user."""
        return display_name(entry.actor) or "—"
