"""The possible results of a delivery: a success, or one of the errors that the engine handles differently."""

from dataclasses import dataclass
from datetime import datetime

from cvety_crm.masking import truncate_masked

UNREACHABLE = "-"
"""The code of entries whose last attempt got no answer at all. Pages do not show it, because the reason says so."""


class DeliveryError(Exception):
    """A delivery failed.

    `message` is in Russian, for staff; `code` and `answer` are the other system's response.
    """

    def __init__(self, message: str, *, code: str = "", answer: str = "") -> None:
        super().__init__(message)
        # All three strings may quote the other system's response, and pages and timelines show them.
        self.message, self.code, self.answer = truncate_masked(message), truncate_masked(code), truncate_masked(answer)


class TemporaryDeliveryError(DeliveryError):
    """A later attempt may succeed. `retry_after` is the delay in seconds that the other system requested."""

    def __init__(self, message: str, *, code: str = "", answer: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, code=code, answer=answer)
        self.retry_after = retry_after


class UnreachableError(TemporaryDeliveryError):
    """The other system did not answer at all, so no other entry of this kind can be delivered now either."""


class PermanentDeliveryError(DeliveryError):
    """A retry cannot succeed: the entry fails at once, and staff must check it."""


class MisconfiguredError(PermanentDeliveryError):
    """The settings of the CRM or of the other system are wrong. Nothing can be delivered until they are corrected."""


class NoLongerNeededError(Exception):
    """There is nothing left to deliver. The entry is cancelled with the message as its reason, in Russian."""


class NotDueError(Exception):
    """The entry is not due yet. It remains pending until `due_at`, and no failure is counted.

    The message states the reason in Russian.
    """

    def __init__(self, message: str, *, due_at: datetime) -> None:
        super().__init__(message)
        self.message, self.due_at = truncate_masked(message), due_at


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other system's response to a successful delivery."""

    code: str = ""
    answer: str = ""
