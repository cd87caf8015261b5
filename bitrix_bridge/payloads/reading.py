"""The result of reading one raw value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from orders.sync.snapshot import ProblemReason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """The result of reading a raw value.

    Without value and reason, the raw value is empty. With both, the value is usable, but staff should check it.
    """

    value: T | None = None
    reason: ProblemReason | None = None


Reader = Callable[[Any], Reading[T]]
