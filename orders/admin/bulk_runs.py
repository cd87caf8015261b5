"""The admin pages of bulk actions that the worker does: the list of runs, and a run with its progress and results."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import localize
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from cvety_crm.admin_site.base import PeekPaginator, badge
from cvety_crm.admin_site.outbox import find_row
from cvety_crm.long_runs.admin import LongRunAdmin, State
from cvety_crm.long_runs.engine import AlreadyRunningError
from cvety_crm.model_fields import field_label
from cvety_crm.users import User, display_name, staff_user
from orders.admin.actions import bulk
from orders.admin.actions.bulk import run_url
from orders.admin.permissions import may_assign, may_change_status, may_see
from orders.models import BulkResult, BulkRun, Courier, Status
from orders.services.bulk import runs
from orders.services.bulk.actions import Action, Outcome, may_carry_out
from orders.services.bulk.slices import slice_task, work_slice

SHOWN = 50
BADGES = {
    Outcome.WAITING: ("pending", "⏳"),
    Outcome.DONE: ("delivered", "✓"),
    Outcome.UNCHANGED: ("cancelled", "="),
    Outcome.REFUSED: ("failed", "!"),
    Outcome.UNDONE: ("cancelled", "↶"),
}
OTHERS = "orders.view_bulkrun"
"""The permission to see the bulk actions of others. Everyone sees their own."""


@admin.register(BulkRun)
class BulkRunAdmin(LongRunAdmin):
    """The list of runs, and the page of a run with the result of each order."""

    list_display = ("started_column", "state_column", "who_column", "what_column", "done", "unchanged", "refused")
    list_filter = (("state", ChoicesDropdownFilter), ("action", ChoicesDropdownFilter))
    list_select_related = ("started_by",)
    change_form_outer_before_template = "orders/bulk_run.html"

    slice_task = slice_task
    stopped_text = _("The action was stopped; the orders changed so far stay as they are.")
    not_running_text = _("The action does not run any more.")
    progress_label = _("How far the action is")
    progress_format = _("%(percent)s %%: %(done)s of %(expected)s orders")

    # --- rights

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may see the list of runs."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user may see the list of runs, or this run."""
        if isinstance(obj, BulkRun) and obj.started_by_id != request.user.pk:
            return may_see(request) and request.user.has_perm(OTHERS)
        return may_see(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkRun]:
        """Return the user's own runs, or all runs if the user may see those of others."""
        found = super().get_queryset(request)
        return found if request.user.has_perm(OTHERS) else found.filter(started_by=staff_user(request))

    def find_run(self, request: HttpRequest, key: str) -> Any | None:
        """Return the run, or None if there is none that the user may see."""
        run = find_row(BulkRun, key)
        return run if run is not None and self.has_view_permission(request, run) else None

    def may_control(self, request: HttpRequest) -> bool:
        """Return whether the user may do any bulk action."""
        return may_change_status(request) or may_assign(request)

    def may_control_run(self, request: HttpRequest, run: BulkRun) -> bool:
        """Return whether the user may stop, resume and undo this run: their own run, or also those of others."""
        is_own = run.started_by_id == request.user.pk
        return self.may_control(request) and (is_own or request.user.has_perm("orders.change_bulkrun"))

    # --- pages

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of the button that undoes a run."""
        undo = self.admin_site.admin_view(require_POST(self.undo))
        return [path("<uuid:key>/undo/", undo, name="orders_bulkrun_undo"), *super().get_urls()]

    def undo(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Start a run that undoes what can be undone, and do it at once if there are few orders."""
        run = self._controlled(request, key)
        user = staff_user(request)
        count = runs.count_undoable(run)
        if not count or not may_carry_out(run.action, user):
            messages.info(request, gettext("There is nothing left to undo."))
            return self._redirect_to(run)
        try:
            with transaction.atomic():
                undoing = runs.start_undo(run, actor=user)
                if count > bulk.AT_ONCE:
                    slice_task.schedule(undoing)
        except AlreadyRunningError as running:
            messages.warning(request, str(running))
            return self._redirect_to(run)
        if count <= bulk.AT_ONCE:
            work_slice(str(undoing.pk))
        return self._redirect_to(undoing)

    def resumed_text(self, run: BulkRun) -> str:
        """Return the message that the action continues."""
        return gettext("The action continues.")

    def not_resumed_text(self, run: BulkRun) -> str:
        """Return why the run was not resumed."""
        return gettext("There is nothing to resume: it runs, or is done.")

    def progress_notes(self, run: BulkRun) -> Iterator[str]:
        """Yield the number of refused orders."""
        if run.refused:
            yield gettext("refused: %(number)s") % {"number": localize(run.refused)}

    def page_context(self, request: HttpRequest, run: BulkRun) -> dict[str, Any]:
        """Return the metrics of the run, a page of its results, and the button that undoes it."""
        shown = request.GET.get("show", "")
        found = run.results.order_by("position").select_related("order").only(
            "run", "outcome", "reason", "position", "order__order_number"
        )  # fmt: skip
        if shown in Outcome.values:
            found = found.filter(outcome=shown)
        page = PeekPaginator(found, SHOWN).page(request.GET.get("page", 1))
        may_undo = self.may_control_run(request, run) and may_carry_out(run.action, staff_user(request))
        return {
            "title": what(run),
            "what": what(run),
            "starter": display_name(run.started_by),
            "metrics": _metrics(run) if run.state != State.RUNNING else [],
            "rows": [(row, badge(*BADGES[Outcome(row.outcome)], row.get_outcome_display())) for row in page],
            "page": page,
            "shown": shown,
            "chips": [("", gettext("All")), *((one.value, capfirst(one.label)) for one in _outcomes(run))],
            "undoable": runs.count_undoable(run) if may_undo else 0,
            "undo_url": reverse("admin:orders_bulkrun_undo", args=[run.pk]),
            "undoes_url": run_url(run.undoes) if run.undoes else "",
            "undoing": [(run_url(other), other) for other in run.undoing.order_by("started_at")[:10]],
            "is_status": run.action in (Action.STATUS, Action.ADVANCE),
        }

    # --- columns

    @admin.display(description=_("by whom"))
    def who_column(self, run: BulkRun) -> str:
        """Return the user who started the run."""
        return display_name(run.started_by) or "—"

    @admin.display(description=_("what"))
    def what_column(self, run: BulkRun) -> str:
        """Return the action, and whether it is an undo."""
        return f"{_undo_prefix(run)}{run.get_action_display()}"


