"""The couriers' pages. The list shows the contacts of each courier and the remaining stops of today."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, DecimalField, F, FilteredRelation, Model, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_site.features import FeatureModelAdmin
from orders.admin.courier_route import CourierRoute, may_see_route
from orders.admin.courier_texts import courier_contacts
from orders.admin.orders.forms import PhoneField
from orders.models import Courier
from orders.presentation.formatting import NBSP, money
from orders.presentation.payment import uncounted_sums
from orders.presentation.phones import shown_phone
from orders.rules.lateness import CLOSED_STAGES
from orders.rules.payment import due_is_counted, is_due
from orders.rules.visibility import may_see_phones, may_see_prices
from orders.values.phones import normalize_phone
from orders.values.text import clean_line

_TELEGRAM = re.compile(r"(?:(?:https?://)?(?:www\.)?(?:t|telegram)\.me/|@)?([A-Za-z][A-Za-z0-9_]{4,31})/?", re.ASCII)
"""A Telegram username (core.telegram.org, "usernames"): alone, with an @ before it, or as a link."""


class CourierForm(forms.ModelForm):
    """The form of a courier. It accepts the phone and the Telegram username in any usual format."""

    phone = PhoneField(label=_("Phone"))

    class Meta:
        model = Courier
        fields = ("name", "phone", "telegram", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "telegram" in self.fields:
            self.fields["telegram"].help_text = gettext("The name in Telegram: @name. A link is accepted too.")
        if "is_active" in self.fields:
            self.fields["is_active"].help_text = gettext(
                "An inactive courier gets no new orders; old orders keep the courier's name."
            )

    def clean_name(self) -> str:
        """Return the name on one line."""
        return clean_line(self.cleaned_data["name"])

    def clean_phone(self) -> str:
        """Return the phone. Raise `ValidationError` if it is invalid or an active courier already has it.

        An unchanged phone is not checked.
        """
        phone: str = self.cleaned_data["phone"]
        if "phone" not in self.changed_data:
            return phone
        PhoneField.check(phone)
        others = Courier.objects.filter(phone=phone, is_active=True).exclude(pk=self.instance.pk)
        if phone and (other := others.first()):
            raise ValidationError(gettext("%(name)s has this phone already.") % {"name": other.name})
        return phone

    def clean_telegram(self) -> str:
        """Return the username as `@name`. Raise `ValidationError` if it is not a Telegram username.

        An unchanged username is not checked.
        """
        typed = self.cleaned_data["telegram"].strip()
        if not typed or "telegram" not in self.changed_data:
            return str(typed)
        match = _TELEGRAM.fullmatch(typed)
        if match is None:
            raise ValidationError(
                gettext("This is not a Telegram name: enter at least five Latin letters, as in @erlan_kz.")
            )
        return f"@{match[1]}"


@admin.register(Courier)
class CourierAdmin(FeatureModelAdmin):
    """The list and the pages of couriers."""

    features = (CourierRoute,)
    form = CourierForm
    list_display = ("name", "contacts_column", "today_column", "route_column", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "telegram")  # `get_search_results` also searches the phone
    search_help_text = _("Name, phone, Telegram")
    ordering = ("-is_active", "name", "id")
    list_before_template = "orders/no_couriers.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Courier]:
        """Return the couriers with the number of remaining stops of today and the sum to collect there, in KZT.

        `uncounted` is the number of stops whose sum is unknown or in a different currency.
        """
        is_left = (
            Q(stop__is_pickup=False, stop__is_cancelled=False, stop__is_deleted_on_site=False)
            & Q(stop__isnull=False)
            & ~Q(stop__status__stage__in=CLOSED_STAGES)
        )
        due_stop = is_left & is_due("stop__")
        counted = due_stop & due_is_counted("stop__")
        no_money = Value(0, output_field=DecimalField())
        due = F("stop__total_amount") - F("stop__paid_amount")
        return (
            super()
            .get_queryset(request)
            .annotate(stop=FilteredRelation("orders", condition=Q(orders__delivery_date=timezone.localdate())))
            .annotate(
                stops=Count("stop", filter=is_left),
                to_collect=Coalesce(Sum(due, filter=counted), no_money),
                uncounted=Count("stop", filter=due_stop) - Count("stop", filter=counted),
            )
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Courier], search_term: str
    ) -> tuple[QuerySet[Courier], bool]:
        """Search couriers by name, by Telegram username, and by phone in any format."""
        phone = normalize_phone(search_term)
        if phone.is_valid:
            return queryset.filter(phone=phone.value), False
        found: tuple[QuerySet[Courier], bool] = super().get_search_results(request, queryset, search_term)
        return found

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the fields of the form.

        A user who may not see phones sees only the last digits of the phone, and may change the other fields.
        """
        is_typed = obj is None or (may_see_phones(request.user) and self.has_change_permission(request, obj))
        phone = "phone" if is_typed else "phone_shown"
        return ("name", phone, "telegram", "is_active")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Add the column that shows the phone to the read-only fields."""
        return (*super().get_readonly_fields(request, obj), "phone_shown")

    @admin.display(description=_("Phone"))
    def phone_shown(self, courier: Courier) -> str:
        """Return the phone as a link, or only its last digits for a user who may not see phones."""
        return shown_phone(self.request.user, courier.phone) or "—"

    @admin.display(description=_("Contacts"))
    def contacts_column(self, courier: Courier) -> str:
        """Return the contacts as links that call the courier or open a chat."""
        contacts = courier_contacts(courier, self.request.user)
        parts = [(contacts["phone"],)] if contacts["phone"] else []
        for title, url in (("WhatsApp", contacts["whatsapp"]), (courier.telegram, contacts["telegram_url"])):
            if url:
                link = '<a class="crm-link crm-tap" href="{}" target="_blank" rel="noopener noreferrer">{}</a>'
                parts.append((format_html(link, url, title),))
            elif title == courier.telegram and title:
                parts.append((title,))
        return format_html("<div>{}</div>", format_html_join(" ", "{}", parts)) if parts else "—"

    @admin.display(description=pgettext_lazy("courier", "Today"))
    def today_column(self, courier: Any) -> str:
        """Return the number of remaining stops of today, and the sum to collect there if the user may see prices."""
        if not courier.stops:
            return "—"
        words = ngettext("%(count)s stop", "%(count)s stops", courier.stops) % {"count": courier.stops}
        words = words.replace(" ", NBSP)
        if not may_see_prices(self.request.user, timezone.localdate()):
            return words
        sums = [money(courier.to_collect)] if courier.to_collect else []
        sums += [uncounted_sums(courier.uncounted)] if courier.uncounted else []
        return f"{words} · {' + '.join(sums)}" if sums else words

    @admin.display(description=_("Route"))
    def route_column(self, courier: Courier) -> str:
        """Return a link to the courier's route of today."""
        if not may_see_route(self.request):
            return "—"
        url = reverse("admin:orders_courier_route", args=[courier.pk])
        link = '<a class="crm-link crm-tap" href="{}" aria-label="{}: {}">{}</a>'
        title = capfirst(gettext("route for today"))
        return format_html(link, url, title, courier.name, title)

    def has_delete_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return False: old orders refer to the courier. A courier who has left is marked as inactive."""
        return False
