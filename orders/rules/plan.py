"""How far the sales of a month are from its plan. The rule is pure: sums are in KZT."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal


@dataclass(frozen=True, slots=True)
class Progress:
    """The sales of a month up to today, compared with the plan."""

    plan: Decimal | None
    """None if the month has no plan."""
    before: Decimal
    """The sales of the days before today."""
    today: Decimal
    days_left: int
    """The number of days until the end of the month, with today."""
    pace: Decimal | None
    """The sales of an average day before today, or None on the first day of the month."""

    @property
    def sales(self) -> Decimal:
        """Return the sales up to today."""
        return self.before + self.today

    @property
    def percent(self) -> int | None:
        """Return the sales in per cent of the plan, rounded down, so that only a plan that is met has 100."""
        return None if self.plan is None else int(100 * self.sales / self.plan)

    @property
    def is_met(self) -> bool:
        """Return whether the sales have reached the plan."""
        return self.plan is not None and self.sales >= self.plan

    @property
    def needed_a_day(self) -> Decimal | None:
        """Return the sales that each day from today on needs, rounded up to 1 ₸, or None without a plan."""
        if self.plan is None:
            return None
        missing = max(self.plan - self.before, Decimal(0))
        return (missing / self.days_left).quantize(Decimal(1), ROUND_UP)

    @property
    def forecast(self) -> Decimal | None:
        """Return the sales of the whole month if the days that are left are like those before, or None."""
        if self.pace is None:
            return None
        return max(self.before + self.pace * self.days_left, self.sales)


def progress_of(day: date, *, plan: Decimal | None, before: Decimal, today: Decimal) -> Progress:
    """Return the progress on a day. `before` are the sales of the month before this day, `today` those of this day."""
    days_left = monthrange(day.year, day.month)[1] - day.day + 1
    pace = before / (day.day - 1) if day.day > 1 else None
    return Progress(plan, before, today, days_left, pace)
