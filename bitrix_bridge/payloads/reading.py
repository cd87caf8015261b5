"""What reading one raw value gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from orders.sync.snapshot import ProblemReason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What a raw value says. Neither value nor reason: it says nothing; both: usable, but staff should look."""

    value: T | None = None
    reason: ProblemReason | None = None


Reader = Callable[[Any], Reading[T]]
