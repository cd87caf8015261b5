"""The admin of the inbox, with the received events, their outcomes and the action that processes events again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from bitrix_bridge.admin.exchange_counts import CountedEventsFilter
from bitrix_bridge.inbound.event_handlers import HANDLERS
from bitrix_bridge.inbound.inbox import reprocess
from bitrix_bridge.models import WebhookEvent
from cvety_crm.admin_site.base import ReadOnlyModelAdmin, admin_link, badge, pretty_json
from cvety_crm.admin_site.filters import DayOrRangeFilter
from cvety_crm.admin_site.outbox import find_row
from orders.models import long_columns
from orders.presentation.timeline import problem_text
from orders.rules.visibility import reason_to_hide_raw
from orders.sync.snapshot import Problem

MOST_AT_ONCE = 200
SIGNS: dict[str, str] = {
    WebhookEvent.State.PROCESSED: "✓",
    WebhookEvent.State.QUEUED: "⏳",
    WebhookEvent.State.WAITING: "⏳",
    WebhookEvent.State.FAILED: "!",
}
CSS: dict[str, str] = {
    WebhookEvent.State.PROCESSED: "delivered",
    WebhookEvent.State.QUEUED: "pending",
    WebhookEvent.State.WAITING: "pending",
    WebhookEvent.State.FAILED: "failed",
}


class EventNameFilter(DropdownFilter):
    """A filter by the name of the event. Only names that have a handler can be selected, so no query is needed."""

    title = _("event")
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the names of the events that have a handler."""
        return [(name, name) for name in HANDLERS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
        """Return the events with the selected name."""
        return queryset.filter(event=self.value()) if self.value() else queryset


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyModelAdmin):
    """The list of events and the page of one event, both read-only."""

    list_display = (
        "created_column",
        "event",
        "object_id",
        "state_column",
        "action_column",
        "order_column",
        "attempts",
        "error_column",
    )
    list_display_links = ("created_column", "event")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("action", ChoicesDropdownFilter),
        EventNameFilter,
        CountedEventsFilter,
        ("created_at", DayOrRangeFilter),
    )
    list_select_related = ("order",)
    search_fields = ("object_id",)
    search_help_text = _("Id on the site")
    ordering = ("-created_at", "-id")
    actions = ("reprocess_selected",)
    actions_detail = ("reprocess_dialog",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        """Defer the large columns, such as payloads, until they are read."""
        return super().get_queryset(request).defer("traceback", "payload", *long_columns("order"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookEvent], search_term: str
    ) -> tuple[QuerySet[WebhookEvent], bool]:
        """Search by the id on the site, which has an index. For any other text, find nothing."""
        text = search_term.strip().lstrip("№# ")
        if not text:
            return queryset, False
        if not text.isdecimal() or len(text) > 18:
            return queryset.none(), False
        return queryset.filter(object_id=int(text)), False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the sections of the page. Only superusers see the traceback, because it is about the code."""
        outcome = ["state_column", "action_column", "order_column", "problems_column"]
        if obj is not None and obj.error:
            outcome += ["error", *(["traceback_column"] if request.user.is_superuser else [])]
        return (
            (None, {"fields": ("event", "object_id", "created_at", "remote_addr")}),
            (_("Outcome"), {"fields": (*outcome, "attempts", "retry_at", "processed_at")}),
            (_("As received"), {"fields": ("payload_column",)}),
        )

    def has_reprocess_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user may process events again. This requires the permission to change events."""
        return bool(request.user.has_perm("bitrix_bridge.change_webhookevent"))

    def has_view_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user may view events. Users who may process events again may also view them."""
        return super().has_view_permission(request, obj) or self.has_reprocess_permission(request)

    # --- columns

    @admin.display(description=_("state"), ordering="state")
    def state_column(self, row: WebhookEvent) -> SafeString:
        """Return a badge with the event's state."""
        css, sign = CSS.get(row.state, "failed"), SIGNS.get(row.state, "!")
        return badge(css, sign, row.get_state_display())

    @admin.display(description=_("outcome"))
    def action_column(self, row: WebhookEvent) -> str:
        """Return the label of the event's outcome."""
        return str(row.get_action_display())

    @admin.display(description=_("order"))
    def order_column(self, row: WebhookEvent) -> str:
        """Return a link to the order."""
        return admin_link(
            row.order, f"№\N{NO-BREAK SPACE}{row.order.order_number}" if row.order else "", request=self.request
        )

    @admin.display(description=_("error"))
    def error_column(self, row: WebhookEvent) -> str:
        """Return the error, cut to 80 characters. If there is no error, return the number of unreadable fields."""
        if row.error:
            return Truncator(row.error).chars(80)
        return gettext("unreadable fields: %(count)s") % {"count": len(row.problems)} if row.problems else "—"

    @admin.display(description=_("unreadable values"))
    def problems_column(self, row: WebhookEvent) -> str:
        """Return a list of the unreadable fields."""
        if not row.problems:
            return "—"
        if reason := reason_to_hide_raw(self.request.user):
            return reason
        lines = ((problem_text(Problem.from_json(problem)),) for problem in row.problems)
        return format_html('<ul class="crm-problems">{}</ul>', format_html_join("", "<li>{}</li>", lines))

    @admin.display(description=_("payload"))
    def payload_column(self, row: WebhookEvent) -> str:
        """Return the payload as formatted JSON, or the reason why the user may not see it."""
        return reason_to_hide_raw(self.request.user) or pretty_json(row.payload)

    @admin.display(description=_("traceback"))
    def traceback_column(self, row: WebhookEvent) -> SafeString:
        """Return the traceback."""
        return format_html('<pre class="crm-json" tabindex="0">{}</pre>', row.traceback)

    # --- processing again

    @action(description=_("Process again"), permissions=["reprocess"])
    def reprocess_selected(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        """Process the selected events again, the oldest first, each in its own transaction."""
        ids = list(queryset.order_by("created_at").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(ids) > MOST_AT_ONCE:
            messages.error(request, gettext("At most %(count)s at once.") % {"count": MOST_AT_ONCE})
            return
        rows = [reprocess(event_id) for event_id in ids]
        processed = sum(row is not None and row.state == WebhookEvent.State.PROCESSED for row in rows)
        if processed:
            messages.success(request, gettext("Processed: %(count)s.") % {"count": processed})
        if failed := len(rows) - processed:
            messages.error(request, gettext("Failed again: %(count)s.") % {"count": failed})

    @action(
        description=_("Process again"),
        permissions=["reprocess"],
        url_path="reprocess",
        icon="replay",
        dialog={
            "title": _("Process again?"),
            "description": _("An event that is older than the stored state changes nothing."),
            "form_class": None,
            "form_submit_text": _("Process"),
        },
    )
    def reprocess_dialog(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Process this event again."""
        found = find_row(WebhookEvent, object_id)
        row = reprocess(found.pk) if found else None
        if found is None:
            messages.error(request, gettext("There is no such event."))
        elif row is None:
            messages.warning(request, gettext("It is being processed already."))
        elif row.state == WebhookEvent.State.PROCESSED:
            messages.success(request, gettext("Processed: %(outcome)s.") % {"outcome": row.get_action_display()})
        else:
            messages.error(request, row.error)
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Refresh": "true"})
        if found is None:
            return HttpResponseRedirect(reverse("admin:bitrix_bridge_webhookevent_changelist"))
        return HttpResponseRedirect(reverse("admin:bitrix_bridge_webhookevent_change", args=[found.pk]))
