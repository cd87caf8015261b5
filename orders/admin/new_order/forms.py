"""The form of a new order, with the fields sorted as in a phone call. The forms of the items are in `lines`.

Users who may not see phones in full get masked phones in suggestions. The form posts a masked phone together with the
id of the row that contains the phone. The phone of that row is then used.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cvety_crm.text_limits import TextLimitsMixin
from cvety_crm.users import User
from orders.admin.doubts import DoubtsMixin
from orders.admin.new_order.lines import MOST_MONEY, AmountField
from orders.admin.site_letters import warn_of_losses
from orders.models import Channel, City, Customer, DeliverySlot, Order, PaymentMethod, PaymentStatus, Shop
from orders.presentation.phones import form_text
from orders.rules.doubts import doubt_of_time
from orders.services import Caller, NewItem
from orders.services.creation import DEFAULT_CITY, DEFAULT_SHOP
from orders.services.validation import LONGEST
from orders.values.phones import is_number, normalize_phone, numbers_of

FURTHEST = timedelta(days=366)
"""The longest time between today and the delivery date. Another date means that the user has entered a wrong year."""
ON_DELIVERY, PAID, LATER = "on_delivery", "paid", "later"
PAYMENTS = (
    (ON_DELIVERY, _("Cash on delivery")),
    (PAID, pgettext_lazy("order", "Paid")),
    (LATER, _("Will pay later")),
)
METHODS = (
    (PaymentMethod.KASPI, _("Kaspi")),
    (PaymentMethod.CARD, pgettext_lazy("payment", "Card")),
    (PaymentMethod.TRANSFER, pgettext_lazy("payment", "Transfer")),
    (PaymentMethod.CASH, pgettext_lazy("payment", "Cash")),
)


class SlotWidget(forms.RadioSelect):
    """A choice of delivery slots with their hours as data attributes.

    The page's script uses the hours to disable the slots that are over today.
    """

    slots: Mapping[str, DeliverySlot] = {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the option of one delivery slot, with the hours as data attributes."""
        option = super().create_option(name, value, *args, **kwargs)
        slot = self.slots.get(str(value))
        if slot is not None and slot.starts_at and slot.ends_at:
            option["attrs"] |= {"data-starts": f"{slot.starts_at:%H:%M}", "data-ends": f"{slot.ends_at:%H:%M}"}
        return option


class LinesField(forms.CharField):
    """A field for a text of several lines. A line break counts as one character, as on the site."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea({"rows": rows}), **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the text with LF as line break, because browsers post CRLF."""
        return str(super().to_python(value)).replace("\r\n", "\n")


def _phone_field(label: Any) -> forms.CharField:
    widget = forms.TextInput({"inputmode": "tel", "autocomplete": "off", "placeholder": "8 701 123-45-67"})
    return forms.CharField(label=label, max_length=100, required=False, widget=widget)


def _line_field(label: Any, **kwargs: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=255, required=False, widget=forms.TextInput({"autocomplete": "off"}), **kwargs
    )


def _sum_field(label: Any) -> AmountField:
    return AmountField(label=label, max_digits=12, decimal_places=2, min_value=0, max_value=MOST_MONEY, required=False)


