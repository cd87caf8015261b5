"""The form that edits an order. A new order is created on a different page (`new_order`)."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.html import escape
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from cvety_crm.model_fields import column_field
from cvety_crm.text_limits import count_in
from orders.admin.doubts import DoubtsMixin
from orders.admin.orders.lost_update_guard import SeenValuesMixin
from orders.admin.orders.stored_instance import StoredInstanceMixin
from orders.admin.site_letters import warn_of_losses
from orders.models import Order, PaymentStatus
from orders.presentation.formatting import plain
from orders.presentation.payment import unknown_method, unknown_text
from orders.rules.doubts import Doubt, doubt_of_sum, doubt_of_time
from orders.services.validation import LONGEST
from orders.values.phones import format_phone, normalize_phone

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise  # the stubs are not installed in production

LOCAL = ("customer",)
"""The references that are passed to the service as objects. All other references are passed as keys."""
MONEY = ("total_amount", "delivery_fee", "discount_amount", "paid_amount")

TEXT_ROWS = {"delivery_address": 2, "comment": 3, "courier_comment": 3, "postcard_text": 3}
"""The fields for texts of several lines, with the number of lines shown."""
ONE_LINE = ("recipient_name",)
"""The text columns that people fill with one line. An input would remove the line breaks of a stored text."""
TEXTS = (*ONE_LINE, *TEXT_ROWS)

HELP: "dict[str, StrOrPromise]" = {
    "is_anonymous": "",
    "is_surprise": "",
    "discount_amount": _(
        "It goes into the prices of the items, in proportion, and 0 takes it away. Delivery is not discounted."
    ),
    "paid_amount": _(
        "The site calculates it from its payments and reports it here. A sum entered here is not sent to the site: to"
        " notify the site, mark the order as paid."
    ),
    "payment_status": _("The site knows “paid” and “not paid”; a refund is sent to it as “not paid”."),
}
"""The help texts of fields. They explain what a sum affects and whether the sum is sent to the site. An empty string
removes the model's help text."""

EDITABLE = (
    "recipient_name",
    "recipient_phone",
    "delivery_address",
    "delivery_date",
    "delivery_slot",
    "city",
    "shop",
    "is_pickup",
    "is_anonymous",
    "is_surprise",
    "postcard_text",
    "comment",
    "courier_comment",
    *MONEY,
    "payment_method",
    "payment_status",
    *LOCAL,
)


