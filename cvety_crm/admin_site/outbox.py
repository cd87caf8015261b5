"""The pages of what must reach another system: read, and nudged along by hand.

Entries are written by the engine alone. What staff may do (try again, try now, no longer needed) goes through the
methods of the entry; from its page by a dialog, so that a mere visit of an address changes nothing.
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
from cvety_crm.outbox import OutboxEntry, State
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


class CancelForm(BaseDialogForm):
    """Why it need not be sent any more."""

    reason = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextInputWidget())


def state_badge(entry: OutboxEntry) -> SafeString:
    """Return where an entry is, with a sign and a word."""
    return badge(entry.state, SIGNS.get(entry.state, "?"), entry.get_state_display())


class AttemptInline(TabularInline):
    """Each attempt, newest first."""

    fields = ("number", "started_at", "duration_ms", "outcome", "code", "answer_column", "actor")
    readonly_fields = fields
    extra = 0
    can_delete = False
    hide_title = True
    verbose_name_plural = _("attempts")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Bring who it was along."""
        return super().get_queryset(request).select_related("actor").order_by("-number")

    @admin.display(description=_("answer"))
    def answer_column(self, attempt: Any) -> SafeString:
        """Return the other side's words."""
        return format_html('<span class="crm-answer">{}</span>', attempt.answer or "—")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Follow the entry."""
        opts = self.parent_model._meta
        return bool(request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}"))

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False


class OutboxEntryAdmin(ReadOnlyModelAdmin):
    """What all kinds of entries have in common."""

    actions = ("retry_selected", "deliver_now_selected", "cancel_selected")
    actions_detail = ("retry_dialog", "deliver_now_dialog", "cancel_dialog")
    ordering = ("-created_at", "-id")

    def has_deliver_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user may nudge entries along: the right to change them, though no field can be."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))

    def has_view_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Let whoever may nudge them see them."""
        return super().has_view_permission(request, obj) or self.has_deliver_permission(request)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer on an entry's page what its state allows."""
        entry = find_row(self.model, str(object_id))
        names = _ALLOWED.get(entry.state, ()) if entry else ()
        return [item for item in super().get_actions_detail(request, object_id) if item.path in names]

    def after_retry(self, entry: Any) -> None:
        """Follow up when an entry starts anew, in the same transaction."""

    # --- columns

    @admin.display(description=_("state"), ordering="state")
    def state_column(self, entry: OutboxEntry) -> SafeString:
        """Return where it is."""
        return state_badge(entry)

    @admin.display(description=_("next attempt"))
    def next_column(self, entry: OutboxEntry) -> str:
        """Return when it is tried next; nothing for one that is at rest."""
        if entry.state not in (State.PENDING, State.SENDING):
            return "—"
        return moment(entry.due_at)

    @admin.display(description=_("reason"))
    def reason_column(self, entry: OutboxEntry) -> str:
        """Return why it is not delivered."""
        text = Truncator(entry.last_error).chars(120)
        return f"{entry.last_code}: {text}" if entry.last_code and text else text or "—"

    # --- many

    @action(description=_("Try again"), permissions=["deliver"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Start the selected entries anew."""
        self._each(request, queryset, self._retry)

    @action(description=_("Try now"), permissions=["deliver"])
    def deliver_now_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Bring the next attempts of the selected entries forward."""
        self._each(request, queryset, self._deliver_now)

    @action(description=_("No longer needed"), permissions=["deliver"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Cancel the selected entries."""
        reason = gettext("Cancelled by %(user)s.") % {"user": request.user.get_username()}
        self._each(request, queryset, lambda entry, _user: bool(entry.cancel(reason=reason)))

    # --- one

    @action(
        description=_("Try again"),
        permissions=["deliver"],
        url_path="retry",
        icon="replay",
        dialog={
            "title": _("Try again?"),
            "description": _("It starts anew, at once."),
            "form_class": None,
            "form_submit_text": _("Try again"),
        },
    )
    def retry_dialog(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Start this entry anew."""
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
        """Bring this entry's next attempt forward."""
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
        """Cancel this entry, with a reason."""
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
            messages.warning(request, gettext("Not in the right state for that: %(count)s.") % {"count": left})

    def _one(self, request: HttpRequest, object_id: str, act: Callable[[Any, Any], bool]) -> HttpResponse:
        entry = find_row(self.model, object_id)
        if entry is None:
            messages.error(request, gettext("There is no such entry."))
        elif act(entry, request.user):
            messages.success(request, gettext("Done."))
        else:
            messages.warning(request, gettext("It is not in the right state for that."))
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Refresh": "true"})
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return HttpResponseRedirect(
            reverse(f"{name}_change", args=[object_id]) if entry else reverse(f"{name}_changelist")
        )


def find_row(model: type[Model], key: str) -> Any | None:
    """Return the row with this key from an address; None when there is none, or it is no key at all."""
    try:
        return model._default_manager.filter(pk=UUID(key)).first()
    except ValueError:
        return None
