"""Notes on an order's page: written there, never changed afterwards."""

from typing import Any

from django.db.models import Field, Model, QuerySet
from django.forms import Field as FormField
from django.http import HttpRequest
from unfold.admin import StackedInline
from unfold.widgets import UnfoldAdminTextareaWidget

from orders.models import OrderNote

NOTES_SHOWN = 20


class NoteInline(StackedInline):
    """One empty note to write. The earlier ones are listed below the form, so they are not in the form at all."""

    model = OrderNote
    fields = ("text",)
    extra = 1
    max_num = 1
    hide_title = True

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> FormField | None:
        """Make it as small as most notes are."""
        if db_field.name == "text":
            kwargs["widget"] = UnfoldAdminTextareaWidget({"rows": 2})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderNote]:
        """Return nothing: what is written stays."""
        return super().get_queryset(request).none()

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Offer the empty note to whoever may write one."""
        return self.has_add_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may change the order may write on it, once it is there."""
        return obj is not None and bool(request.user.has_perm("orders.change_order"))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False
