"""One order of the site's database copy, from the tables of orders or from the site's archive."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bitrix_bridge.history.source import Row


@dataclass(slots=True)
class SourceOrder:
    """One order of the site's database copy with its related rows."""

    row: Row
    lines: list[Row] = field(default_factory=list)
    line_properties: dict[str, list[Row]] = field(default_factory=dict)
    values: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    shipments: list[Row] = field(default_factory=list)
    system_shipments: int = 0
    changes: list[Row] = field(default_factory=list)
    user: Row | None = None
    phone: str | None = None
    is_archived: bool = False
    """Whether the order is in the site's archive."""
    is_whole: bool = True
    """Whether all data of an archived order could be read."""

    @property
    def bitrix_order_id(self) -> int:
        """Return the order's id on the site."""
        return int(self.row["ID"] or 0)


def real_shipments(rows: Sequence[Row]) -> list[Row]:
    """Return the shipments without those in which Bitrix keeps the items that are not shipped yet."""
    return [row for row in rows if row.get("SYSTEM") != "Y"]
