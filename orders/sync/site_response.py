"""What the site says beside taking over what is ours: warnings, and fields that it did not take. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

OCCURRENCE = "inner_account"
"""Money went to the customer's account there: it is told each time; the others describe how things are."""
UNNAMED = ""
"""The code of a warning of a bridge before 1.2, which is a text and nothing else."""


@dataclass(frozen=True, slots=True)
class SiteWarning:
    """The site took what it was sent, but somebody should know this. The text is Russian, for staff."""

    code: str
    message: str
    about: str = ""
    """The site's own word for what it is about: a property, a product."""
    field: str = ""
    """Ours for it; empty for the whole order, or for what we have no field of."""
    amount: str = ""
    """KZT, of an occurrence."""

    @property
    def is_standing(self) -> bool:
        """Return whether the site says it again as long as it is so."""
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
    """A field that the site did not take, although it took the rest. The text is for staff."""

    code: str
    message: str
    is_of_value: bool
    """It is the value that the site can't hold: another one may go, the same one never will."""


@dataclass(frozen=True, slots=True)
class SiteResponse:
    """All that one answer says beside its result. `refused` are fields by our names."""

    warnings: tuple[SiteWarning, ...] = ()
    refused: Mapping[str, FieldRefusal] = field(default_factory=dict)


SILENCE = SiteResponse()
