"""Bulk actions on the order list: the choice of all found orders, and the start of an action on the chosen orders.

A few orders are changed at once. More orders are changed by the worker, whose progress has a page
(`orders.admin.bulk_runs`).
"""

from collections.abc import Container, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, reverse
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.long_runs.engine import AlreadyRunningError
from cvety_crm.users import staff_user
from orders.admin.actions.undo import MOST_REASONS, add_change_message
from orders.admin.list_query import list_queryset
from orders.admin.permissions import may_see
from orders.models import BulkRun, Order, Selection
from orders.services.bulk import actions, runs
from orders.services.bulk.actions import Action, Outcome, Result, Task
from orders.services.bulk.slices import slice_task

AT_ONCE = 50
"""The largest number of orders that are changed while the user waits. The worker changes more orders."""
SHOWN = 50
"""The number of orders that a form before an action names."""
SELECTION = "selection"
"""The name of the input with the key of a frozen selection."""


class SelectAll(Feature[Order]):
    """The button that selects all orders that the list finds, on all its pages."""

    def urls(self) -> list[URLPattern]:
        """Return the URL to which the button sends the list's query."""
        return [self.view("select-all/", self.select_all, name="select_all", methods=POST, permission=may_see)]

    def select_all(self, request: HttpRequest) -> HttpResponse:
        """Freeze the orders that the list with this query string finds now, and return the input that names them."""
        asked = copy(request)
        asked.method = "GET"  # as the list itself is requested, with its filters
        try:
            found = list_queryset(self.model_admin, asked, request.GET)
        except IncorrectLookupParameters:
            found = Order.objects.none()
        keys = list(found.values_list("pk", flat=True)[: runs.MOST_SELECTED + 1])
        context: dict[str, Any] = {"url": select_all_url(request), "count": len(keys)}
        if not keys:
            context["refusal"] = gettext("The list has no orders any more.")
        elif len(keys) > runs.MOST_SELECTED:
            context["refusal"] = gettext("More than %(most)s orders: choose filters or a day first.") % {
                "most": localize(runs.MOST_SELECTED)
            }
        else:
            context["selection"] = runs.freeze(keys, staff_user(request))
        return render(request, "orders/list/select_all.html", {"select_all": context})


def select_all_url(request: HttpRequest) -> str:
    """Return the URL that selects all orders of the list with this query string."""
    return f"{reverse('admin:orders_order_select_all')}?{request.GET.urlencode()}"


# --- the chosen orders


def refusal(request: HttpRequest, offered: Container[str]) -> str:
    """Return why the posted action can't be run, for the user, or an empty string if it can."""
    action = next(iter(request.POST.getlist("action")), "")
    if not action:
        return gettext("Nothing was changed: choose an action.")
    if action not in offered:
        return gettext("Nothing was changed: you may not do this, or there is no such action.")
    if SELECTION in request.POST:
        if selection_of(request) is None:
            return gettext("Nothing was changed: the selection has expired. Select the orders again.")
    elif not _ticked(request):
        return gettext("Nothing was changed: select at least one order.")
    return ""


def selection_of(request: HttpRequest) -> Selection | None:
    """Return the user's own selection that the form names, or None."""
    try:
        key = UUID(request.POST.get(SELECTION, ""))
    except ValueError:
        return None
    return Selection.objects.filter(pk=key, user=staff_user(request)).first()


