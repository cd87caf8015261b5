"""Actions that change the status of the selected orders, or of one order from its row or its page.

A service makes each change. Unfold runs the action of a row or a page on a GET request. Therefore this action is a
dialog: a GET request shows the form, and a POST request changes the order.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from cvety_crm.admin_site.features import BulkAction, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.actions.next_step import do_step
from orders.admin.actions.undo import MOST_REASONS, add_change_message
from orders.admin.lookup import find_order
from orders.admin.permissions import may_change_status
from orders.models import Order, Source, Status
from orders.rules.lateness import is_open
from orders.rules.next_step import EVERYTHING, STAGES, Rights, Step, StepKind, next_step, rights_of, situation_of
from orders.services import NotAllowedError
from orders.services.references import UNREAD_STATUS

MOST_AT_ONCE = 200
"""The largest number of orders in one bulk action. Each order needs a transaction, and the user waits for all."""


class StatusDialogForm(BaseDialogForm):
    """A form with a choice of the next statuses of an order, and a comment."""

    status = forms.ChoiceField(label=_("New status"), widget=UnfoldAdminRadioSelectWidget())
    comment = forms.CharField(
        label=_("Comment"), required=False, max_length=1000, widget=UnfoldAdminTextareaWidget({"rows": 2})
    )

    def __init__(self, request: HttpRequest, object_id: int | str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, object_id, *args, **kwargs)
        self.order = find_order(object_id)
        choices = [(status.code, status.name) for status in next_statuses(self.order)] if self.order else []
        field = self.fields["status"]
        field.choices = choices
        suggested = request.GET.get("status")
        field.initial = suggested if suggested in dict(choices) else (choices[0][0] if choices else None)
        if not choices:
            field.help_text = _("Nothing follows this status.")


class BulkStatusForm(forms.Form):
    """A form with the new status of many orders. Orders whose status may not change to it are reported afterwards."""

    status = forms.ModelChoiceField(
        label=_("New status"),
        queryset=Status.objects.filter(questioned_stage="").exclude(code=UNREAD_STATUS),
        to_field_name="code",
        empty_label=_("Choose a status"),
        widget=UnfoldAdminSelectWidget(),
    )
    comment = forms.CharField(
        label=_("Comment"), required=False, max_length=1000, widget=UnfoldAdminTextareaWidget({"rows": 2})
    )


class StatusChange(Feature[Order]):
    """The bulk actions that change the status."""

    def bulk_actions(self) -> list[BulkAction[Order]]:
        """Return the actions that do the next step, one of the usual steps, or set any chosen status."""
        may = may_change_status
        return [
            BulkAction(self.advance_selected, _("Next step"), may),
            BulkAction(self.accept_selected, _("Accept"), may),
            BulkAction(self.hand_over_selected, _("Hand over for delivery"), may),
            BulkAction(self.complete_selected, _("Mark as completed"), may),
            BulkAction(self.change_status_of_selected, _("Change status…"), may),
        ]

    def advance_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Do the next step of each selected order."""
        _do_steps(request, queryset, rights_of(request.user), ())

    def accept_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Accept the selected orders."""
        _do_steps(request, queryset, EVERYTHING, (StepKind.ACCEPT,))

    def hand_over_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Mark the selected orders as being delivered. An order whose bouquet is not ready is refused."""
        _do_steps(request, queryset, EVERYTHING, (StepKind.DELIVER,))

    def complete_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Mark the selected orders as completed. An order that has not left the shop is refused."""
        _do_steps(request, queryset, EVERYTHING, (StepKind.DELIVERED, StepKind.HAND_OVER))

    def change_status_of_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Show a form with a status and a comment. If the form is valid, change the selected orders."""
        form = BulkStatusForm(request.POST if "apply" in request.POST else None)
        if form.is_valid():
            _move(request, queryset, form.cleaned_data["status"].code, form.cleaned_data["comment"])
            return None
        orders = list(queryset.select_related("status")[: MOST_AT_ONCE + 1])
        if len(orders) > MOST_AT_ONCE:
            too_many(request)
            return None
        return self.render(
            request,
            "orders/change_status.html",
            gettext("Change status"),
            {
                "orders": orders,
                "form": form,
                "action_name": "change_status_of_selected",
                "checkbox_name": helpers.ACTION_CHECKBOX_NAME,
                "list_url": request.get_full_path(),
            },
        )


