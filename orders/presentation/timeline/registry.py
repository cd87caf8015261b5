"""The registry of renderers, one for each kind of entry."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from orders.presentation.timeline.names import Names
from orders.timeline_payloads import Payload

P = TypeVar("P", bound=Payload)
Notes = Iterable[str]


@dataclass(frozen=True, slots=True)
class Renderer:
    """The functions and the icon that present a timeline entry of one kind."""

    notes: Callable[[Any, Names], Notes]
    """A function that returns the lines below the changes."""
    icon: str
    title: Callable[[Any], str] = lambda payload: ""
    """A function that returns the title. If it returns an empty string, the title is the label of the kind."""
    shows_changes: bool = True
    hides: Collection[str] = ()
    """Fields whose changes are not shown, because the title says the same."""


RENDERERS: dict[str, Renderer] = {}
UNKNOWN = Renderer(lambda payload, names: (), "info")
"""The renderer for an unknown kind."""


def renders(
    payload: type[P],
    *,
    icon: str,
    title: Callable[[P], str] | None = None,
    shows_changes: bool = True,
    hides: Collection[str] = (),
) -> Callable[[Callable[[P, Names], Notes]], Callable[[P, Names], Notes]]:
    """Return a decorator that registers a function as the renderer of the payload's kind.

    The decorator raises `ValueError` if the kind already has a renderer.
    """

    def register(notes: Callable[[P, Names], Notes]) -> Callable[[P, Names], Notes]:
        if payload.kind in RENDERERS:
            raise ValueError(f"two renderers of {payload.kind}")
        options: dict[str, Any] = {} if title is None else {"title": title}
        RENDERERS[payload.kind] = Renderer(notes, icon, shows_changes=shows_changes, hides=hides, **options)
        return notes

    return register
