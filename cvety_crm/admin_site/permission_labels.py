"""Permissions in words that staff read: Django keeps their names in the database, in English."""

from typing import Any

from django.contrib.auth.models import Permission
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext_lazy

DEEDS = {
    "view": pgettext_lazy("permission", "view"),
    "add": pgettext_lazy("permission", "add"),
    "change": pgettext_lazy("permission", "change"),
    "delete": pgettext_lazy("permission", "delete"),
}
"""What each of Django's own permissions allows, by the start of its code."""


def permission_label(permission: Permission) -> str:
    """Return `Orders: change`, in the language in use; a permission of our own has its name translated."""
    model = permission.content_type.model_class()
    if model is None:  # its code is gone
        return str(permission)
    deed = DEEDS.get(permission.codename.removesuffix(f"_{model._meta.model_name}"))
    action = deed or gettext(permission.name)
    return f"{capfirst(model._meta.verbose_name_plural)}: {action}"


class PermissionLabels:
    """For a `ModelAdmin` of people or groups: its choice of permissions is labelled by `permission_label`."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        """Return the field, with its choices in words."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and db_field.related_model is Permission:
            field.label_from_instance = permission_label
        return field
