"""Find SQL statements that write a table."""

import re
from collections.abc import Iterable

_NAME = r'(?:"?public"?\s*\.\s*)?"?({tables})"?(?![\w.])'
_FORMS = (
    rf"\b(?:INSERT|MERGE)\s+INTO\s+{_NAME}",
    rf"\bUPDATE\s+(?:ONLY\s+)?{_NAME}(?:\s+(?:AS\s+)?(?!SET\b)\w+)?\s+SET\b",
    rf"\bDELETE\s+FROM\s+(?:ONLY\s+)?{_NAME}",
    rf"\bTRUNCATE\s+(?:TABLE\s+)?(?:ONLY\s+)?{_NAME}",
    rf"\bCOPY\s+{_NAME}[^;]*?\bFROM\b",
)


def write_pattern(tables: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for statements that write one of the tables, for use with `written_table`."""
    names = "|".join(sorted((re.escape(name) for name in tables), key=len, reverse=True))
    return re.compile("|".join(form.replace("{tables}", names) for form in _FORMS), re.IGNORECASE)


def written_table(pattern: re.Pattern[str], sql: str) -> str | None:
    """Return the table that the statement writes, or None if it writes no table of the pattern."""
    match = pattern.search(sql)
    return next((name.lower() for name in match.groups() if name), None) if match else None
