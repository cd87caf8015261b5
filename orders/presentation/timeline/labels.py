"""The labels of fields, and messages about values that could not be read."""

from django.core.exceptions import FieldDoesNotExist
from django.utils.functional import Promise
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext, gettext_lazy

from orders.models import Order
from orders.sync.fields import DETAILS, FIELDS, ITEMS
from orders.sync.snapshot import Problem, ProblemReason

PROBLEMS: dict[str, Promise | str] = {
    ProblemReason.NOT_A_NUMBER: gettext_lazy("not a number"),
    ProblemReason.NOT_A_DATE: gettext_lazy("not a date"),
    ProblemReason.NOT_A_FLAG: gettext_lazy("neither yes nor no"),
    ProblemReason.NOT_A_PHONE: gettext_lazy("not a phone number"),
    ProblemReason.NOT_TEXT: gettext_lazy("not a text"),
    ProblemReason.NOT_AN_OBJECT: gettext_lazy("not an object"),
    ProblemReason.OUT_OF_RANGE: gettext_lazy("out of range"),
    ProblemReason.TOO_LONG: gettext_lazy("too long"),
    ProblemReason.DUPLICATE: gettext_lazy("there twice"),
}


def field_label(name: str) -> str:
    """Return the label of a field of an order, or the name if this version of the CRM has no such field."""
    if name == ITEMS:
        return capfirst(gettext("items"))
    if name == DETAILS:
        return gettext("More from the site")
    attribute = FIELDS[name].attribute.removesuffix("_id") if name in FIELDS else name
    attribute = {"bitrix_user": "bitrix_user_id"}.get(attribute, attribute)
    try:
        return capfirst(str(getattr(Order._meta.get_field(attribute), "verbose_name", name)))
    except FieldDoesNotExist:
        return name  # an entry that an older version of the CRM has written


def problem_text(problem: Problem) -> str:
    """Return a message that says why a field of a payload could not be read."""
    return gettext("%(field)s: “%(value)s” is %(reason)s") % {
        "field": problem.field or "?",
        "value": Truncator(str(problem.value)).chars(100),
        "reason": PROBLEMS.get(problem.reason, problem.reason),
    }