def choose(request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
    """Return the chosen orders, and prepare the request so that Django runs the action on exactly these."""
    selection = selection_of(request) if SELECTION in request.POST else None
    keys = selection.keys if selection is not None else _ticked(request)
    posted = request.POST.copy()
    posted["select_across"] = "1"
    request.POST = posted  # type: ignore[assignment]  # Django replaces it in the same way
    return queryset.filter(pk__in=keys)


def _ticked(request: HttpRequest) -> list[UUID]:
    found = []
    for text in request.POST.getlist(ACTION_CHECKBOX_NAME):
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Chosen:
    """The chosen orders, for a form that asks for the parameters of an action."""

    orders: Sequence[Order]
    """The first orders."""
    count: int
    inputs: Sequence[tuple[str, str]]
    """The names and values of hidden inputs that choose the same orders again."""

    @property
    def more(self) -> int:
        """Return the number of chosen orders that are not in `orders`."""
        return self.count - len(self.orders)


def chosen(request: HttpRequest, queryset: QuerySet[Order]) -> Chosen:
    """Return the chosen orders. The queryset must have the relations that the form shows."""
    keys = list(queryset.order_by().values_list("pk", flat=True))
    inputs = [(ACTION_CHECKBOX_NAME, str(key)) for key in keys]
    if SELECTION in request.POST:
        # One key suffices: Django does not run an action without any.
        inputs = [*inputs[:1], (SELECTION, request.POST[SELECTION])]
    return Chosen(list(queryset[:SHOWN]), len(keys), inputs)


# --- the action


@dataclass(slots=True)
class _Tally:
    done: int = 0
    unchanged: int = 0
    refused: list[str] = field(default_factory=list)

    def add(self, number: str, result: Result) -> None:
        if result.outcome == Outcome.DONE:
            self.done += 1
        elif result.outcome == Outcome.UNCHANGED:
            self.unchanged += 1
        else:
            self.refused.append(f"№ {number}: {result.reason}")


def run_bulk(
    request: HttpRequest, queryset: QuerySet[Order], action: Action, done_text: str, **parameters: Any
) -> HttpResponse | None:
    """Do an action on the chosen orders now, or start a run if there are many.

    `done_text` is the message about the changed orders, with their number as `count`. Return the page of the run, or
    None to show the list again.
    """
    found = list(queryset.order_by("created_at").values_list("pk", "order_number")[: runs.MOST_SELECTED + 1])
    if len(found) > runs.MOST_SELECTED:
        too_many(request, runs.MOST_SELECTED)
        return None
    if len(found) > AT_ONCE:
        return _start(request, action, parameters, [key for key, _number in found])
    task = Task(action, parameters, staff_user(request), uuid4())
    tally = _Tally()
    for key, number in found:
        tally.add(number, actions.carry_out(task, key))
    if tally.done:
        add_change_message(request, done_text % {"count": tally.done}, task.batch_id)
    if tally.unchanged:
        messages.info(request, _unchanged_text(action) % {"count": tally.unchanged})
    add_refusal_messages(request, tally.refused)
    return None


def _start(request: HttpRequest, action: Action, parameters: dict[str, Any], keys: list[UUID]) -> HttpResponse | None:
    user = staff_user(request)
    try:
        with transaction.atomic():
            run = runs.start(action=action, parameters=parameters, keys=keys, actor=user)
            slice_task.schedule(run)
    except AlreadyRunningError as running:
        active = BulkRun.objects.filter(started_by=user, state=BulkRun.State.RUNNING).first()
        messages.warning(request, with_link(str(running), active))
        return None
    text = ngettext("The action on %(count)s order has started.", "The action on %(count)s orders has started.",
                    len(keys)) % {"count": len(keys)}  # fmt: skip
    messages.success(request, with_link(text, run))
    return HttpResponseRedirect(run_url(run))


def run_url(run: BulkRun) -> str:
    """Return the URL of the page with the progress and the results of a run."""
    return reverse("admin:orders_bulkrun_change", args=[run.pk])


def with_link(text: str, run: BulkRun | None) -> str:
    """Return a message with a link to the page of the run, if there is one."""
    if run is None:
        return text
    return format_html('{} <a class="crm-link" href="{}">{}</a>', text, run_url(run), gettext("Progress and results"))


def _unchanged_text(action: Action) -> str:
    if action in (Action.STATUS, Action.ADVANCE):
        return gettext("Were in this status already: %(count)s.")
    if action == Action.RESEND:
        return gettext("The site has them as they are: %(count)s.")
    return gettext("Were so already: %(count)s.")


def add_refusal_messages(request: HttpRequest, refused: list[str]) -> None:
    """Add a message for each order that could not be changed, but at most `MOST_REASONS` messages and a count."""
    for reason in refused[:MOST_REASONS]:
        messages.error(request, reason)
    if len(refused) > MOST_REASONS:
        left = len(refused) - MOST_REASONS
        messages.error(
            request,
            ngettext("%(count)s more order could not be changed.", "%(count)s more orders could not be changed.", left)
            % {"count": left},
        )


def too_many(request: HttpRequest, most: int) -> None:
    """Add an error message with the largest number of orders in one action."""
    messages.error(request, gettext("At most %(count)s orders at once.") % {"count": most})
