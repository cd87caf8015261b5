"""The items of a new order. An item is a product of the catalogue, or free text with a price."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.text_limits import TextLimitsMixin
from orders.admin.doubts import DoubtsMixin
from orders.models import Product
from orders.rules.doubts import doubt_of_price
from orders.services import NewItem

MOST_LINES = 50
MOST_PIECES = Decimal(999)
MOST_MONEY = Decimal(99_999_999)
"""The largest sum in one field, in KZT. A larger sum was entered by mistake."""


class AmountField(forms.DecimalField):
    """A field for a number in the formats that people use, such as `1 500,50`, with or without the tenge sign."""

    def __init__(self, **kwargs: Any) -> None:
        too_much = kwargs.pop("too_much", _("This is too much: is there a zero too many?"))
        errors = {
            "min_value": kwargs.pop("too_little", _("A sum can't be below zero.")),
            "max_value": too_much,
            "max_digits": too_much,
            "max_whole_digits": too_much,
            "invalid": _("Write a number."),
        }
        kwargs.setdefault("widget", forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(error_messages=errors, **kwargs)

    def to_python(self, value: Any) -> Any:
        """Return the number. Spaces and the tenge sign are ignored, and a comma is the decimal separator."""
        if isinstance(value, str):
            value = "".join(value.replace("₸", "").replace(",", ".").split())
        return super().to_python(value)


class LineForm(TextLimitsMixin, DoubtsMixin, forms.Form):
    """The form of one item. The formset reads the products of all items together."""

    product = forms.UUIDField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(
        label=_("What is to be made"),
        max_length=255,
        required=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    quantity = AmountField(
        label=_("Quantity"),
        max_digits=10,
        decimal_places=3,
        min_value=Decimal("0.001"),
        max_value=MOST_PIECES,
        initial="1",
        too_little=_("The quantity must be more than zero."),
        too_much=_("At most 999 pieces."),
    )
    price = AmountField(
        label=_("Price, ₸"), max_digits=14, decimal_places=4, min_value=0, max_value=MOST_MONEY, required=False
    )

    list_price = forms.CharField(required=False, widget=forms.HiddenInput)
    """The product's price in the catalogue. Only the page's script reads this field."""

    found: Product | None = None

    @property
    def title(self) -> str:
        """Return the product's name, or an empty string for an item of free text."""
        return str(self["name"].value() or "") if self["product"].value() else ""

    @property
    def picture(self) -> str:
        """Return the URL of the product's picture, or an empty string for an item of free text."""
        try:
            return reverse("product_thumbnail", args=[UUID(str(self["product"].value()))]) if self.title else ""
        except ValueError:
            return ""

    def check_complete(self) -> None:
        """Add the errors of the item. The formset calls this method after it has read the product."""
        data = self.cleaned_data
        if data.get("product") and self.found is None:
            self.add_error("name", gettext("There is no such product any more. Remove the line and choose another."))
        elif not data.get("product") and not data.get("name") and "name" not in self.errors:
            self.add_error("name", gettext("Write what is to be made, or remove the line."))
        if (
            data.get("price") is None
            and "price" not in self.errors
            and (self.found is None or self.found.price is None)
        ):
            self.add_error("price", gettext("Give a price."))
        name = self.found.name if self.found else data.get("name") or ""
        self.ask(doubt_of_price(data.get("price"), name[:100]))

    def unit_price(self) -> Decimal:
        """Return the price of one piece in KZT. If the user has entered no price, return the price of the product."""
        typed: Decimal | None = self.cleaned_data.get("price")
        if typed is None and self.found is not None:
            typed = self.found.price
        return typed or Decimal(0)

    def new_item(self) -> NewItem:
        """Return the item for `create_order`."""
        data = self.cleaned_data
        name = "" if self.found else data["name"]
        return NewItem(product=self.found, name=name, quantity=data["quantity"], price=self.unit_price())


class BaseLineFormSet(forms.BaseFormSet):
    """The formset of all items."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """Add the fields of one form. Django must validate the form even if it is empty."""
        super().add_fields(form, index)
        form.empty_permitted = False

    def clean(self) -> None:
        """Read all products with one query, and add the errors of the items.

        Raise `ValidationError` if there is no item.
        """
        keys = [form.cleaned_data["product"] for form in self.forms if form.cleaned_data.get("product")]
        products = Product.objects.defer("search", "metadata").in_bulk(keys) if keys else {}
        for form in self.forms:
            form.found = products.get(form.cleaned_data.get("product"))
            form.check_complete()
        if not self.forms:
            raise ValidationError(gettext("Add what is ordered: an order needs at least one item."))

    def new_items(self) -> list[NewItem]:
        """Return the items for `create_order`."""
        return [form.new_item() for form in self.forms]


LineFormSet = forms.formset_factory(
    LineForm, formset=BaseLineFormSet, extra=0, max_num=MOST_LINES, absolute_max=MOST_LINES, validate_max=True
)
PREFIX = "items"
