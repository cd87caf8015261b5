"""The items on an order's page. A new item is a product of the catalogue or free text."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Field, Model, QuerySet
from django.forms import Field as FormField
from django.http import HttpRequest, QueryDict
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from cvety_crm.admin_site.base import without_related_buttons
from cvety_crm.text_limits import TextLimitsMixin
from orders.admin.doubts import DoubtsMixin
from orders.admin.orders.concurrent_items import item_text, line_text, merge_stored_lines
from orders.admin.orders.lost_update_guard import BothChanged, SeenValuesMixin
from orders.admin.orders.stored_instance import StoredInstanceMixin
from orders.models import Order, OrderItem, Product
from orders.presentation.details import item_details
from orders.presentation.formatting import plain, unit_price
from orders.presentation.item_values import total_text
from orders.presentation.payment import unknown_text
from orders.product_pictures.links import item_picture
from orders.rules.discounts import full_price
from orders.rules.doubts import doubt_of_price, doubt_of_quantity
from orders.rules.visibility import may_see_phones, may_see_prices
from orders.services.items import as_snapshot, new_line
from orders.sync.snapshot import ItemSnapshot
from orders.templatetags.pictures import picture

PICTURE_SIDE = 56  # CSS pixels


class PlainText(forms.Widget):
    """A widget that shows a value as text, with the picture of an item before it and the details below it."""

    below: SafeString = SafeString("")
    picture: SafeString = SafeString("")

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """Return the escaped text with a hidden input. If another user removes the item, the posted value is needed."""
        if not value:
            return mark_safe('<span class="crm-item-name"></span>')
        return format_html(
            '{}<input type="hidden" name="{}" value="{}">',
            with_picture(self.picture, format_html('<span class="crm-item-name">{}</span>{}', value, self.below)),
            name,
            value,
        )


class PriceWidget(UnfoldAdminDecimalFieldWidget):
    """The widget of the price of one piece. It also shows the list price if the item has a discount."""

    item: OrderItem | None = None

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """Return the input, and the list price of an item with a discount."""
        shown = super().render(name, value, attrs, renderer)
        return format_html("{}{}", shown, struck_list_price(self.item)) if self.item is not None else shown


class UnknownValueWidget(UnfoldAdminDecimalFieldWidget):
    """The empty input of an unknown quantity or price, with the text that the site sent below it."""

    typed = ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """Return the input and the escaped text."""
        shown = super().render(name, value, attrs, renderer)
        return format_html('{}<span class="crm-unknown-item">{}</span>', shown, unknown_text(self.typed))


def struck_list_price(item: OrderItem) -> SafeString:
    """Return the list price struck through, or an empty string if the item has no discount."""
    listed = full_price(item)
    if item.is_unknown("price") or listed <= item.price:
        return SafeString("")
    return format_html(
        '<span class="crm-list-price"><span class="sr-only">{}: </span><s>{}</s></span>',
        gettext("List price"),
        unit_price(listed),
    )


def details_below(item: OrderItem, *, phones: bool, prices: bool) -> SafeString:
    """Return the details of the item as HTML, for a reader who may see `phones` and `prices`."""
    return render_to_string("orders/item_details.html", {"details": item_details(item, phones=phones, prices=prices)})


def picture_of(item: OrderItem) -> SafeString:
    """Return the picture of the item as HTML. The item must be loaded with its product."""
    return picture(item_picture(item), PICTURE_SIDE)


def with_picture(shown: SafeString, text: SafeString) -> SafeString:
    """Return the text of an item with a picture before it, if there is one."""
    return format_html('<div class="crm-with-picture">{}<div>{}</div></div>', shown, text) if shown else text


class ItemForm(TextLimitsMixin, DoubtsMixin, SeenValuesMixin, StoredInstanceMixin, forms.ModelForm):
    """The form of one item."""

    seen_fields = ("quantity", "price")
    sees_phones = False
    """Whether the user may see phones. `ItemInline` sets it. All users of the form may see prices."""

    name = forms.CharField(
        label=_("or in your own words"), max_length=255, required=False, widget=UnfoldAdminTextInputWidget()
    )
    quantity = forms.DecimalField(
        label=_("quantity"),
        max_digits=10,
        decimal_places=3,
        min_value=Decimal("0.001"),
        initial=Decimal(1),
        widget=UnfoldAdminDecimalFieldWidget({"step": "any", "inputmode": "decimal"}),
    )
    price = forms.DecimalField(
        label=_("price, ₸"),
        max_digits=14,
        decimal_places=4,
        min_value=Decimal(0),
        required=False,
        widget=PriceWidget({"step": "any", "inputmode": "decimal"}),
    )

    class Meta:
        model = OrderItem
        fields = ("product", "name", "quantity", "price")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            if "product" in self.fields:  # a user who may only read has no such field
                self.fields["product"].required = False
            if "price" not in (kwargs.get("initial") or {}):
                self.initial.pop("price", None)
            return
        # A stored item contains its name, so no query for its product is needed.
        item = self.instance
        widget = PlainText()
        widget.below = details_below(item, phones=self.sees_phones, prices=True)
        widget.picture = picture_of(item)
        self.fields["product"] = forms.CharField(disabled=True, required=False, label=_("product"), widget=widget)
        self.initial["product"] = item.name
        self.fields["name"] = forms.CharField(disabled=True, required=False, label="", widget=PlainText())
        for name, what in (("quantity", gettext("Quantity")), ("price", gettext("Price"))):
            self.fields[name].widget.attrs["aria-label"] = f"{what}: {item.name}"
        cast(PriceWidget, self.fields["price"].widget).item = item
        self.stored = {"quantity": item.quantity, "price": item.price}
        for name, stored in self.stored.items():
            self.initial[name] = None if item.is_unknown(name) else plain(stored)
            if item.is_unknown(name):
                self._show_unknown(name, item.unknown_values[name])

    def _show_unknown(self, name: str, typed: str) -> None:
        """Show an unknown value as an empty input, with the text that the site sent instead."""
        field = self.fields[name]
        field.required = False
        field.widget = UnknownValueWidget({"step": "any", "inputmode": "decimal", **field.widget.attrs})
        field.widget.typed = typed

    def clean(self) -> dict[str, Any] | None:
        """Add errors if the price is missing, and if a new item has neither a product nor a name."""
        cleaned = super().clean()
        self._ask_about_numbers()
        if not self.instance._state.adding:
            is_known = not self.instance.is_unknown("price")
            if is_known and self.cleaned_data.get("price") is None and "price" not in self.errors:
                self.add_error("price", gettext("Give a price."))
            return cleaned
        product, name = self.cleaned_data.get("product"), self.cleaned_data.get("name")
        if not product and not name:
            self.add_error("product", gettext("Choose a product, or write what is to be made."))
        if (
            self.cleaned_data.get("price") is None
            and "price" not in self.errors
            and (not product or product.price is None)
        ):
            self.add_error("price", gettext("Give a price."))
        return cleaned

    def _ask_about_numbers(self) -> None:
        typed = {name: self.cleaned_data.get(name) for name in self.seen_fields if name in self.changed_data}
        if self.instance._state.adding:
            name = self.cleaned_data.get("name") or str(self.cleaned_data.get("product") or "")
        else:
            name = self.instance.name
        self.ask(doubt_of_price(typed.get("price"), name[:100]), doubt_of_quantity(typed.get("quantity")))

    def _post_clean(self) -> None:
        # Only services save the row. Django's validation of a new row would require an order.
        if self.instance._state.adding:
            return
        self.cleaned_data.pop("product", None)
        super()._post_clean()

    def snapshot(self) -> ItemSnapshot:
        """Return the stored or new item for `edit_order`."""
        data = self.cleaned_data
        if not self.instance._state.adding:
            item = self.instance
            # An unchanged field gets the stored value, not the value that the page showed.
            entered = {
                name: data[name] for name in self.stored if name in self.changed_data and data.get(name) is not None
            }
            unknown = {name: typed for name, typed in item.unknown_values.items() if name not in entered}
            return replace(as_snapshot(item), **(self.stored | entered), unknown_values=unknown)
        product: Product | None = data.get("product")
        return new_line(
            product, data.get("name") or (product.name if product else ""), data["quantity"], data.get("price")
        )


class ItemFormSet(PaginationInlineFormSet):
    """The formset of all items.

    The formset includes the items that other users have added or removed. If this user has also changed items, the form
    must be saved twice, as confirmation.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line_changes: list[BothChanged] = []
        if self.is_bound and not self.instance._state.adding and self.was_shown():
            rows = self.get_queryset()
            self.line_changes = merge_stored_lines(cast(QueryDict, self.data), self.prefix, list(rows))

    def was_shown(self) -> bool:
        """Return whether the page had fields for the items. It has none for users who may not see prices."""
        return f"{self.prefix}-0-quantity" in self.data

    def clean(self) -> None:
        """Raise `ValidationError` if there is no item, and once if another user has also changed the items."""
        super().clean()
        if not self.instance._state.adding and not self.was_shown():
            return
        for form in self.deleted_forms:
            self.line_changes += _changed_before_it_was_removed(form)
        if any(self.errors):
            return
        if not self.kept_forms():
            raise ValidationError(gettext("An order needs at least one item."))
        if self.line_changes and self.has_changed():
            raise ValidationError(
                gettext("Somebody else has changed the items too. Both changes are shown here: save again.")
            )

    @property
    def both_changed(self) -> list[BothChanged]:
        """Return the items that both users have changed.

        Items that another user has added or removed are included only if this user has also changed items.
        """
        of_lines = [
            replace(change, label=f"{form.instance.name}: {change.label.lower()}")
            for form in self.initial_forms
            for change in form.both_changed
        ]
        return of_lines + (self.line_changes if self.has_changed() else [])

    def kept_forms(self) -> list[Any]:
        """Return the forms of the items that the user does not remove, sorted as on the page."""
        return [
            form
            for form in self.forms
            if (form in self.initial_forms or form.has_changed()) and not self._should_delete_form(form)
        ]


