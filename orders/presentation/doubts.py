"""The questions about values that are probably a mistake (`orders.rules.doubts`)."""

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext

from orders.presentation.formatting import long_day, number
from orders.rules.doubts import Doubt, DoubtKind


def question(doubt: Doubt) -> str:
    """Return what is doubtful, as a sentence."""
    match doubt.value:
        case date() as day:
            return gettext("The date is already over: %(day)s.") % {"day": long_day(day)}
        case Decimal() as quantity:
            return gettext("The quantity is %(quantity)s: is it right?") % {"quantity": number(quantity)}
    if doubt.kind == DoubtKind.PAST_SLOT:
        return gettext("This time is already over today: %(slot)s.") % {"slot": doubt.value}
    if doubt.kind == DoubtKind.NO_SUM:
        return gettext("The sum of the order is 0 ₸.")
    return gettext("The price of “%(name)s” is 0 ₸.") % {"name": doubt.value}
