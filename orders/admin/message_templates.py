"""The pages of message templates, with a preview of the texts on a sample order."""

from datetime import time
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from cvety_crm.admin_site.features import POST, Feature, FeatureModelAdmin
from orders.models import (
    Addressee,
    City,
    Courier,
    Customer,
    DeliverySlot,
    MessageTemplate,
    Order,
    PaymentMethod,
    Shop,
    Stage,
    Status,
)
from orders.models.message import TEXT_LENGTH
from orders.presentation.messages import message_text
from orders.values.languages import Language
from orders.values.message_text import PLACEHOLDERS


def _explanation() -> str:
    """Return how the text of a template is written."""
    return gettext(
        "Values: %(values)s. A sentence whose value is not known is left out. If the value is in square brackets, only "
        "that part is left out: %(example)s"
    ) % {"values": ", ".join(f"{{{name}}}" for name in PLACEHOLDERS), "example": "Здравствуйте[, {имя}]!"}


class TemplateForm(forms.ModelForm):
    """The form of a template, with a tick for each stage."""

    stages = forms.MultipleChoiceField(
        label=capfirst(_("stages")),
        choices=Stage.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=MessageTemplate._meta.get_field("stages").help_text,
    )

    class Meta:
        model = MessageTemplate
        fields = ("name", "addressee", "purpose", "handover", "sort", "is_active", "stages", "text_ru", "text_kk")


def may_edit_templates(request: HttpRequest) -> bool:
    """Return whether the user may add or change message templates."""
    return any(request.user.has_perm(f"orders.{right}_messagetemplate") for right in ("add", "change"))


class Preview(Feature[MessageTemplate]):
    """The texts of a template on a sample order, before it is saved."""

    def urls(self) -> list[URLPattern]:
        """Return the URL to which the form is posted while it is edited."""
        return [self.view("preview/", self.preview, name="preview", methods=POST, permission=may_edit_templates)]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """Return the texts that the addressee would read, or the mistakes of the texts."""
        chosen = request.POST.get("addressee", "")
        template = MessageTemplate(
            addressee=chosen if chosen in Addressee.values else Addressee.CUSTOMER,
            text_ru=request.POST.get("text_ru", "")[: TEXT_LENGTH * 2],
            text_kk=request.POST.get("text_kk", "")[: TEXT_LENGTH * 2],
        )
        found: dict[str, list[str]] = {}
        try:
            template.clean()
        except ValidationError as error:
            found = error.message_dict
        context = {"texts": [_preview(template, language, found) for language in Language]}
        return render(request, "orders/message_preview_texts.html", context)


@admin.register(MessageTemplate)
class MessageTemplateAdmin(FeatureModelAdmin):
    """The list and the pages of message templates."""

    features = (Preview,)
    form = TemplateForm
    list_display = ("name", "addressee", "purpose", "stages_column", "handover", "is_active", "sort")
    list_filter = ("addressee", "purpose", "handover", "is_active")
    ordering = ("sort", "name", "id")
    change_form_outer_after_template = "orders/message_preview.html"
    fieldsets = (
        (None, {"fields": (("name", "addressee"), ("purpose", "handover"), "sort", "is_active", "stages")}),
        (
            _("Texts"),
            {
                "fields": ("text_ru", "text_kk"),
                "description": lazy(_explanation, str)(),
            },
        ),
    )

    @admin.display(description=_("stages"))
    def stages_column(self, template: MessageTemplate) -> str:
        """Return the labels of the stages for which the template is offered."""
        return ", ".join(str(Stage(stage).label) for stage in template.stages) or gettext("all")


def sample_order() -> Order:
    """Return an unsaved order with a value for each placeholder."""
    shop, slot = Shop(name="CVETYKZ"), DeliverySlot(name="15:00–16:00", starts_at=time(15), ends_at=time(16))
    return Order(
        order_number="122183",
        status=Status(code="sample", stage=Stage.ACCEPTED),
        customer=Customer(),
        contact_name="Айгерим",
        recipient_name="Мария",
        delivery_address="ул. Абая 150, кв. 25",
        delivery_date=timezone.localdate(),
        delivery_slot=slot,
        city=City(name="Алматы"),
        shop=shop,
        courier=Courier(name="Ерлан"),
        total_amount=Decimal(17000),
        payment_method=PaymentMethod.CASH,
    )


def _preview(template: MessageTemplate, language: Language, mistakes: dict[str, list[str]]) -> dict[str, Any]:
    found = mistakes.get(f"text_{language.value}", [])
    text = "" if found else message_text(template, sample_order(), language)
    return {"label": language.label, "language": language.value, "mistakes": found, "text": text}
