"""The admin pages on which users start a comparison, see its progress, and resolve its differences."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, IntegerField, Model, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bitrix_bridge.models import Difference, Reconciliation
from bitrix_bridge.models.reconciliation import OPEN
from bitrix_bridge.reconciliation import runs
from bitrix_bridge.reconciliation.decisions import NotDecidedError, decide
from bitrix_bridge.reconciliation.labels import rows
from bitrix_bridge.reconciliation.slices import slice_task
from cvety_crm.admin_site.base import PeekPaginator
from cvety_crm.formatting import full_moment
from cvety_crm.long_runs.admin import LongRunAdmin, State
from cvety_crm.model_fields import field_label
from cvety_crm.users import display_name, staff_user
from orders.models import long_columns
from orders.presentation.site_storage import limits_lines
from orders.services import current_limits

PERIODS = {"": None, "1": timedelta(days=1), "3": timedelta(days=3), "30": timedelta(days=30)}
"""Value in the form -> period in which the compared orders were saved. None means all orders."""
SHOWN = 50


@admin.register(Reconciliation)
class ReconciliationAdmin(LongRunAdmin):
    """The list of comparisons, and the page of a comparison with its differences."""

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
    list_filter = (("state", ChoicesDropdownFilter), ("origin", ChoicesDropdownFilter))
    list_select_related = ("started_by",)
    list_before_template = "bitrix_bridge/reconciliation_start.html"
    change_form_outer_before_template = "bitrix_bridge/reconciliation_run.html"

    slice_task = slice_task
    can_be_started = True
    started_text = _("The comparison has started.")
    stopped_text = _("The comparison was stopped; what it has found stays.")
    not_running_text = _("The comparison does not run any more.")
    progress_label = _("How far the comparison is")
    progress_format = _("%(percent)s %%: %(done)s of %(expected)s orders")
    retry_text = _("The site does not answer; it is tried again.")

    def has_view_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user may view comparisons. Users who may control runs may also view them."""
        return super().has_view_permission(request, obj) or self.may_control(request)

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of the buttons by which staff choose the CRM's value or the site's value."""
        decide = self.admin_site.admin_view(require_POST(self.decide))
        return [path("difference/<uuid:key>/", decide, name="bitrix_bridge_reconciliation_decide"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the runs and the form that starts a run."""
        running = Reconciliation.objects.filter(state=State.RUNNING).first()
        context = {"may_control": self.may_control(request), "running": running}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    # --- a run

    def start_run(self, request: HttpRequest) -> Reconciliation:
        """Start a run with the options in the form."""
        period = PERIODS.get(request.POST.get("period", ""))
        return runs.start(
            origin=runs.Origin.PAGE,
            is_repair=request.POST.get("repair") == "1",
            since=timezone.now() - period if period else None,
            started_by=staff_user(request),
        )

    def resume_columns(self, request: HttpRequest) -> dict[str, Any]:
        """Return the columns to change in a resumed run. Its origin becomes the page, because a worker continues it."""
        return {"origin": runs.Origin.PAGE}

    def resumed_text(self, run: Reconciliation) -> str:
        """Return the message that the comparison continues."""
        return gettext("The comparison continues.")

    def not_resumed_text(self, run: Reconciliation) -> str:
        """Return why the run was not resumed."""
        return gettext("There is nothing to resume: it runs, or is done.")

    def progress_notes(self, run: Reconciliation) -> Iterator[str]:
        """Yield the numbers of differences and repairs."""
        yield gettext("differences: %(found)s") % {"found": localize(run.differences)}
        if run.repaired:
            yield gettext("repaired: %(number)s") % {"number": localize(run.repaired)}

    def page_context(self, request: HttpRequest, run: Reconciliation) -> dict[str, Any]:
        """Return the metrics of the run and a page of its differences."""
        found = Difference.objects.filter(run=run).select_related("order", "resolved_by", "run")
        found = found.defer(*long_columns("order"))
        is_open_only = request.GET.get("show") != "all"
        if is_open_only:
            found = found.filter(outcome__in=OPEN)
        page = PeekPaginator(_sorted_by_urgency(found), SHOWN).page(request.GET.get("page", 1))
        return {
            "title": gettext("Comparison of %(when)s") % {"when": run},
            "starter": _starter(run),
            "what": _what(run),
            "metrics": _metrics(run),
            "limits": limits_lines(current_limits()),
            "panel": {
                "rows": rows(page.object_list, may_decide=self.may_control(request), reader=request.user),
                "here": request.get_full_path(),
                "may_see_orders": request.user.has_perm("orders.view_order")
                or request.user.has_perm("orders.change_order"),
            },
            "page": page,
            "is_open_only": is_open_only,
        }

    # --- columns

    @admin.display(description=_("by whom"))
    def origin_column(self, run: Reconciliation) -> str:
        """Return the user or the schedule that started the run."""
        return _starter(run)

    @admin.display(description=_("what"))
    def what_column(self, run: Reconciliation) -> str:
        """Return whether the run repairs, and which orders it compares."""
        what = gettext("compares and repairs") if run.is_repair else gettext("only compares")
        which = _which(run)
        return _two_lines(what, which) if which else what

    @admin.display(description=_("differences"))
    def differences_column(self, run: Reconciliation) -> str:
        """Return the number of differences, and the number of orders that were missing on each side."""
        if not (run.missing_here or run.missing_there):
            return str(run.differences)
        missing = gettext("missing here: %(here)s, on the site: %(there)s") % {
            "here": run.missing_here,
            "there": run.missing_there,
        }
        return _two_lines(str(run.differences), missing)

    # --- its differences

    def decide(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Apply the CRM's value or the site's value to both sides, as the user has chosen for a difference."""
        if not self.may_control(request):
            raise PermissionDenied
        side = request.POST.get("side", "")
        if side not in Difference.Side.values:
            raise Http404
        try:
            one = decide(key, Difference.Side(side), actor=staff_user(request))
        except Difference.DoesNotExist:
            raise Http404 from None
        except NotDecidedError as error:
            messages.error(request, gettext("Nothing was changed. %(why)s") % {"why": error})
            one = Difference.objects.get(pk=key)
        else:
            if one.resolved_by_id == request.user.pk:
                messages.success(request, one.why)
            else:
                messages.info(request, gettext("It is decided already: %(outcome)s.") % {"outcome": _outcome(one)})
        return HttpResponseRedirect(_next_url(request) or f"{_url(one.run_id)}#differences")


def _two_lines(text: str, subtle: str) -> SafeString:
    return format_html('<div class="crm-cell"><div>{}</div><div class="crm-subtle">{}</div></div>', text, subtle)


def _sorted_by_urgency(found: QuerySet[Difference]) -> QuerySet[Difference]:
    rank = Case(
        When(outcome=Difference.Outcome.PERSON, then=Value(0)),
        When(outcome=Difference.Outcome.FOUND, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return found.order_by(rank, "bitrix_order_id", "field", "id")


def _metrics(run: Reconciliation) -> list[tuple[str, int]]:
    names = ("compared", "agreed", "on_their_way", "archived", "differences", "missing_here", "missing_there")
    return [
        (capfirst(field_label(Reconciliation, name)), getattr(run, name))
        for name in (*names, "damaged", "repaired", "need_person")
    ]


def _starter(run: Reconciliation) -> str:
    if run.started_by is not None:
        return display_name(run.started_by)
    return str(run.get_origin_display())


def _what(run: Reconciliation) -> str:
    what = gettext("compares and repairs") if run.is_repair else gettext("only compares")
    which = _which(run)
    return f"{what}, {which}" if which else what


def _which(run: Reconciliation) -> str:
    """Return which orders the run compares, or an empty string for all orders."""
    if run.since is not None:
        return gettext("saved on the site since %(since)s") % {"since": full_moment(run.since)}
    if run.first_id is not None:
        return gettext("orders of the last two weeks and all active ones, from id %(id)s on") % {"id": run.first_id}
    return ""


def _outcome(one: Difference) -> str:
    who = display_name(one.resolved_by)
    return f"{one.get_outcome_display()}{f' ({who})' if who else ''}"


def _url(run_id: Any) -> str:
    return reverse("admin:bitrix_bridge_reconciliation_change", args=[run_id])


def _next_url(request: HttpRequest) -> str:
    """Return the URL of the page that contained the button, or an empty string for a URL on a different host."""
    url = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if is_ours else ""
