"""Two people on one form: what one of them did not touch is not saved, what both changed is asked about.

The form carries the values that were shown. A field counts as changed when it differs from those, not from what is
stored by now, so a page opened an hour ago does not undo what a colleague has done since.
"""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext

if TYPE_CHECKING:
    _Base = forms.BaseModelForm
else:
    _Base = object


def _as_stored(value: Any) -> Any:
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


class SeenValuesMixin(_Base):
    """For a form of an existing row. `seen_fields` are the fields watched; all of the form's own when None."""

    seen_fields: tuple[str, ...] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            return
        for name, field in self.fields.items():
            if not field.disabled and (self.seen_fields is None or name in self.seen_fields):
                field.show_hidden_initial = True

    def clean(self) -> dict[str, Any] | None:
        """Refuse, once, to overwrite what somebody else has changed since the page was opened."""
        cleaned = super().clean()
        for name in self.changed_data:
            field = self.fields[name]
            if not field.show_hidden_initial or self.add_prefix(name) not in self.data:
                continue
            bound = self[name]
            seen = self.data.get(bound.html_initial_name)
            # A browser posts every line break as CRLF, whatever was stored and shown.
            stored, seen, data = map(_as_stored, (bound.initial, seen, bound.data))
            if seen is None or not field.has_changed(stored, seen) or not field.has_changed(stored, data):
                continue
            current = field.prepare_value(bound.initial)
            self.add_error(
                name,
                gettext("Changed by somebody else meanwhile: “%(value)s”. Save again to put yours in its place.")
                % {"value": self._shown(field, bound.initial)},
            )
            # What is shown now has been seen: saving again is a decision.
            shown = cast(QueryDict, self.data).copy()
            shown[bound.html_initial_name] = "" if current is None else str(current)
            self.data = shown
        return cleaned

    @staticmethod
    def _shown(field: forms.Field, value: Any) -> str:
        if isinstance(field, forms.ModelChoiceField) and value not in (None, ""):
            row = field.queryset.model._default_manager.filter(  # type: ignore[union-attr]
                **{field.to_field_name or "pk": value}
            ).first()
            return str(row or value)
        if isinstance(field, forms.TypedChoiceField):
            return str(dict(field.choices).get(value, value))  # type: ignore[arg-type]
        return str(field.prepare_value(value) if value is not None else "")
