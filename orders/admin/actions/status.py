"""Actions that change the status of the selected orders, or of one order from its row or its page.

A service makes each change. Unfold runs the action of a row or a page on a GET request. Therefore this action is a
dialog: a GET request shows the form, and a POST request changes the order.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from cvety_crm.admin_site.features import BulkAction, Feature
from cvety_crm.text_limits import TextLimitsMixin
from cvety_crm.users import staff_user
from orders import services
from orders.admin.actions.bulk import chosen, run_bulk
from orders.admin.actions.undo import add_change_message
from orders.admin.lookup import find_order
from orders.admin.permissions import may_change_status
from orders.models import Order, Source, Status
from orders.rules.next_step import StepKind
from orders.services import NotAllowedError
from orders.services.bulk.actions import Action
from orders.services.references import UNREAD_STATUS


class StatusDialogForm(TextLimitsMixin, BaseDialogForm):
    """A form with a choice of the next statuses of an order, and a comment."""

    status = forms.ChoiceField(label=_("New status"), widget=UnfoldAdminRadioSelectWidget())
    comment = forms.CharField(
        label=_("Comment"), required=False, max_length=1000, widget=UnfoldAdminTextareaWidget({"rows": 2})
    )

    def __init__(self, request: HttpRequest, object_id: int | str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, object_id, *args, **kwargs)
        self.order = find_order(object_id)
        choices = [(status.code, status.name) for status in next_statuses(self.order)] if self.order else []
        field = cast(forms.ChoiceField, self.fields["status"])
        field.choices = choices
        suggested = request.GET.get("status")
        field.initial = suggested if suggested in dict(choices) else (choices[0][0] if choices else None)
        if not choices:
            field.help_text = _("Nothing follows this status.")


class BulkStatusForm(TextLimitsMixin, forms.Form):
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

    def advance_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Do the next step of each selected order."""
        return _do_steps(request, queryset, ())

    def accept_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Accept the selected orders."""
        return _do_steps(request, queryset, (StepKind.ACCEPT,))

    def hand_over_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Mark the selected orders as being delivered. An order whose bouquet is not ready is refused."""
        return _do_steps(request, queryset, (StepKind.DELIVER,))

    def complete_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Mark the selected orders as completed. An order that has not left the shop is refused."""
        return _do_steps(request, queryset, (StepKind.DELIVERED, StepKind.HAND_OVER))

    def change_status_of_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Show a form with a status and a comment. If the form is valid, change the selected orders."""
        form = BulkStatusForm(request.POST if "apply" in request.POST else None)
        if form.is_valid():
            return _move(request, queryset, form.cleaned_data["status"].code, form.cleaned_data["comment"])
        return self.render(
            request,
            "orders/change_status.html",
            gettext("Change status"),
            {
                "chosen": chosen(request, queryset.select_related("status")),
                "form": form,
                "action_name": "change_status_of_selected",
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


def _move(request: HttpRequest, queryset: QuerySet[Order], status: str, comment: str = "") -> HttpResponse | None:
    """Set the status of the orders."""
    text = gettext("Changed: %(count)s.")
    return run_bulk(request, queryset, Action.STATUS, text, status=status, comment=comment)


def _do_steps(request: HttpRequest, queryset: QuerySet[Order], kinds: Sequence[StepKind]) -> HttpResponse | None:
    """Do the next step of each order, if it is one of these kinds. Without `kinds`, every kind is done."""
    return run_bulk(
        request, queryset, Action.ADVANCE, gettext("Changed: %(count)s."), kinds=[kind.value for kind in kinds]
    )


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
