"""The admin pages of scheduled reports and of their deliveries."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, Max, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.html import format_html, format_html_join
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from cvety_crm import mail
from cvety_crm.admin_site.base import CrmModelAdmin, admin_link, badge, moment
from cvety_crm.admin_site.filters import DayOrRangeFilter
from cvety_crm.admin_site.outbox import AttemptInline, OutboxEntryAdmin, state_badge
from cvety_crm.outbox import State
from cvety_crm.users import display_name, staff_user
from orders.admin.reports.choice import choices_of_filters
from orders.admin.schedule_columns import ColumnsField, ColumnsView, chosen_text, columns_text
from orders.exceptions import NotAllowedError
from orders.export.formats import FORMATS
from orders.export.tables import TABLES
from orders.models import RelativePeriod, ReportDelivery, ReportDeliveryAttempt, ReportSchedule
from orders.presentation.report_times import sending_text
from orders.report_sending.parameters import BASIS, sendable_tables
from orders.reports.scope import FILTERS, Basis
from orders.services import report_schedules as services
from orders.services.report_schedules import ScheduleValues

DELIVERIES_SHOWN = 10
RECENT = timedelta(days=7)
"""How long the list shows that deliveries have failed."""
_NUMBERS = frozenset({"shop", "city"})
"""The filters whose values are numbers."""


def _choice(label: Any, *, required: bool = True, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=capfirst(label), required=required, widget=UnfoldAdminSelectWidget, **more)


class ScheduleForm(forms.ModelForm):
    """The form of a scheduled report: what, when, to whom."""

    table = _choice(_("what"))
    file_format = _choice(_("file"))
    # Not the name of the model's field, as that of the addresses.
    column_choice = ColumnsField()
    hour = forms.TypedChoiceField(
        label=capfirst(_("at which hour")),
        choices=[(hour, f"{hour:02}:00") for hour in range(24)],
        coerce=int,
        widget=UnfoldAdminSelectWidget,
    )
    basis = _choice(_("orders of the period"), choices=Basis.choices)
    shop = _choice(_("shop"), required=False)
    city = _choice(_("city"), required=False)
    source = _choice(_("source"), required=False)
    status = _choice(_("status"), required=False)
    # Not the name of the model's field, whose values are lists.
    addresses = forms.CharField(
        label=capfirst(_("e-mail addresses")),
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 3, "inputmode": "email", "autocapitalize": "off"}),
        help_text=_("Each on a line of its own, at most ten."),
    )
    chat_id = _choice(_("Telegram chat"), required=False)

    class Meta:
        model = ReportSchedule
        fields = ("name", "period", "frequency", "weekday", "day", "is_active")

    actor: Any = None
    """The user who fills in the form. `ReportScheduleAdmin.get_form` sets it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        schedule = self.instance
        if not self.fields:
            return  # the page is shown to a user who may not change it
        tables = [table for table in sendable_tables() if self.actor is None or table.may_export(self.actor)]
        keys = {key for table in tables for key in table.formats}
        self._choices("table", [(table.key, str(table.label)) for table in tables])
        self._choices("file_format", [(key, str(one.label)) for key, one in FORMATS.items() if key in keys])
        self._choices("chat_id", [("", gettext("no chat")), *self._chats()])
        for one in choices_of_filters():
            self._choices(one["name"], [("", gettext("all")), *one["choices"]])
        self._choose_columns(tables[0].key if tables else "")
        known = {"addresses": "\n".join(schedule.emails), BASIS: Basis.DELIVERY.value, **schedule.parameters}
        known |= {name: getattr(schedule, name) for name in ("table", "file_format", "hour", "chat_id")}
        for name, value in known.items():
            self.initial.setdefault(name, value)
        self.initial["period"] = self.initial.get("period") or RelativePeriod.YESTERDAY
        if not mail.is_configured():
            self.fields["addresses"].help_text = mail.not_configured()

    def _choose_columns(self, first: str) -> None:
        """Show the columns of the chosen table, and show those of another table as soon as it is chosen."""
        columns, schedule = self.fields["column_choice"], self.instance
        assert isinstance(columns, ColumnsField)
        columns.actor, columns.schedule = self.actor, schedule
        self.initial.setdefault("column_choice", columns.of_schedule(schedule))
        self.fields["table"].widget.attrs |= columns.swap_attributes()
        if not self.is_bound:
            columns.table = self.initial.get("table") or schedule.table or first
        else:
            columns.table = self.data.get(self.add_prefix("table"), "")

    def _chats(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = import_string(settings.REPORT_TELEGRAM_CHATS)()
        chosen = self.instance.chat_id
        # A chat that is no longer known stays chosen until the user chooses another one.
        return found if not chosen or chosen in dict(found) else [*found, (chosen, chosen)]

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        """Check the values like the service that saves them."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        table = TABLES.get(found.get("table", ""))
        if table is not None and found.get("file_format") not in (None, *table.formats):
            names = ", ".join(str(FORMATS[key].label) for key in table.formats)
            self.add_error("file_format", gettext("This table can be sent as: %(formats)s.") % {"formats": names})
        if not self.errors:
            try:
                services.checked_values(self.values(), self.instance.pk if not self.instance._state.adding else None)
            except NotAllowedError as error:
                self.add_error("addresses" if error.field == "emails" else error.field or None, str(error))
        return found

    def values(self) -> ScheduleValues:
        """Return the entered values. The form is valid, or has only errors of other fields."""
        data = self.cleaned_data
        filters = {name: int(data[name]) if name in _NUMBERS else data[name] for name in FILTERS if data.get(name)}
        names = ("name", "table", "file_format", "period", "frequency", "hour", "weekday", "day", "chat_id")
        return ScheduleValues(
            **{name: data[name] for name in names},
            is_active=data["is_active"],
            emails=data["addresses"].replace(",", " ").replace(";", " ").split(),
            parameters={BASIS: data[BASIS], **filters},
            columns=data["column_choice"].sent,
            template=data["column_choice"].template,
        )


def _rights_text() -> str:
    return gettext("The report has what the user who saves it may see. The rights are checked before each sending.")


@admin.register(ReportSchedule)
class ReportScheduleAdmin(CrmModelAdmin):
    """The list and the pages of scheduled reports."""

    form = ScheduleForm
    list_display = ("name", "what_column", "when_column", "to_column", "next_column", "last_column", "is_active")
    list_filter = ("is_active",)
    ordering = ("name",)
    readonly_fields = ("run_as_column", "next_column")
    actions_detail = ("send_now_dialog",)
    change_form_outer_after_template = "orders/report_deliveries.html"
    conditional_fields = {"weekday": "frequency == 'weekly'", "day": "frequency == 'monthly'"}
    fieldsets = (
        (None, {"fields": ("name", ("table", "file_format"), "column_choice", "is_active")}),
        (
            _("Which orders"),
            {"fields": (("period", "basis"), ("shop", "city"), ("source", "status"))},
        ),
        (_("When"), {"fields": (("frequency", "hour"), "weekday", "day")}),
        (
            _("To whom"),
            {"fields": ("addresses", "chat_id"), "description": lazy(_rights_text, str)()},
        ),
        (_("State"), {"fields": (("run_as_column", "next_column"),)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportSchedule]:
        """Return the schedules with the time of the last run and the number of deliveries that failed recently."""
        failed = Q(runs__deliveries__state=State.FAILED, runs__due_at__gte=timezone.now() - RECENT)
        found = super().get_queryset(request).select_related("run_as", "template")
        return found.annotate(last_due=Max("runs__due_at"), failed=Count("runs__deliveries", filter=failed))

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the fieldsets. A new schedule has no state, and a reader sees texts instead of inputs."""
        if obj is None:
            return self.fieldsets[:-1]
        if not self.has_change_permission(request, obj):
            return (
                (None, {"fields": ("name", "what_column", "columns_column", "when_column", "to_column")}),
                (_("State"), {"fields": (("is_active", "run_as_column"), "next_column")}),
            )
        return self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Add the columns that a reader sees to the read-only fields."""
        found = super().get_readonly_fields(request, obj)
        is_reader = obj is not None and not self.has_change_permission(request, obj)
        return (*found, "what_column", "columns_column", "when_column", "to_column") if is_reader else found

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form for this user, who may choose only tables that this user may export."""
        form = super().get_form(request, obj, change, **kwargs)
        form.actor = request.user
        return form

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of the columns of a table, which the form shows as soon as another table is chosen."""
        columns = self.admin_site.admin_view(require_safe(ColumnsView(self)))
        return [path("columns/", columns, name="orders_reportschedule_columns"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: ReportSchedule, form: Any, change: bool) -> None:
        """Save the schedule with a service."""
        schedule_id: UUID | None = obj.pk if change else None
        saved = services.save_schedule(actor=staff_user(request), values=form.values(), schedule_id=schedule_id)
        obj.pk = saved.pk

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what is deleted with schedules. Their runs and deliveries need no permission of their own."""
        found, counts, _needed, protected = super().get_deleted_objects(objs, request)
        return found, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: ReportSchedule) -> None:
        """Delete the schedule with a service."""
        services.delete_schedule(schedule_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ReportSchedule]) -> None:
        """Delete the schedules with a service."""
        for key in queryset.values_list("pk", flat=True):
            services.delete_schedule(schedule_id=key)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Show the page with the latest deliveries, if the user may see them."""
        schedule = kwargs.get("obj")
        if isinstance(schedule, ReportSchedule) and request.user.has_perm("orders.view_reportdelivery"):
            context["deliveries"] = list(_latest(schedule))
            context["all_deliveries_url"] = _deliveries_url(schedule)
        return super().render_change_form(request, context, **kwargs)

    @action(
        description=_("Send now"),
        permissions=["change"],
        url_path="send_now",
        icon="send",
        dialog={
            "title": _("Send the report now?"),
            "description": _("It is sent to all recipients, besides the regular sendings."),
            "form_class": None,
            "form_submit_text": _("Send now"),
        },
    )
    def send_now_dialog(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Start a run of this schedule now."""
        try:
            services.start_now(schedule_id=UUID(object_id), actor=staff_user(request))
            messages.success(request, gettext("The report is being made and sent. Its deliveries show the result."))
        except (ReportSchedule.DoesNotExist, ValueError):
            messages.error(request, gettext("There is no such entry."))
        except NotAllowedError as error:
            messages.warning(request, str(error))
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Refresh": "true"})
        return HttpResponseRedirect(reverse("admin:orders_reportschedule_change", args=[object_id]))

    @admin.display(description=_("what"))
    def what_column(self, schedule: ReportSchedule) -> str:
        """Return the name of the table, the format, and whose columns are sent if they are not the default ones."""
        table, file = TABLES.get(schedule.table), FORMATS.get(schedule.file_format)
        name = str(table.label) if table is not None else gettext("no such table: %(key)s") % {"key": schedule.table}
        text = f"{name} ({file.label if file is not None else schedule.file_format})"
        chosen = chosen_text(schedule)
        return _lines([text, chosen]) if chosen else text

    @admin.display(description=_("columns"))
    def columns_column(self, schedule: ReportSchedule) -> str:
        """Return the headers of the columns that are sent."""
        return columns_text(schedule)

    @admin.display(description=_("when"))
    def when_column(self, schedule: ReportSchedule) -> str:
        """Return when the report is sent, and for which days."""
        return _lines([sending_text(schedule)])

    @admin.display(description=_("to whom"))
    def to_column(self, schedule: ReportSchedule) -> str:
        """Return the e-mail addresses and the chat."""
        chat = [gettext("Telegram chat %(chat)s") % {"chat": schedule.chat_id}] if schedule.chat_id else []
        return _lines([*schedule.emails, *chat])

    @admin.display(description=_("next sending"), ordering="next_run_at")
    def next_column(self, schedule: ReportSchedule) -> str:
        """Return when the report is sent next."""
        return moment(schedule.next_run_at)

    @admin.display(description=_("last sending"))
    def last_column(self, schedule: Any) -> str:
        """Return when the report was due last, and whether deliveries have failed recently."""
        text = moment(schedule.last_due)
        if not schedule.failed:
            return text
        words = ngettext("%(count)s not delivered", "%(count)s not delivered", schedule.failed)
        return _lines([text, badge("failed", "!", words % {"count": schedule.failed})])

    @admin.display(description=_("with the rights of"))
    def run_as_column(self, schedule: ReportSchedule) -> str:
        """Return the user who has saved the schedule last."""
        return display_name(schedule.run_as) or "—"


