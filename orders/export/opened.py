"""An export whose rows have been found, and which a file format can write."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User, display_name
from orders.export.reader import Reader
from orders.export.request import ExportRequest
from orders.export.table import Block, Column, Content, ExportTable, Fact


@dataclass(frozen=True, slots=True)
class OpenExport:
    """The table, the chosen columns and the rows of an export."""

    request: ExportRequest
    table: ExportTable
    columns: tuple[Column, ...]
    content: Content
    reader: Reader
    user: User
    opened_at: datetime

    @property
    def title(self) -> str:
        """Return the name of the table."""
        return str(self.table.label)

    @property
    def count(self) -> int:
        """Return the number of rows that were found."""
        return self.content.count

    def blocks(self) -> Iterator[Block]:
        """Yield the cells of the columns, block by block."""
        return self.content.blocks(self.columns)

    def hidden(self) -> list[str]:
        """Return what the user may not see in the chosen columns, as texts."""
        kinds = {column.hides for column in self.columns}
        texts = []
        if "phones" in kinds and not self.reader.sees_phones:
            texts.append(gettext("Phones: only their last four digits are shown."))
        if "prices" in kinds and not self.reader.sees_all_prices:
            texts.append(gettext("Sums: only those of today's deliveries are shown."))
        return texts

    def shown(self) -> list[str]:
        """Return `phones` and `prices`, if the file contains those that not every user may see."""
        kinds = {*(column.hides for column in self.columns), *self.table.hides}
        sees = {"phones": self.reader.sees_phones, "prices": self.reader.sees_all_prices}
        return [kind for kind, may_see in sees.items() if may_see and kind in kinds]

    def facts(self, rows: int) -> list[Fact]:
        """Return what the file contains, as texts. `rows` is the number of written rows."""
        return [
            (gettext("What"), self.title),
            *self.content.facts,
            (gettext("Rows"), str(rows)),
            (gettext("Who has exported it"), display_name(self.user)),
            (gettext("When"), f"{timezone.localtime(self.opened_at):%d.%m.%Y %H:%M}"),
            *((gettext("Hidden"), text) for text in self.hidden()),
        ]


def shown_columns(columns: Sequence[Column], content: Content) -> tuple[Column, ...]:
    """Return the columns that the reader may see, with the headers that depend on the rows."""
    headers = content.headers
    return tuple(
        replace(column, header=headers[column.key]) if column.key in headers else column
        for column in columns
        if column.key not in content.hidden
    )
