"""An order's fields for whoever may only read them: sums as sums, references in words, typed texts
without the phones that are hidden from him.

Django makes a link of each reference it shows read-only, also for people whom the page behind it refuses.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from orders.models import Order
from orders.presentation.formatting import money
from orders.rules.visibility import MONEY_FIELDS, shown_text

REFERENCES = ("delivery_slot", "city", "shop", "customer")


TEXTS = ("recipient_name", "delivery_address", "comment", "courier_comment", "postcard_text")


def _shown(name: str, words: Callable[[Any], str]) -> Callable[[Any, Order], str]:
    @admin.display(description=Order._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    def shown(_admin: Any, order: Order) -> str:
        value = getattr(order, name)
        return "—" if value is None else words(value)

    return shown


def _shown_text(name: str) -> Callable[[Any, Order], str]:
    @admin.display(description=Order._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    def shown(model_admin: Any, order: Order) -> str:
        return shown_text(model_admin.request.user, getattr(order, name)) or "—"

    return shown


class ReadOnlyFields:
    """For the order's ModelAdmin to mix in, before its form."""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets; for whoever may not change the order each field by its column of words."""
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        if obj is None or self.has_change_permission(request, obj):  # type: ignore[attr-defined]
            return fieldsets
        return [(title, {**options, "fields": _in_words(options["fields"])}) for title, options in fieldsets]


def _in_words(fields: Any) -> Any:
    if isinstance(fields, str):
        return f"{fields}_words" if fields in (*REFERENCES, *MONEY_FIELDS, *TEXTS) else fields
    return tuple(map(_in_words, fields))


for _field in REFERENCES:
    setattr(ReadOnlyFields, f"{_field}_words", _shown(_field, str))
for _field in TEXTS:
    setattr(ReadOnlyFields, f"{_field}_words", _shown_text(_field))
for _field in MONEY_FIELDS:
    setattr(ReadOnlyFields, f"{_field}_words", _shown(_field, money))