def _changed_before_it_was_removed(form: ItemForm) -> list[BothChanged]:
    """Return the changes that another user has made to an item that this user removes, and mark them as seen."""
    stale = [] if form.instance._state.adding else [name for name in form.seen_fields if form.is_stale(name)]
    if not stale:
        return []
    was = line_text(*(form.data.get(form[name].html_initial_name) for name in ("quantity", "price")))
    theirs = item_text(form.instance, form.stored)
    for name in stale:
        form.show_as_seen(name)
    return [BothChanged("items", form.instance.name, was=was, theirs=theirs, yours=gettext("removed"))]


class ItemInline(TabularInline):
    """The inputs of an order's items. Users who may change orders and see prices may change the items."""

    model = OrderItem
    form = ItemForm
    formset = ItemFormSet
    fields = ("product", "name", "quantity", "price", "total_column")
    readonly_fields = ("total_column",)
    autocomplete_fields = ("product",)
    hide_title = True
    extra = 0
    order: Order
    """The order of the page. `get_formset` sets it."""
    verbose_name = _("product")
    add_text = _("Add a product")
    verbose_name_plural = _("items")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Return the formset class for this user. Django creates the form class and the inline for each request."""
        self.order = obj
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.sees_phones = may_see_phones(request.user)
        return formset

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderItem]:
        """Return the items with their products, sorted by position."""
        return super().get_queryset(request).select_related("product").order_by("position", "created_at")

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> FormField | None:
        """Return the form field without the small buttons that edit a product."""
        return without_related_buttons(super().formfield_for_dbfield(db_field, request, **kwargs))

    @admin.display(description=_("sum"))
    def total_column(self, item: OrderItem) -> str:
        """Return the sum of the item, or a dash for a new item."""
        return "—" if item._state.adding else total_text(item, self.order)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user may view or change orders."""
        return bool(request.user.has_perm("orders.view_order") or self._may(request))

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user may change orders and see prices."""
        return self._may(request) and self._sees_prices(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user may change orders and see prices. The form of an item contains the price."""
        return self._may(request) and self._sees_prices(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user may remove items. The order itself can't be deleted."""
        return self._may(request) and self._sees_prices(request, obj)

    @staticmethod
    def _sees_prices(request: HttpRequest, obj: Any) -> bool:
        return obj is None or may_see_prices(request.user, obj.delivery_date)

    @staticmethod
    def _may(request: HttpRequest) -> bool:
        return bool(request.user.has_perm("orders.change_order"))
