"""The protection against lost updates when two users edit the same row.

The form contains the values that the page showed. A field counts as changed if it differs from the shown value, not
from the stored value. Therefore a page that was opened an hour ago does not overwrite a colleague's changes. Unchanged
fields are not saved. A field that both users have changed must be saved twice, as confirmation.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext

from orders.presentation.formatting import full_day

if TYPE_CHECKING:
    _Base = forms.BaseModelForm
else:
    _Base = object


def _as_stored(value: Any) -> Any:
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class BothChanged:
    """One field that two users have changed, with three values as strings.

    `was` is the value that the page showed, `theirs` is the stored value, and `yours` is the posted value.
    """

    name: str
    label: str
    was: str
    theirs: str
    yours: str


class SeenValuesMixin(_Base):
    """A mixin for the form of an existing row. `seen_fields` are the protected fields; None means all fields."""

    seen_fields: tuple[str, ...] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.both_changed: list[BothChanged] = []
        if self.instance._state.adding:
            return
        for name, field in self.fields.items():
            if not field.disabled and (self.seen_fields is None or name in self.seen_fields):
                field.show_hidden_initial = True

    def clean(self) -> dict[str, Any] | None:
        """Add an error to each field that another user has also changed. The second save adds no error."""
        cleaned = super().clean()
        for name in self.changed_data:
            field = self.fields[name]
            if not field.show_hidden_initial or self.add_prefix(name) not in self.data:
                continue
            bound = self[name]
            stored, data = map(_as_stored, (bound.initial, bound.data))
            if not self.is_stale(name) or not field.has_changed(stored, data):
                continue
            theirs = self._shown(field, bound.initial)
            self.add_error(
                name,
                gettext("Somebody else has changed it to “%(value)s”. Save again to store your value instead.")
                % {"value": theirs},
            )
            self.both_changed.append(
                BothChanged(
                    name=name,
                    label=str(field.label or name),
                    was=self._shown(field, self.data.get(bound.html_initial_name)),
                    theirs=theirs,
                    yours=self._shown(field, bound.data),
                )
            )
            self.show_as_seen(name)
        return cleaned

    def is_stale(self, name: str) -> bool:
        """Return whether the stored value differs from the value that the page has shown."""
        bound = self[name]
        # A browser posts every line break as CRLF.
        stored, seen = map(_as_stored, (bound.initial, self.data.get(bound.html_initial_name)))
        return seen is not None and self.fields[name].has_changed(stored, seen)

    def show_as_seen(self, name: str) -> None:
        """Mark the stored value as seen. The next save then overwrites this value."""
        bound = self[name]
        current = self.fields[name].prepare_value(bound.initial)
        shown = cast(QueryDict, self.data).copy()
        shown[bound.html_initial_name] = "" if current is None else str(current)
        self.data = shown

    @staticmethod
    def _shown(field: forms.Field, value: Any) -> str:
        if value in (None, ""):
            return "—"
        if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
            rows = field.queryset.model._default_manager
            row = rows.filter(**{field.to_field_name or "pk": value}).first()
            return str(field.label_from_instance(row)) if row is not None else str(value)
        if isinstance(field, forms.BooleanField):
            return gettext("yes") if field.to_python(value) else gettext("no")
        if isinstance(field, forms.TypedChoiceField):
            labels = dict(cast("list[tuple[Any, Any]]", field.choices))  # a model field's choices have no groups
            return str(labels.get(value, value))
        if isinstance(value, date):
            return full_day(value)
        return str(field.prepare_value(value))
