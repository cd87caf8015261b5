"""The admin pages of outbox entries. Staff can read, retry, deliver and cancel entries.

Only the engine writes entries. The actions of staff (try again, try now, no longer needed) call the methods of the
entry. On the entry's page each action opens a dialog first, so that a GET request changes nothing.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from cvety_crm.admin_site.base import ReadOnlyModelAdmin, badge, moment
from cvety_crm.outbox import UNREACHABLE, OutboxEntry, State
from cvety_crm.text_limits import TextLimitsMixin
from cvety_crm.users import User

SIGNS: dict[str, str] = {
    State.PENDING: "⏳",
    State.SENDING: "➤",
    State.DELIVERED: "✓",
    State.FAILED: "!",
    State.CANCELLED: "×",
}
_ALLOWED = {
    State.PENDING: ("deliver_now", "cancel"),
    State.FAILED: ("retry", "cancel"),
    State.CANCELLED: ("retry",),
}
MOST_AT_ONCE = 500


class CancelForm(TextLimitsMixin, BaseDialogForm):
    """A form for the reason why an entry is cancelled."""

    reason = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextInputWidget())


def state_badge(entry: OutboxEntry) -> SafeString:
    """Return the state of an entry as a badge."""
    return badge(entry.state, SIGNS.get(entry.state, "?"), entry.get_state_display())


class AttemptInline(TabularInline):
    """The delivery attempts of an entry, newest first."""

    fields = ("number", "started_at", "duration_ms", "outcome", "code", "answer_column", "actor")
    readonly_fields = fields
    extra = 0
    can_delete = False
    hide_title = True
    verbose_name_plural = _("attempts")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the attempts with their users, newest first."""
        return super().get_queryset(request).select_related("actor").order_by("-number")

    @admin.display(description=_("answer"))
    def answer_column(self, attempt: Any) -> SafeString:
        """Return the other system's response."""
        return format_html('<span class="crm-answer">{}</span>', attempt.answer or "—")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user may view the entry."""
        opts = self.parent_model._meta
        return bool(request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}"))

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class OutboxEntryAdmin(ReadOnlyModelAdmin):
    """The base admin of all kinds of outbox entries."""

    actions = ("retry_selected", "deliver_now_selected", "cancel_selected")
    actions_detail = ("retry_dialog", "deliver_now_dialog", "cancel_dialog")
    ordering = ("-created_at", "-id")

    def has_deliver_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user may retry, deliver or cancel entries: this is the permission to change them."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))

    def has_view_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user may view entries. The permission to deliver them includes it."""
        return super().has_view_permission(request, obj) or self.has_deliver_permission(request)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Return the actions that the state of the entry allows."""
        entry = find_row(self.model, str(object_id))
        names = _ALLOWED.get(entry.state, ()) if entry else ()
        return [item for item in super().get_actions_detail(request, object_id) if item.path in names]

    def after_retry(self, entry: Any) -> None:
        """Do additional work in the transaction in which an entry was made pending again."""

    # --- columns

    @admin.display(description=_("state"), ordering="state")
    def state_column(self, entry: OutboxEntry) -> SafeString:
        """Return the state as a badge."""
        return state_badge(entry)

    @admin.display(description=_("next attempt"))
    def next_column(self, entry: OutboxEntry) -> str:
        """Return the time of the next attempt, or a dash if no attempt is planned."""
        if entry.state not in (State.PENDING, State.SENDING):
            return "—"
        return moment(entry.due_at)

    @admin.display(description=_("reason"))
    def reason_column(self, entry: OutboxEntry) -> str:
        """Return the code and the message of the last error."""
        text = Truncator(entry.last_error).chars(120)
        code = "" if entry.last_code == UNREACHABLE else entry.last_code
        return f"{code}: {text}" if code and text else text or "—"

    # --- actions on selected entries

    @action(description=_("Try again"), permissions=["deliver"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Make the selected entries that are failed or cancelled pending again. Show the number of other entries."""
        self._each(request, queryset, self._retry)

    @action(description=_("Try now"), permissions=["deliver"])
    def deliver_now_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Make the next attempts of the selected pending entries due now. Show the number of other entries."""
        self._each(request, queryset, self._deliver_now)

    @action(description=_("No longer needed"), permissions=["deliver"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Cancel the selected entries that are pending or failed. Show the number of other entries."""
        reason = gettext("Cancelled by %(user)s.") % {"user": request.user.get_username()}
        self._each(request, queryset, lambda entry, _user: bool(entry.cancel(reason=reason)))

    # --- actions on one entry

    @action(
        description=_("Try again"),
        permissions=["deliver"],
        url_path="retry",
        icon="replay",
        dialog={
            "title": _("Try again?"),
            "description": _("It is retried at once, with no failures counted."),
            "form_class": None,
            "form_submit_text": _("Try again"),
        },
    )
    def retry_dialog(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Make this entry pending again."""
        return self._one(request, object_id, self._retry)

    @action(
        description=_("Try now"),
        permissions=["deliver"],
        url_path="deliver_now",
        icon="bolt",
        dialog={
            "title": _("Try now?"),
            "description": _("The next attempt is made at once."),
            "form_class": None,
            "form_submit_text": _("Try now"),
        },
    )
    def deliver_now_dialog(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Make this entry's next attempt due now."""
        return self._one(request, object_id, self._deliver_now)

    @action(
        description=_("No longer needed"),
        permissions=["deliver"],
        url_path="cancel",
        icon="cancel",
        dialog={
            "title": _("No longer needed?"),
            "description": "",
            "form_class": CancelForm,
            "form_submit_text": _("Do not send"),
        },
    )
    def cancel_dialog(self, request: HttpRequest, form: CancelForm, object_id: str) -> HttpResponse:
        """Cancel this entry with the reason from the form."""
        reason = form.cleaned_data["reason"]
        return self._one(request, object_id, lambda entry, _user: bool(entry.cancel(reason=reason)))

    def _retry(self, entry: OutboxEntry, user: User) -> bool:
        with transaction.atomic():
            is_done = entry.retry(by=user)
            if is_done:
                self.after_retry(entry)
        return is_done

    def _deliver_now(self, entry: OutboxEntry, user: User) -> bool:
        return entry.deliver_now(by=user)

    def _each(self, request: HttpRequest, queryset: QuerySet[Any], act: Callable[[Any, Any], bool]) -> None:
        entries = list(queryset[: MOST_AT_ONCE + 1])
        if len(entries) > MOST_AT_ONCE:
            messages.error(request, gettext("At most %(count)s at once.") % {"count": MOST_AT_ONCE})
            return
        changed = sum(act(entry, request.user) for entry in entries)
        if changed:
            messages.success(request, gettext("Done: %(count)s.") % {"count": changed})
        if left := len(entries) - changed:
            messages.warning(request, gettext("Not possible in the current state: %(count)s.") % {"count": left})

    def _one(self, request: HttpRequest, object_id: str, act: Callable[[Any, Any], bool]) -> HttpResponse:
        entry = find_row(self.model, object_id)
        if entry is None:
            messages.error(request, gettext("There is no such entry."))
        elif act(entry, request.user):
            messages.success(request, gettext("Done."))
        else:
            messages.warning(request, gettext("This is not possible in the current state."))
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Refresh": "true"})
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return HttpResponseRedirect(
            reverse(f"{name}_change", args=[object_id]) if entry else reverse(f"{name}_changelist")
        )


def find_row(model: type[Model], key: str) -> Any | None:
    """Return the row with this primary key from a URL, or None if it does not exist or the key is not a UUID."""
    try:
        return model._default_manager.filter(pk=UUID(key)).first()
    except ValueError:
        return None
