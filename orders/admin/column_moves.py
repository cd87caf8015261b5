"""The order of columns that a user changes with the buttons ↑ and ↓."""

from collections.abc import Sequence


def moved(order: Sequence[str], move: str) -> list[str]:
    """Return the keys of columns after a move such as `up:when` or `down:when`. An unknown key moves nothing."""
    keys = list(order)
    direction, _separator, key = move.partition(":")
    if key in keys:
        place = keys.index(key)
        other = min(max(place + (1 if direction == "down" else -1), 0), len(keys) - 1)
        keys.insert(other, keys.pop(place))
    return keys
