"""How a delivery can end other than well, sorted by what helps."""

from dataclasses import dataclass
from datetime import datetime

from cvety_crm.masking import truncate_masked


class DeliveryError(Exception):
    """Something went wrong; `message` is for staff (Russian), `code` and `answer` are the other side's words."""

    def __init__(self, message: str, *, code: str = "", answer: str = "") -> None:
        super().__init__(message)
        # Both may quote the other side, and end up on pages and timelines.
        self.message, self.code, self.answer = truncate_masked(message), truncate_masked(code), truncate_masked(answer)


class TemporaryDeliveryError(DeliveryError):
    """May go better later. `retry_after` is what the other side asked for, in seconds."""

    def __init__(self, message: str, *, code: str = "", answer: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, code=code, answer=answer)
        self.retry_after = retry_after


class PermanentDeliveryError(DeliveryError):
    """Will go the same way however often it is tried: fails at once, a person has to look."""


class MisconfiguredError(PermanentDeliveryError):
    """The settings are wrong on this side or the other; nothing can be delivered until they are put right."""


class NoLongerNeededError(Exception):
    """There is nothing left to deliver; the entry is cancelled with this reason (Russian)."""


class NotDueError(Exception):
    """It is too early: nothing has failed and nothing is done, and the entry is looked at again at `due_at`.

    The text (Russian) says what is waited for.
    """

    def __init__(self, message: str, *, due_at: datetime) -> None:
        super().__init__(message)
        self.message, self.due_at = truncate_masked(message), due_at


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the other side answered."""

    code: str = ""
    answer: str = ""
