"""Comparisons of both sides: started, watched, and what they found decided, field by field."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, IntegerField, Model, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bitrix_bridge.models import Difference, Reconciliation
from bitrix_bridge.models.reconciliation import OPEN
from bitrix_bridge.reconciliation import runs
from bitrix_bridge.reconciliation.decisions import NotDecided, decide
from bitrix_bridge.reconciliation.progress import progress
from bitrix_bridge.reconciliation.runs import AlreadyRunning, State
from bitrix_bridge.reconciliation.slices import nudge
from bitrix_bridge.reconciliation.words import rows
from cvety_crm.admin_site.base import PeekPaginator, ReadOnlyModelAdmin, badge, moment
from cvety_crm.admin_site.outbox import find_row
from cvety_crm.formatting import full_moment, percent
from orders.values.staff import display_name

SIGNS = {State.RUNNING: "⏳", State.DONE: "✓", State.FAILED: "!", State.STOPPED: "×"}
CSS = {State.RUNNING: "pending", State.DONE: "delivered", State.FAILED: "failed", State.STOPPED: "cancelled"}
PERIODS = {"": None, "1": timedelta(days=1), "3": timedelta(days=3), "30": timedelta(days=30)}
"""How far back a comparison may look, by what the form sends; nothing: everything."""
SHOWN = 50
NAME = "admin:bitrix_bridge_reconciliation"


def may_decide(request: HttpRequest) -> bool:
    """Return whether the user may start comparisons and take sides."""
    return bool(request.user.has_perm("bitrix_bridge.change_reconciliation"))


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyModelAdmin):
    """One run a row; its page shows what it found."""

    list_display = (
        "started_column",
        "state_column",
        "origin_column",
        "what_column",
        "compared",
        "differences_column",
        "repaired",
        "need_person",
    )
    list_display_links = ("started_column",)
    list_filter = (("state", ChoicesDropdownFilter), ("origin", ChoicesDropdownFilter))
    list_select_related = ("started_by",)
    list_before_template = "bitrix_bridge/reconciliation_start.html"
    change_form_outer_before_template = "bitrix_bridge/reconciliation_run.html"
    ordering = ("-started_at", "-id")

    def has_view_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Let whoever may decide see them."""
        return super().has_view_permission(request, obj) or may_decide(request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return none: the page is what stands before the form."""
        return ()

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the buttons, and of the progress that the page asks for."""
        wrap, name = self.admin_site.admin_view, "bitrix_bridge_reconciliation"
        return [
            path("start/", wrap(require_POST(self.start)), name=f"{name}_start"),
            path("<uuid:key>/stop/", wrap(require_POST(self.stop)), name=f"{name}_stop"),
            path("<uuid:key>/resume/", wrap(require_POST(self.resume)), name=f"{name}_resume"),
            path("<uuid:key>/progress/", wrap(require_safe(self.progress)), name=f"{name}_progress"),
            path("difference/<uuid:key>/", wrap(require_POST(self.decide)), name=f"{name}_decide"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the runs, and the form that starts one."""
        running = Reconciliation.objects.filter(state=State.RUNNING).first()
        context = {"may_decide": may_decide(request), "running": running}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a run and what it found."""
        run = find_row(Reconciliation, object_id)
        context = self._page(request, run) if run is not None and self.has_view_permission(request) else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    # --- columns

    @admin.display(description=_("started"), ordering="started_at")
    def started_column(self, run: Reconciliation) -> str:
        """Return when it was started."""
        return moment(run.started_at)

    @admin.display(description=_("state"), ordering="state")
    def state_column(self, run: Reconciliation) -> SafeString:
        """Return where it is, and how far."""
        return _state_badge(run)

    @admin.display(description=_("by whom"))
    def origin_column(self, run: Reconciliation) -> str:
        """Return who or what has started it."""
        return _starter(run)

    @admin.display(description=_("what"))
    def what_column(self, run: Reconciliation) -> str:
        """Return whether it repairs, and from when on it looks."""
        what = gettext("compares and repairs") if run.is_repair else gettext("only compares")
        which = _which(run)
        return _two_lines(what, which) if which else what

    @admin.display(description=_("differences"))
    def differences_column(self, run: Reconciliation) -> str:
        """Return how many there were, and how many orders each side lacked."""
        if not (run.missing_here or run.missing_there):
            return str(run.differences)
        missing = gettext("missing here: %(here)s, on the site: %(there)s") % {
            "here": run.missing_here,
            "there": run.missing_there,
        }
        return _two_lines(str(run.differences), missing)

    # --- the buttons

    def start(self, request: HttpRequest) -> HttpResponse:
        """Start a run that the worker goes on with."""
        _check(request)
        period = PERIODS.get(request.POST.get("period", ""))
        since = timezone.now() - period if period else None
        try:
            run = runs.start(
                origin=runs.Origin.PAGE,
                is_repair=request.POST.get("repair") == "1",
                since=since,
                started_by=request.user,  # type: ignore[arg-type]
            )
        except AlreadyRunning as running:
            messages.warning(request, str(running))
            return HttpResponseRedirect(reverse(f"{NAME}_changelist"))
        nudge(run)
        messages.success(request, gettext("The comparison has started."))
        return _to(run)

    def stop(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Stop a run."""
        run = _run(request, key)
        if runs.stop(run):
            messages.success(request, gettext("The comparison was stopped; what it has found stays."))
        else:
            messages.info(request, gettext("It does not run any more."))
        return _to(run)

    def resume(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Let a run go on from where it was."""
        run = _run(request, key)
        try:
            if runs.resume(run, origin=runs.Origin.PAGE):
                nudge(run)
                messages.success(request, gettext("The comparison goes on."))
            else:
                messages.info(request, gettext("There is nothing to go on with: it runs, or is done."))
        except AlreadyRunning as running:
            messages.warning(request, str(running))
        return _to(run)

    def decide(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Take a side of one difference."""
        _check(request)
        side = request.POST.get("side", "")
        if side not in Difference.Side.values:
            raise Http404
        try:
            one = decide(key, Difference.Side(side), actor=request.user)  # type: ignore[arg-type]
        except Difference.DoesNotExist:
            raise Http404 from None
        except NotDecided as trouble:
            messages.error(request, gettext("Nothing was changed. %(why)s") % {"why": trouble})
            one = Difference.objects.get(pk=key)
        else:
            if one.resolved_by_id == request.user.pk:
                messages.success(request, one.why)
            else:
                messages.info(request, gettext("It is decided already: %(outcome)s.") % {"outcome": _outcome(one)})
        return HttpResponseRedirect(_way_back(request) or f"{_url(one.run_id)}#differences")

    def progress(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Return how far a run is; one that has ended has the page loaded anew."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = find_row(Reconciliation, str(key))
        if run is None:
            raise Http404
        if run.state != State.RUNNING:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "bitrix_bridge/reconciliation_progress.html", {"run": run, "progress": progress(run)})

    # --- a run's page

    def _page(self, request: HttpRequest, run: Reconciliation) -> dict[str, Any]:
        found = Difference.objects.filter(run=run).select_related("order", "resolved_by", "run")
        found = found.defer("order__search", "order__metadata", "order__bitrix_state")
        is_open_only = request.GET.get("show") != "all"
        if is_open_only:
            found = found.filter(outcome__in=OPEN)
        page = PeekPaginator(_first_those_for_people(found), SHOWN).page(request.GET.get("page", 1))
        is_running = run.state == State.RUNNING
        return {
            "run": run,
            "badge": _state_badge(run),
            "starter": _starter(run),
            "what": _what(run),
            "is_running": is_running,
            "may_resume": run.state in (State.FAILED, State.STOPPED),
            "progress": progress(run) if is_running else None,
            "figures": _figures(run),
            "panel": {
                "rows": rows(page.object_list, may_decide=may_decide(request), reader=request.user),
                "here": request.get_full_path(),
                "may_see_orders": request.user.has_perm("orders.view_order")
                or request.user.has_perm("orders.change_order"),
            },
            "page": page,
            "is_open_only": is_open_only,
            "may_decide": may_decide(request),
            "title": gettext("Comparison of %(when)s") % {"when": run},
        }


def _two_lines(text: str, subtle: str) -> SafeString:
    return format_html('<div class="crm-cell"><div>{}</div><div class="crm-subtle">{}</div></div>', text, subtle)


def _first_those_for_people(found: QuerySet[Difference]) -> QuerySet[Difference]:
    rank = Case(
        When(outcome=Difference.Outcome.PERSON, then=Value(0)),
        When(outcome=Difference.Outcome.FOUND, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return found.order_by(rank, "bitrix_order_id", "field", "id")


def _figures(run: Reconciliation) -> list[tuple[str, int]]:
    names = ("compared", "agreed", "on_their_way", "archived", "differences", "missing_here", "missing_there")
    return [
        (capfirst(str(Reconciliation._meta.get_field(name).verbose_name)), getattr(run, name))  # type: ignore[union-attr]
        for name in (*names, "repaired", "need_person")
    ]


def _state_badge(run: Reconciliation) -> SafeString:
    share = progress(run).percent if run.state == State.RUNNING else None
    text = run.get_state_display() if share is None else f"{run.get_state_display()} {percent(share)}"
    return badge(CSS.get(run.state, "failed"), SIGNS.get(run.state, "!"), text)  # type: ignore[call-overload]


def _starter(run: Reconciliation) -> str:
    if run.started_by is not None:
        return display_name(run.started_by)
    return str(run.get_origin_display())


def _what(run: Reconciliation) -> str:
    what = gettext("compares and repairs") if run.is_repair else gettext("only compares")
    which = _which(run)
    return f"{what}, {which}" if which else what


def _which(run: Reconciliation) -> str:
    """Return which orders a run looks at; nothing where it looks at all of them."""
    if run.since is not None:
        return gettext("saved on the site since %(since)s") % {"since": full_moment(run.since)}
    if run.first_id is not None:
        return gettext("orders of the last two weeks and all that go on, from id %(id)s on") % {"id": run.first_id}
    return ""


def _outcome(one: Difference) -> str:
    who = display_name(one.resolved_by)
    return f"{one.get_outcome_display()}{f' ({who})' if who else ''}"


def _check(request: HttpRequest) -> None:
    if not may_decide(request):
        raise PermissionDenied


def _run(request: HttpRequest, key: Any) -> Reconciliation:
    _check(request)
    run = find_row(Reconciliation, str(key))
    if run is None:
        raise Http404
    return run


def _url(run_id: Any) -> str:
    return reverse(f"{NAME}_change", args=[run_id])


def _to(run: Reconciliation) -> HttpResponse:
    return HttpResponseRedirect(_url(run.pk))


def _way_back(request: HttpRequest) -> str:
    """Return the page that the button was on, if it is one of ours."""
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return back if is_ours else ""
