"""Rows of the earlier tables as JSON values, which do not depend on the types of their columns."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime

BATCH = 500
KEPT = "earlier_crm"
"""The key, in a JSON column of a new row, of the values that the earlier row had and the new row has no column for."""
BIGINT = range(-(2**63), 2**63)
_YES = frozenset({"true", "t", "yes", "y", "1", "on"})


class Row:
    """One row. The methods read a column as a type, and return None for a value that does not have it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Take the values by the names of the columns, as `to_jsonb` writes them. Numbers are `int` or `Decimal`."""
        self.values = values

    @property
    def id(self) -> UUID | None:
        """Return the primary key, or None if it is not a UUID."""
        return self.uuid("id")

    def text(self, *names: str) -> str:
        """Return the first of these columns that is not empty, as text, or an empty string."""
        for name in names:
            value = self.values.get(name)
            if value not in (None, ""):
                is_text = isinstance(value, str | int | Decimal) and not isinstance(value, bool)
                return str(value) if is_text else json.dumps(plain(value), ensure_ascii=False)
        return ""

    def number(self, *names: str) -> Decimal | None:
        """Return the first of these columns that is not empty as a finite number."""
        try:
            found = Decimal(self.text(*names).strip().replace(" ", "").replace(",", ".") or "NaN")
        except InvalidOperation:
            return None
        return found if found.is_finite() else None

    def money(self, *names: str, digits: int = 12, places: int = 2) -> Decimal | None:
        """Return a rounded number that fits into a column of so many digits, so many of them decimals."""
        found = self.number(*names)
        if found is None or abs(found) >= Decimal(10) ** (digits - places):
            return None
        rounded = found.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
        return rounded if abs(rounded) < Decimal(10) ** (digits - places) else None

    def integer(self, *names: str) -> int | None:
        """Return a whole number that fits into a `bigint`."""
        found = self.number(*names)
        # A hostile exponent would make a number of a million digits.
        if found is None or found.adjusted() > 20 or found != found.to_integral_value():
            return None
        return int(found) if int(found) in BIGINT else None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean, however it is written, or the default if the column is empty."""
        text = self.text(name).strip().lower()
        return text in _YES if text else default

    def uuid(self, name: str) -> UUID | None:
        """Return a UUID."""
        try:
            return UUID(self.text(name).strip())
        except ValueError:
            return None

    def moment(self, name: str) -> Any:
        """Return an aware datetime. One without an offset is in the shop's time zone."""
        try:
            found = parse_datetime(self.text(name).strip())
        except ValueError:
            return None
        return timezone.make_aware(found) if found is not None and timezone.is_naive(found) else found

    def document(self, name: str) -> dict[str, Any]:
        """Return a JSON object, also one that is stored as text, or an empty one."""
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value, parse_float=Decimal)
            except ValueError:
                return {}
        return value if isinstance(value, dict) else {}

    def kept(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values to keep besides the columns of the new row.

        `stored` maps the columns of the earlier row to the values that the new row has instead. The other columns,
        and values that differ, are kept. Empty values are not.
        """
        return {
            name: plain(value)
            for name, value in self.values.items()
            if value is not None and not (name in stored and is_same(value, stored[name]))
        }


def is_same(earlier: Any, new: Any) -> bool:
    """Return whether a column has the earlier value. `1500` and `1500.00` are the same number."""
    if new is None:
        return False
    if isinstance(earlier, bool) or isinstance(new, bool):
        return earlier is new
    if isinstance(earlier, int | Decimal) and isinstance(new, int | Decimal):
        return Decimal(earlier) == new
    if isinstance(new, datetime):
        return isinstance(earlier, str) and _moment(earlier) == new
    if isinstance(earlier, dict | list):
        return bool(earlier == new)
    return str(earlier) == str(new)


def _moment(text: str) -> Any:
    try:
        return parse_datetime(text)
    except ValueError:
        return None


def plain(value: Any) -> Any:
    """Return a JSON value without `Decimal`. A number that a float can't hold becomes a string."""
    if isinstance(value, Decimal):
        number = float(value)
        return number if Decimal(repr(number)) == value else str(value)
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def read_rows(schema: str, table: str, *, order_by: tuple[str, ...] = ()) -> Iterator[list[Row]]:
    """Yield the rows of a table in batches. The caller is in a transaction, which a pooler gives one connection.

    The rows are sorted by the text of the columns, or not at all.
    """
    quote = connection.ops.quote_name
    sorting = ", ".join(f"t.{quote(name)}::text" for name in order_by)
    statement = f"SELECT to_jsonb(t)::text FROM {quote(schema)}.{quote(table)} t"  # noqa: S608 - quoted names
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"{statement} ORDER BY {sorting}" if sorting else statement)
        while found := cursor.fetchmany(BATCH):
            yield [Row(json.loads(text, parse_float=Decimal)) for (text,) in found]