class PhoneField(forms.CharField):
    """A field for a phone in any format. A stored string that is not a phone is kept until a user changes it."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextInputWidget({"inputmode": "tel", "autocomplete": "off"})
        super().__init__(required=False, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Return a stored phone in the format `+7 701 123-45-67`."""
        return format_phone(value) if isinstance(value, str) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the phone has changed. A different format of the same phone is not a change."""
        if normalize_phone(str(data or "")).more:
            return True  # other numbers were entered too
        return normalize_phone(str(initial or "")).value != normalize_phone(str(data or "")).value

    def clean(self, value: Any) -> str:
        """Return the phone in E.164, or the string if it contains several phones, which the service separates.

        Return a string that is not a phone unchanged; `PhoneField.check` refuses it.
        """
        typed = super().clean(value)
        number = normalize_phone(typed)
        return str(typed) if number.more else number.value

    @staticmethod
    def check(value: str) -> None:
        """Raise `ValidationError` if the string is neither empty nor a phone."""
        if value and not normalize_phone(value).is_valid:
            raise ValidationError(gettext("There is no such phone number. Example: +7 701 123-45-67"))


class OrderForm(DoubtsMixin, SeenValuesMixin, StoredInstanceMixin, forms.ModelForm):
    """The form of an order's editable fields. The status, the florist and the courier have their own buttons."""

    recipient_phone = PhoneField(label=_("recipient's phone"))

    refusal = ""
    """The message of the service that refused the change, or an empty string."""
    doubt_of_service: Doubt | None = None
    """A doubt about the sum that the service has computed, which the user must confirm."""
    refused_field = ""
    """The name of the field that the message is about, or an empty string if the message is about no single field."""

    class Meta:
        model = Order
        fields = EDITABLE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer_active_references()
        for name in MONEY:
            if self.initial.get(name) is not None:
                self.initial[name] = plain(self.initial[name])
        self._show_unknown_values()
        for name, field in self.fields.items():
            field.label = capfirst(field.label)
            if not self.instance.is_unknown(name):
                field.help_text = HELP.get(name, field.help_text)
            if name in ONE_LINE and "\n" not in (getattr(self.instance, name) or ""):
                field.widget = UnfoldAdminTextInputWidget()
            if name in TEXT_ROWS:
                field.widget = UnfoldAdminTextareaWidget({"rows": TEXT_ROWS[name]})
            if name in LONGEST:
                count_in(field, LONGEST[name])  # the service refuses a longer text, after it has tidied it

    def _show_unknown_values(self) -> None:
        """Show unknown values as empty fields, each with the text that the site sent instead."""
        for name, typed in self.instance.unknown_values.items():
            field = self.fields.get(name)
            if field is None:
                continue
            self.initial[name] = None
            field.required = False
            if name == "payment_method":
                typed = unknown_method(self.instance)
            field.help_text = escape(unknown_text(typed))  # templates do not escape help texts
            if name == "payment_status":
                cast(forms.ChoiceField, field).choices = [("", gettext("unknown")), *PaymentStatus.choices]

    def _offer_active_references(self) -> None:
        """Limit the choices of each reference to the active rows and the order's current row."""
        for name in ("delivery_slot", "city", "shop"):
            field = self.fields.get(name)
            if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
                current = getattr(self.instance, column_field(Order, name).attname)
                key = field.to_field_name or "pk"
                field.queryset = field.queryset.filter(Q(is_active=True) | Q(**{key: current}))

    def clean_recipient_phone(self) -> str:
        """Return the phone. Raise `ValidationError` if a user has changed it to an invalid phone."""
        return self._checked_phone("recipient_phone")

    def clean(self) -> dict[str, Any] | None:
        """Add errors for negative sums, and the message of a service that has refused the change."""
        cleaned = super().clean()
        for name in MONEY:
            value = self.cleaned_data.get(name)
            if name in self.changed_data and value is not None and value < 0:
                self.add_error(name, gettext("A sum can't be below zero."))
        warn_of_losses(self, {name: self.cleaned_data.get(name) for name in self.changed_data if name in EDITABLE})
        self._ask_about_time()
        sum_typed = self.cleaned_data.get("total_amount") if "total_amount" in self.changed_data else None
        self.ask(doubt_of_sum(sum_typed) or self.doubt_of_service)
        if self.refusal:
            self.add_error(self.refused_field if self.refused_field in self.fields else None, self.refusal)
        return cleaned

    def _ask_about_time(self) -> None:
        """Ask about a delivery time that is over, unless it was so before."""
        if not {"delivery_date", "delivery_slot"}.isdisjoint(self.changed_data):
            self.ask(
                doubt_of_time(
                    self.cleaned_data.get("delivery_date"),
                    self.cleaned_data.get("delivery_slot"),
                    now=timezone.now(),
                    is_day_new="delivery_date" in self.changed_data,
                )
            )

    def changes(self) -> dict[str, Any]:
        """Return the changed fields, each with the value that `as_service_value` returns."""
        return {
            name: self.as_service_value(name)
            for name in self.changed_data
            if name in EDITABLE and name in self.cleaned_data
        }

    def as_service_value(self, name: str) -> Any:
        """Return the value of one field for `edit_order`.

        A reference is returned as its key, unless it is in `LOCAL`. An empty sum is returned as 0.
        """
        value = self.cleaned_data[name]
        if name in LOCAL:
            return value
        if isinstance(field := self.fields[name], forms.ModelChoiceField):
            return getattr(value, field.to_field_name or "pk") if value is not None else None
        if value is None and name in MONEY:
            return 0
        return value

    def _checked_phone(self, name: str) -> str:
        value: str = self.cleaned_data[name]
        if name in self.changed_data:
            PhoneField.check(value)
        return value
