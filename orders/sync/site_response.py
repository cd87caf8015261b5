"""The warnings and the refused fields in the site's response to a push. They are plain values without a database."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

OCCURRENCE = "inner_account"
"""The code of the warning that money went to the customer's account on the site. This warning is reported each time,
because it describes an occurrence. The other warnings describe a state."""
DAMAGED = "damaged"
"""The code of the CRM's own warning that the site holds a value in a different form. `about` names the losses."""
UNNAMED = ""
"""The code of a warning from a bridge older than 1.2, which sends only a message."""


@dataclass(frozen=True, slots=True)
class SiteWarning:
    """A warning about a push that the site accepted. The message is in Russian, for staff."""

    code: str
    message: str
    about: str = ""
    """The site's name of the property or product that the warning is about."""
    field: str = ""
    """The field's name in the CRM. It is empty if the warning is about the whole order or the CRM has no such field."""
    amount: str = ""
    """The amount of an occurrence, in KZT."""

    @property
    def is_standing(self) -> bool:
        """Return whether the site repeats the warning as long as its cause lasts."""
        return self.code != OCCURRENCE

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SiteWarning":
        """Return the warning from its JSON value in a timeline entry."""
        return cls(**{name: str(data.get(name, "")) for name in ("code", "message", "about", "field", "amount")})

    def as_json(self) -> dict[str, Any]:
        """Return the JSON value that a timeline entry stores, without empty values."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class FieldRefusal:
    """A field that the site refused in a push whose other fields it accepted. The message is for staff."""

    code: str
    message: str
    is_of_value: bool
    """Whether the site can't store this value. A different value may be accepted, but this value never will be."""


@dataclass(frozen=True, slots=True)
class SiteResponse:
    """The warnings and refusals in one response. The keys of the mappings are the names of fields in the CRM."""

    warnings: tuple[SiteWarning, ...] = ()
    refused: Mapping[str, FieldRefusal] = field(default_factory=dict)
    held: Mapping[str, Any] = field(default_factory=dict)
    """The values (comparable form) that the site has stored in place of different values of the request."""


SILENCE = SiteResponse()
"""A response with neither warnings nor refusals."""