class NewOrderForm(TextLimitsMixin, DoubtsMixin, forms.Form):
    """The form of a new order, without the items."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    customer = forms.UUIDField(required=False, widget=forms.HiddenInput)
    recipient_from = forms.UUIDField(required=False, widget=forms.HiddenInput)

    channel = forms.ChoiceField(label=_("Where from"), choices=Channel, widget=forms.RadioSelect)
    phone = _phone_field(_("Customer's phone"))
    name = _line_field(_("Customer's name"))

    is_pickup = forms.BooleanField(label=_("Pickup"), required=False)
    recipient_is_customer = forms.BooleanField(label=_("The recipient is the customer"), required=False)
    recipient_name = _line_field(_("Recipient's name"))
    recipient_phone = _phone_field(_("Recipient's phone"))
    delivery_address = LinesField(label=_("Address"), rows=2, max_length=LONGEST["delivery_address"])
    is_anonymous = forms.BooleanField(label=_("Anonymous: do not name the sender"), required=False)
    is_surprise = forms.BooleanField(label=_("Surprise: do not call the recipient"), required=False)

    delivery_date = forms.DateField(
        label=_("Date"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": _("Choose a day.")},
    )
    delivery_slot = forms.ChoiceField(
        label=_("Time"), widget=SlotWidget, error_messages={"required": _("Choose a time.")}
    )

    delivery_fee = _sum_field(_("Delivery, ₸"))
    discount_amount = _sum_field(_("Discount, ₸"))
    payment = forms.ChoiceField(label=_("Payment"), choices=PAYMENTS, widget=forms.RadioSelect)
    payment_method = forms.ChoiceField(label=_("Paid by"), choices=METHODS, widget=forms.RadioSelect, required=False)

    postcard_text = LinesField(label=_("Postcard text"), rows=3, max_length=LONGEST["postcard_text"])
    comment = LinesField(label=_("Requests for the florist"), rows=2, max_length=LONGEST["comment"])
    courier_comment = LinesField(label=_("Comment of the shop"), rows=2, max_length=LONGEST["comment"])
    city = forms.ChoiceField(label=_("City"), required=False)
    shop = forms.ChoiceField(label=_("Shop"), required=False)
    is_mine = forms.BooleanField(label=_("I take this order"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.known: Customer | None = None
        self.now = timezone.localtime()
        self.slots = {slot.bitrix_id: slot for slot in DeliverySlot.objects.filter(is_active=True)}
        slot_field = cast(forms.ChoiceField, self.fields["delivery_slot"])
        slot_field.choices = [(key, slot.name) for key, slot in self.slots.items()]
        cast(SlotWidget, slot_field.widget).slots = self.slots
        slot_field.required = bool(self.slots)
        for name, model in (("city", City), ("shop", Shop)):
            rows = model._default_manager.filter(is_active=True).values_list("bitrix_id", "name")
            cast(forms.ChoiceField, self.fields[name]).choices = list(rows)

    # --- initial values

    @staticmethod
    def defaults(slots: Mapping[str, DeliverySlot], user: User) -> dict[str, Any]:
        """Return the initial values of a new order.

        The delivery slot is the next one today that has not begun. If there is none, it is the first one tomorrow.
        """
        now = timezone.localtime()
        today = now.date()
        following = next((key for key, slot in slots.items() if slot.starts_at and slot.starts_at > now.time()), None)
        first = next(iter(slots), None)
        return {
            "key": uuid4(),
            "channel": Channel.PHONE,
            "delivery_date": today if following or not slots else today + timedelta(days=1),
            "delivery_slot": following or first,
            "payment": ON_DELIVERY,
            "payment_method": PaymentMethod.KASPI,
            "city": DEFAULT_CITY,
            "shop": DEFAULT_SHOP,
            # `is_mine` has no initial value: staff also enter orders for other florists.
        }

    # --- validation

    def clean_delivery_date(self) -> date:
        """Return the date. Raise `ValidationError` if it is more than a year away."""
        day: date = self.cleaned_data["delivery_date"]
        if day < self.now.date() - FURTHEST:
            raise forms.ValidationError(gettext("This is more than a year ago. Check the year."))
        if day > self.now.date() + FURTHEST:
            raise forms.ValidationError(gettext("This is more than a year ahead. Check the year."))
        return day

    def clean(self) -> dict[str, Any] | None:
        """Find the customer and the recipient, and add the errors that depend on more than one field."""
        cleaned = super().clean()
        self._find_customer()
        self._find_recipient()
        slot = self.slots.get(self.cleaned_data.get("delivery_slot", ""))
        self.ask(doubt_of_time(self.cleaned_data.get("delivery_date"), slot, now=self.now))
        is_asked = self.cleaned_data.get("payment") in (PAID, LATER) and "payment_method" not in self.errors
        if is_asked and not self.cleaned_data.get("payment_method"):
            self.add_error("payment_method", gettext("Choose how it is paid."))
        warn_of_losses(self, dict(self.cleaned_data))
        return cleaned

    def _find_customer(self) -> None:
        data = self.cleaned_data
        typed = data.get("phone", "")
        chosen = Customer.objects.people().filter(pk=data["customer"]).first() if data.get("customer") else None
        if chosen is not None and typed and not self._is_phone_of(typed, chosen.phone):
            chosen = None  # the user has replaced the customer's phone by a different phone
        self.known = chosen
        if chosen is None and typed and not normalize_phone(typed).is_valid:
            self.add_error("phone", gettext("There is no such phone number. Example: +7 701 123-45-67"))
        anonymous = data.get("channel") == Channel.WALK_IN
        if chosen is None and not typed and not data.get("name") and not anonymous and "phone" not in self.errors:
            self.add_error("phone", gettext("Give the customer's phone, or at least the name."))

    def _find_recipient(self) -> None:
        data = self.cleaned_data
        if data.get("recipient_is_customer"):
            known = self.known
            data["recipient_name"] = known.name if known and known.name else data.get("name", "")
            data["recipient_phone"] = _joined(known.phone, known.other_phones) if known else data.get("phone", "")
            return
        typed = data.get("recipient_phone", "")
        if not typed:
            return
        if data.get("recipient_from"):
            columns = ("recipient_phone", "recipient_other_phones")
            stored = Order.objects.filter(pk=data["recipient_from"]).values_list(*columns).first()
            if stored and stored[0] and self._is_phone_of(typed, stored[0]):
                data["recipient_phone"] = _joined(*stored)
                return
        number = normalize_phone(typed)
        if not number.is_valid:
            self.add_error("recipient_phone", gettext("There is no such phone number. Example: +7 701 123-45-67"))
        data["recipient_phone"] = typed if number.more else number.value

    def _is_phone_of(self, typed: str, stored: str) -> bool:
        # The form may post the phone as it was shown (possibly masked), or the same phone in any format.
        as_shown = " ".join(typed.split()) == " ".join(form_text(self.user, stored).split())
        return as_shown or normalize_phone(typed).value == stored

    # --- values for the service

    @property
    def fee(self) -> Decimal:
        """Return the delivery fee in KZT. It is 0 for a pickup."""
        if self.cleaned_data.get("is_pickup"):
            return Decimal(0)
        return self.cleaned_data.get("delivery_fee") or Decimal(0)

    def total_of(self, items: Iterable[NewItem]) -> Decimal:
        """Return the sum of an order with these items, in KZT. The service computes the sum that is stored."""
        goods = sum((item.quantity * (item.price or 0) for item in items), Decimal(0))
        return goods + self.fee - (self.cleaned_data.get("discount_amount") or Decimal(0))

    def caller(self) -> Caller:
        """Return the name and phone that the user has entered. They are used if no known customer was chosen."""
        return Caller(name=self.cleaned_data["name"], phone=self.cleaned_data["phone"])

    def fields_for_service(self) -> dict[str, Any]:
        """Return the fields for `create_order`. The service calculates the total and the paid amount."""
        data = self.cleaned_data
        is_paid, is_cash = data["payment"] == PAID, data["payment"] == ON_DELIVERY
        fields: dict[str, Any] = {
            name: data[name]
            for name in (
                "recipient_name",
                "recipient_phone",
                "is_pickup",
                "is_anonymous",
                "is_surprise",
                "delivery_date",
                "postcard_text",
                "comment",
                "courier_comment",
            )
        }
        fields |= {
            "delivery_address": "" if data["is_pickup"] else data["delivery_address"],
            "delivery_fee": self.fee,
            "discount_amount": data["discount_amount"] or Decimal(0),
            "payment_method": PaymentMethod.CASH.value if is_cash else data["payment_method"],
            "payment_status": (PaymentStatus.PAID if is_paid else PaymentStatus.PENDING).value,
            "responsible": self.user if data["is_mine"] else None,
        }
        fields |= {name: int(data[name]) for name in ("city", "shop") if data[name]}
        if data["delivery_slot"]:
            fields["delivery_slot"] = data["delivery_slot"]
        return fields

    @property
    def key_of_order(self) -> UUID | None:
        """Return the primary key that the page proposes for its order, or None if it is missing or malformed."""
        try:
            return UUID(str(self["key"].value()))
        except ValueError:
            return None


def _joined(phone: str, others: str) -> str:
    """Return the phone and the other numbers as one text, which the service reads again."""
    return ", ".join([phone, *numbers_of("", others)]) if is_number(phone) else phone
