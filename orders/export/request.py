"""What a user wants to export. It can be stored as JSON, so that the worker can write the file later."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """A table, its rows, its columns, the format of the file, and the user whose rights count."""

    table: str
    """The key of the table."""
    format: str
    """The key of the format."""
    parameters: str
    """The query string of the page of the table: its filters and its sorting."""
    columns: tuple[str, ...]
    """The keys of the columns. The default columns if it is empty."""
    user_id: int

    def as_json(self) -> dict[str, Any]:
        """Return the request as a JSON object."""
        return {**asdict(self), "columns": list(self.columns)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ExportRequest":
        """Return the request that `as_json` has stored."""
        return cls(**{**value, "columns": tuple(value["columns"])})
