"""An admin filter by a day or a range of days, which accepts dates in the formats that staff use."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import DateTimeField, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.contrib.filters.forms import RangeDateForm
from unfold.utils import parse_date_str
from unfold.widgets import INPUT_CLASSES

_BOUND = {"__gte": "__gte", "__lte": "__lt"}


class DayOrRangeForm(RangeDateForm):
    """A form with a single day, or with the first and the last day of a range."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(name, *args, **kwargs)
        day = forms.DateField(
            label="",
            required=False,
            widget=forms.DateInput(
                attrs={"placeholder": _("Day"), "class": "vCustomDateField " + " ".join(INPUT_CLASSES)}
            ),
        )
        self.fields: dict[str, forms.Field] = {f"{name}_on": day, **self.fields}


class DayOrRangeFilter(RangeDateFilter):
    """A filter for the rows of one day, or of a range that includes its last day. Users enter a day as 25.08.2025."""

    form_class = DayOrRangeForm

    def __init__(self, field: Any, request: HttpRequest, params: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(field, request, params, *args, **kwargs)
        key = f"{self.parameter_name}_on"
        value = params.pop(key, None)
        value = value[0] if isinstance(value, list) else value
        if value:
            self.used_parameters[key] = value

    def expected_parameters(self) -> list[str | None]:
        """Return the query parameters of this filter."""
        return [f"{self.parameter_name}_on", *super().expected_parameters()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of these days. If an entered string is not a date, show a warning and return no rows."""
        for ending, lookup in (("on", ""), ("from", "__gte"), ("to", "__lte")):
            typed = self.used_parameters.get(f"{self.parameter_name}_{ending}")
            if not typed:
                continue
            day = parse_date_str(str(typed).strip())
            if day is None:
                messages.warning(request, gettext("“%(text)s” is not a date, such as 25.08.2025.") % {"text": typed})
                return queryset.none()
            queryset = queryset.filter(**self._condition(lookup, day))
        return queryset

    def _condition(self, lookup: str, day: date) -> dict[str, Any]:
        name = self.parameter_name
        if not isinstance(self.field, DateTimeField):
            return {f"{name}{lookup}": day}
        # The end of the day is excluded: it is the start of the next day.
        start = timezone.make_aware(datetime.combine(day, time.min))
        end = timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))
        conditions = {f"{name}__gte": start, f"{name}__lt": end}
        return {key: value for key, value in conditions.items() if not lookup or key == f"{name}{_BOUND[lookup]}"}

    def choices(self, changelist: Any) -> Any:
        """Yield the template context of the form, filled with the values that the user has entered."""
        names = [name for name in self.expected_parameters() if name]
        yield {
            "request": self.request,
            "parameter_name": self.parameter_name,
            "form": self.form_class(
                name=self.parameter_name, data={name: self.used_parameters.get(name) for name in names}
            ),
        }