def what(run: BulkRun) -> str:
    """Return the action with its parameter, such as the name of the status. A deleted row has no name."""
    name = None
    if status := run.parameters.get("status"):
        name = Status.objects.filter(code=status).values_list("name", flat=True).first()
    elif florist := run.parameters.get("florist"):
        name = display_name(User.objects.filter(pk=florist).first())
    elif courier := run.parameters.get("courier"):
        name = Courier.objects.filter(pk=courier).values_list("name", flat=True).first()
    elif not run.is_undo and run.action in (Action.FLORIST, Action.COURIER):
        name = gettext("no one")
    text = f"{_undo_prefix(run)}{run.get_action_display()}"
    return f"{text}: {name}" if name else text


def _undo_prefix(run: BulkRun) -> str:
    return gettext("Undo:") + " " if run.is_undo else ""


def _outcomes(run: BulkRun) -> list[Outcome]:
    found = set(BulkResult.objects.filter(run=run).order_by().values_list("outcome", flat=True).distinct())
    return [one for one in Outcome if one in found] if len(found) > 1 else []


def _metrics(run: BulkRun) -> list[tuple[str, int]]:
    names = ("done", "unchanged", "refused")
    numbers = [(capfirst(field_label(BulkRun, name)), getattr(run, name)) for name in names]
    left = run.count_remaining()
    return [*numbers, (gettext("Not done"), left)] if left else numbers
