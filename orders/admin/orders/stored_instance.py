"""A mixin for forms of which only services save the row: the row in memory keeps its stored values.

Django copies the typed values into the row before it knows whether they are valid. The page of a refused form would
then show them, in the header for example, as if they were saved.
"""

from typing import TYPE_CHECKING

from django import forms

if TYPE_CHECKING:
    _Base = forms.BaseModelForm
else:
    _Base = object


class StoredInstanceMixin(_Base):
    """A mixin that validates the typed values in the row, and then puts the stored values back."""

    def _post_clean(self) -> None:
        row = self.instance
        values, related = dict(row.__dict__), dict(row._state.fields_cache)
        super()._post_clean()  # type: ignore[misc]  # Django's hook is private, so its stubs lack it
        row.__dict__.clear()
        row.__dict__.update(values)
        row._state.fields_cache = related