@action(
    description=_("Change status"),
    permissions=["change_status"],
    url_path="status",
    icon="flag",
    dialog={
        "title": _("Change status"),
        "description": "",
        "form_class": StatusDialogForm,
        "form_submit_text": _("Change"),
    },
)
def change_status_dialog(
    _model_admin: object, request: HttpRequest, form: StatusDialogForm, object_id: str
) -> HttpResponse:
    """Change the status of one order to the status chosen in the dialog."""
    order = form.order
    if order is None:
        messages.error(request, gettext("There is no such order."))
        return done(request, reverse("admin:orders_order_changelist"))
    batch_id = uuid4()
    try:
        moved = services.change_status(
            order_id=order.pk,
            status=form.cleaned_data["status"],
            actor=staff_user(request),
            source=Source.ADMIN,
            comment=form.cleaned_data["comment"],
            batch_id=batch_id,
        )
    except NotAllowedError as refusal:
        # A colleague has changed the status since the dialog was opened. The dialog is shown again with the reason.
        form.add_error("status", str(refusal))
        dialog = {"title": gettext("Change status")}
        return render(
            request,
            "unfold/helpers/dialog.html",
            {"dialog": dialog, "form": form, "form_submit_text": gettext("Change")},
        )
    text = gettext("Order № %(number)s: %(status)s.")
    add_change_message(request, text % {"number": moved.order_number, "status": moved.status.name}, batch_id)
    return done(request, reverse("admin:orders_order_change", args=[order.pk]))


def _move(request: HttpRequest, queryset: QuerySet[Order], status: str, comment: str = "") -> None:
    """Set the status of the orders."""
    chosen = list(queryset.select_related("status").order_by("created_at")[: MOST_AT_ONCE + 1])
    if len(chosen) > MOST_AT_ONCE:
        too_many(request)
        return
    batch_id = uuid4()
    changed, unchanged, refused = 0, 0, []
    for order in chosen:
        if order.status_id == status:
            unchanged += 1
            continue
        try:
            services.change_status(
                order_id=order.pk,
                status=status,
                actor=staff_user(request),
                source=Source.ADMIN,
                comment=comment,
                batch_id=batch_id,
            )
        except NotAllowedError as refusal:
            refused.append(f"№ {order.order_number}: {refusal}")
        else:
            changed += 1
    _report(request, batch_id, changed, unchanged, refused)


def _do_steps(request: HttpRequest, queryset: QuerySet[Order], rights: Rights, kinds: Sequence[StepKind]) -> None:
    """Do the next step of each order, if it is one of these kinds. Without `kinds`, every kind is done."""
    chosen = list(queryset.select_related("status").order_by("created_at")[: MOST_AT_ONCE + 1])
    if len(chosen) > MOST_AT_ONCE:
        too_many(request)
        return
    user, statuses = staff_user(request), {status.code: status for status in Status.objects.all()}
    batch_id = uuid4()
    changed, unchanged, refused = 0, 0, []
    for order in chosen:
        step = next_step(situation_of(order, statuses, user), rights)
        if order.status.stage in {STAGES[kind] for kind in kinds}:
            unchanged += 1
            continue
        try:
            if step is None or (kinds and step.kind not in kinds):
                raise NotAllowedError(_other_step(order, step))
            do_step(order, step, user, batch_id)
        except NotAllowedError as refusal:
            refused.append(f"№ {order.order_number}: {refusal}")
        else:
            changed += 1
    _report(request, batch_id, changed, unchanged, refused)


def _other_step(order: Order, step: Step | None) -> str:
    """Return the message why an order can't do a step: it must do another one first, or has none."""
    if step is not None:
        return gettext("First: “%(step)s”.") % {"step": step.label}
    if not is_open(order):
        return gettext("Nothing follows the status “%(status)s”.") % {"status": order.status.name}
    return gettext("There is no usual step after “%(status)s” now: choose the status yourself.") % {
        "status": order.status.name
    }


def next_statuses(order: Order) -> list[Status]:
    """Return the statuses that staff may choose next, without questioned ones. The usual next status is the first."""
    statuses = {
        status.code: status for status in Status.objects.filter(questioned_stage="").exclude(code=UNREAD_STATUS)
    }
    wanted: Iterable[str] = order.status.next_codes or statuses
    return [
        statuses[code] for code in wanted if code in statuses and code != order.status_id and order.status.allows(code)
    ]


def done(request: HttpRequest, fallback: str) -> HttpResponse:
    """Return the response to a submitted dialog.

    If htmx submitted the dialog, it reloads the page behind the dialog, with the filters of that page.
    """
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return HttpResponseRedirect(fallback)


def _report(request: HttpRequest, batch_id: UUID, changed: int, unchanged: int, refused: list[str]) -> None:
    if changed:
        add_change_message(request, gettext("Changed: %(count)s.") % {"count": changed}, batch_id)
    if unchanged:
        messages.info(request, gettext("Were in this status already: %(count)s.") % {"count": unchanged})
    add_refusal_messages(request, refused)


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


def too_many(request: HttpRequest) -> None:
    """Add an error message with the largest number of orders in one action."""
    messages.error(request, gettext("At most %(count)s orders at once.") % {"count": MOST_AT_ONCE})
