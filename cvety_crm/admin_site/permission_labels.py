"""The labels of permissions in the user's language. Django stores the names of permissions in English."""

from typing import Any

from django.contrib.auth.models import Permission
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext_lazy

ACTIONS = {
    "view": pgettext_lazy("permission", "view"),
    "add": pgettext_lazy("permission", "add"),
    "change": pgettext_lazy("permission", "change"),
    "delete": pgettext_lazy("permission", "delete"),
}
"""The label of each of Django's default permissions, by the prefix of its code name."""


def permission_label(permission: Permission) -> str:
    """Return the label of a permission in the active language, such as `Orders: change`."""
    model = permission.content_type.model_class()
    if model is None:  # The model has been removed from the code.
        return str(permission)
    action = ACTIONS.get(permission.codename.removesuffix(f"_{model._meta.model_name}"))
    label = action or gettext(permission.name)
    return f"{capfirst(model._meta.verbose_name_plural)}: {label}"


class PermissionLabels:
    """A mixin for a `ModelAdmin` of users or groups that labels permissions with `permission_label`."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        """Return the form field. Its choices have the labels of `permission_label`."""
        # This class is mixed into a `ModelAdmin`, which defines the method.
        field = super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and db_field.related_model is Permission:
            field.label_from_instance = permission_label
        return field
