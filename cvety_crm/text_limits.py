"""Limits of the length of texts that staff enter.

A browser cuts a pasted text at `maxlength` without a word. The inputs have `data-longest` instead: a script counts
(`static/cvety_crm/text_limits.js`), and the server refuses a text that is too long and says by how much.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.deconstruct import deconstructible
from django.utils.translation import ngettext

from cvety_crm.formatting import thousands


def length(text: str) -> int:
    """Return the number of characters. A line break counts as one, although browsers post two."""
    return len(text.replace("\r\n", "\n"))


def excess_text(text: str, limit: int) -> str:
    """Return a sentence about the characters above the limit, or an empty string if the text is short enough."""
    count = length(text)
    if count <= limit:
        return ""
    return ngettext(
        "%(count)s character typed, %(limit)s allowed: %(excess)s too many",
        "%(count)s characters typed, %(limit)s allowed: %(excess)s too many",
        count,
    ) % {"count": thousands(count), "limit": thousands(limit), "excess": thousands(count - limit)}


@deconstructible
class ExcessValidator(MaxLengthValidator):
    """A validator that says how many characters are too many."""

    def __call__(self, value: Any) -> None:
        """Raise `ValidationError` if the text is too long."""
        limit = self.limit_value() if callable(self.limit_value) else self.limit_value
        if excess := excess_text(str(value), limit):
            raise ValidationError(excess, code=self.code)


def count_in(field: Any, limit: int | None = None) -> Any:
    """Make the input of a form field count, and return the field. A field without a limit stays as it is.

    Without `limit`, the limit is that of the field, whose validator is replaced.
    """
    if limit is None:
        limit = getattr(field, "max_length", None) if isinstance(field, forms.CharField) else None
        if limit is None:
            return field
        others = [one for one in field.validators if not isinstance(one, MaxLengthValidator)]
        field.validators = [*others, ExcessValidator(limit)]
    field.widget.attrs.pop("maxlength", None)
    field.widget.attrs["data-longest"] = limit
    return field


class TextLimitsMixin(forms.BaseForm):
    """A mixin for a form of which all limited texts count."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            count_in(field)