class ReportAttemptInline(AttemptInline):
    """The attempts of a delivery."""

    model = ReportDeliveryAttempt


@admin.register(ReportDelivery)
class ReportDeliveryAdmin(OutboxEntryAdmin):
    """The list and the pages of deliveries of reports."""

    list_display = (
        "created_column",
        "report_column",
        "recipient_column",
        "state_column",
        "reason_column",
        "attempts",
        "next_column",
    )
    list_display_links = ("created_column",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("channel", ChoicesDropdownFilter),
        ("created_at", DayOrRangeFilter),
    )
    extra_lookups = ("run__schedule__id__exact",)
    list_select_related = ("run__schedule",)
    inlines = (ReportAttemptInline,)
    fieldsets = (
        (None, {"fields": ("report_column", "days_column", "channel", "recipient", "state_column", "reason_column")}),
        (_("Attempts"), {"fields": ("attempts", "next_column", "created_at", "finished_at", "retry_by")}),
        (_("Text"), {"fields": ("text_column",)}),
    )

    @admin.display(description=_("scheduled report"))
    def report_column(self, delivery: ReportDelivery) -> str:
        """Return a link to the scheduled report."""
        return admin_link(delivery.run.schedule, request=self.request)

    @admin.display(description=_("to whom"))
    def recipient_column(self, delivery: ReportDelivery) -> str:
        """Return how and to whom the report is sent."""
        return _lines([delivery.get_channel_display(), delivery.recipient])

    @admin.display(description=_("for which days"))
    def days_column(self, delivery: ReportDelivery) -> str:
        """Return the days of the report."""
        first, last = delivery.run.first_day, delivery.run.last_day
        return f"{first:%d.%m.%Y}" if first == last else f"{first:%d.%m.%Y} – {last:%d.%m.%Y}"

    @admin.display(description=pgettext_lazy("report", "headline figures"))
    def text_column(self, delivery: ReportDelivery) -> str:
        """Return the headline figures that were sent, if the user may see all sums."""
        if not self.request.user.has_perm("orders.view_all_prices"):
            return gettext("It contains sums, so only users who may see all of them can read it.")
        if not delivery.run.summary:
            return "—"
        return format_html('<pre class="crm-json" tabindex="0">{}</pre>', delivery.run.summary)


def _lines(texts: Iterable[str]) -> SafeString:
    """Return texts one below the other, also in the card of a phone, whose cells are in one line."""
    lines = format_html_join("", '<div class="crm-answer">{}</div>', ((text,) for text in texts))
    return format_html("<div>{}</div>", lines)


def _latest(schedule: ReportSchedule) -> Iterator[dict[str, Any]]:
    found = ReportDelivery.objects.filter(run__schedule=schedule).order_by("-created_at", "recipient")
    for delivery in found[:DELIVERIES_SHOWN]:
        yield {
            "created": moment(delivery.created_at),
            "recipient": delivery.recipient,
            "badge": state_badge(delivery),
            "reason": delivery.last_error if delivery.state != State.DELIVERED else "",
            "url": reverse("admin:orders_reportdelivery_change", args=[delivery.pk]),
        }


def _deliveries_url(schedule: ReportSchedule) -> str:
    return f"{reverse('admin:orders_reportdelivery_changelist')}?run__schedule__id__exact={schedule.pk}"
