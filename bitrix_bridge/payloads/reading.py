"""The result of reading one raw value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from orders.sync.snapshot import ProblemReason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """The result of reading a raw value.

    If `value` and `reason` are both None, the raw value was empty. If both are set, the value can be used, but staff
    should check it.
    """

    value: T | None = None
    reason: ProblemReason | None = None


Reader = Callable[[Any], Reading[T]]
