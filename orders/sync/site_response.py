"""Warnings and refused fields in the site's response to a push, as pure values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

OCCURRENCE = "inner_account"
"""The code of the warning that money went to the customer's account on the site. It is reported each time, because it
is an occurrence; the other warnings describe a state."""
UNNAMED = ""
"""The code of a warning from a bridge older than 1.2, which sends only a text."""


@dataclass(frozen=True, slots=True)
class SiteWarning:
    """A warning about a push that the site accepted. The message is Russian, for staff."""

    code: str
    message: str
    about: str = ""
    """The site's name of the property or product that the warning is about."""
    field: str = ""
    """Our name of the field; empty for the whole order, or if we have no such field."""
    amount: str = ""
    """The amount of an occurrence, in KZT."""

    @property
    def is_standing(self) -> bool:
        """Return whether the site repeats the warning as long as its cause lasts."""
        return self.code != OCCURRENCE

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SiteWarning":
        """Return the warning that the timeline has stored."""
        return cls(**{name: str(data.get(name, "")) for name in ("code", "message", "about", "field", "amount")})

    def as_json(self) -> dict[str, Any]:
        """Return what the timeline stores."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class FieldRefusal:
    """A field that the site refused although it accepted the others. The message is for staff."""

    code: str
    message: str
    is_of_value: bool
    """Whether the site can't store this value: another value may succeed, the same one never will."""


@dataclass(frozen=True, slots=True)
class SiteResponse:
    """The warnings and refusals of one response. The keys of `refused` are our field names."""

    warnings: tuple[SiteWarning, ...] = ()
    refused: Mapping[str, FieldRefusal] = field(default_factory=dict)


SILENCE = SiteResponse()
"""A response without warnings and refusals."""
