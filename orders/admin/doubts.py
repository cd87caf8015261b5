"""The question before a doubtful value is saved: the form is shown again, and a second save confirms the value.

Nothing is saved until then. The page contains what was typed and the keys of the doubtful values. If a value is changed
to another doubtful value, the question is asked again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest

from orders.presentation.doubts import question
from orders.rules.doubts import Doubt, DoubtKind

CONFIRMED = "confirmed"
"""The name of the hidden inputs with the keys of the doubtful values that the page has asked about."""
_LONGEST_KEY = 400
_MOST = 60


@dataclass(frozen=True, slots=True)
class Question:
    """A question, with the id of the input that it is about."""

    text: str
    input_id: str


class DoubtsMixin(BaseForm):
    """A mixin for a form that asks about doubtful values."""

    def ask(self, *doubts: Doubt | None) -> None:
        """Add an error for each doubtful value that the user has not confirmed."""
        for doubt in unconfirmed(self.data, doubts):
            text, field = question(doubt), doubt.field if doubt.field in self.fields else None
            if field is not None and field in self.errors:
                continue  # the value is wrong in another way, which is to be corrected first
            input_id = str(self[field].id_for_label) if field else ""
            self.questions = [*self.questions, Question(text, input_id)]
            self.keys = [*self.keys, doubt.key]
            self.add_error(field, text)

    questions: list[Question] = []
    keys: list[str] = []


def confirmed(data: Any) -> set[str]:
    """Return the keys that the form has posted."""
    posted = data.getlist(CONFIRMED) if hasattr(data, "getlist") else data.get(CONFIRMED, ())
    return {key for key in posted[:_MOST] if len(key) <= _LONGEST_KEY}


def unconfirmed(data: Any, doubts: Iterable[Doubt | None]) -> list[Doubt]:
    """Return the doubts that the posted data does not confirm.

    If the user has confirmed that an item costs nothing, a sum of 0 follows from it and is not asked about.
    """
    keys = confirmed(data)
    has_free_item = any(key.startswith(f"{DoubtKind.NO_PRICE}:") for key in keys)
    return [
        doubt
        for doubt in doubts
        if doubt is not None and doubt.key not in keys and not (has_free_item and doubt.kind == DoubtKind.NO_SUM)
    ]


def questions_context(request: HttpRequest, forms: Iterable[Any], *, form_id: str) -> Mapping[str, Any]:
    """Return the context of `orders/questions.html` for the forms of a page. `form_id` is the id of the HTML form.

    The keys that were confirmed earlier are kept, in case that the form is refused for another reason.
    """
    asking = [form for form in forms if getattr(form, "questions", None)]
    keys = confirmed(request.POST) | {key for form in asking for key in form.keys}
    return {
        "questions": [one for form in asking for one in form.questions],
        "question_keys": sorted(keys),
        "question_form": form_id,
        # The button saves in the way of the button that was pressed first.
        "question_button": "_continue" if "_continue" in request.POST else "_save",
    }
