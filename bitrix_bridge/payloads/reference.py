"""Read the response to the bridge's action `reference` into a snapshot. Values are read as in an order."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bitrix_bridge.payloads.amounts import read_id, read_whole_number
from bitrix_bridge.payloads.values import read_flag, read_line, read_slot, read_status
from orders.sync.snapshot import ReferenceRow, ReferenceSnapshot
from orders.values.slots import hours_in, parse_slot

_LAST = 1000


def read_reference(data: Mapping[str, Any]) -> ReferenceSnapshot:
    """Return the snapshot of the reference data. Leave out rows that have no valid id or no name."""
    return ReferenceSnapshot(
        statuses=tuple(
            ReferenceRow(key=key, fields={"name": name, "sort": _sort(row.get("sort"))})
            for key, name, row in _rows(data.get("statuses"), lambda raw: read_status(raw).value)
        ),
        cities=tuple(_named(data.get("cities"))),
        shops=tuple(_named(data.get("shops"))),
        slots=tuple(
            ReferenceRow(key=key, fields={"name": name, **_times(name, row)})
            for key, name, row in _rows(data.get("slots"), lambda raw: read_slot(raw).value)
        ),
        pay_systems=tuple(
            ReferenceRow(key=key, fields={"name": name, "is_active": _is_active(row.get("active"))})
            for key, name, row in _rows(data.get("pay_systems"), lambda raw: read_id(raw).value)
        ),
    )


def _named(rows: Any) -> Iterator[ReferenceRow]:
    for key, name, _row in _rows(rows, lambda raw: read_id(raw).value):
        yield ReferenceRow(key=key, fields={"name": name})


def _rows(rows: Any, read_key: Callable[[Any], Any]) -> Iterator[tuple[Any, str, Mapping[str, Any]]]:
    # PHP encodes a list with gaps as an object, and an empty object as a list.
    values = list(rows.values()) if isinstance(rows, Mapping) else rows
    seen = set()
    for row in values if isinstance(values, list) else []:
        if not isinstance(row, Mapping):
            continue
        key, name = read_key(row.get("id")), read_line(row.get("name")).value
        if key and name and key not in seen:
            seen.add(key)
            yield key, name, row


def _sort(raw: Any) -> int:
    return read_whole_number(raw).value or _LAST


def _is_active(raw: Any) -> bool:
    """Return whether the site offers the pay system. A bridge that sends no flag sends only those that it offers."""
    return raw is None or read_flag(raw).value is not False


def _times(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    starts_at, ends_at = row.get("starts_at"), row.get("ends_at")
    times = parse_slot(f"{starts_at}-{ends_at}") if starts_at and ends_at else hours_in(name)
    return {"starts_at": times[0], "ends_at": times[1]} if times else {"starts_at": None, "ends_at": None}
