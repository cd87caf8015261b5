"""Remember what was computed from the names in payloads, because every sender repeats its names."""

from collections.abc import Callable, Hashable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_LONGEST_NAME = 64


class Memory(dict[K, V]):
    """The results of a function. A known result costs one look-up in a dictionary, without a call of Python code."""

    def __init__(self, compute: Callable[[K], V], *, is_remembered: Callable[[K], bool], most: int) -> None:
        """Remember at most `most` results, and only of keys for which `is_remembered` returns True.

        Hostile payloads with many or long names could fill the memory otherwise.
        """
        super().__init__()
        self._compute, self._is_remembered, self._most = compute, is_remembered, most

    def __missing__(self, key: K) -> V:
        """Compute the result. If there are too many results, forget all of them."""
        value = self._compute(key)
        if self._is_remembered(key):
            if len(self) >= self._most:
                self.clear()
            self[key] = value
        return value


def is_short(name: str) -> bool:
    """Return whether a name is short enough to be remembered."""
    return len(name) <= _LONGEST_NAME
