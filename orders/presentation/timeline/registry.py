"""The registry of renderers, one for each kind of entry."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from orders.presentation.timeline.names import Names
from orders.timeline_payloads import Payload

P = TypeVar("P", bound=Payload)
Notes = Iterable[str]


@dataclass(frozen=True, slots=True)
class Renderer:
    """The functions and the icon that show an entry of one kind."""

    notes: Callable[[Any, Names], Notes]
    """Returns the lines below the changes for a payload of this kind."""
    icon: str
    title: Callable[[Any], str] = lambda payload: ""
    """Returns the title for a payload of this kind; empty means the name of the kind."""
    shows_changes: bool = True


RENDERERS: dict[str, Renderer] = {}
UNKNOWN = Renderer(lambda payload, names: (), "info")
"""The renderer for an unknown kind."""


def renders(
    payload: type[P], *, icon: str, title: Callable[[P], str] | None = None, shows_changes: bool = True
) -> Callable[[Callable[[P, Names], Notes]], Callable[[P, Names], Notes]]:
    """Return the decorator that registers a function as the renderer of the payload's kind."""

    def register(notes: Callable[[P, Names], Notes]) -> Callable[[P, Names], Notes]:
        if payload.kind in RENDERERS:
            raise ValueError(f"two renderers of {payload.kind}")
        options: dict[str, Any] = {} if title is None else {"title": title}
        RENDERERS[payload.kind] = Renderer(notes, icon, shows_changes=shows_changes, **options)
        return notes

    return register
