"""Find the city of a location. An order property of the type LOCATION contains the code of a location, or its id.

The locations of the site are a tree of countries, regions, cities, villages and streets.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bitrix_bridge.history import columns
from bitrix_bridge.history.encodings import repair
from bitrix_bridge.history.source import Row, Source, named

_LEVELS = 12
"""The maximum number of levels of the tree that are searched for a city."""
_CITIES = frozenset({"CITY", "VILLAGE"})
_LANGUAGE = "ru"


@dataclass(frozen=True, slots=True)
class Place:
    """A city or a village among the locations of the site."""

    id: int
    name: str


def read_places(source: Source, values: Iterable[str]) -> dict[str, Place | None]:
    """Return the city or village of each location, or None if the location is unknown or larger than a city.

    The number of queries depends on the levels of the tree and not on the number of locations.
    """
    wanted = sorted(set(values))
    by_code = named(source.among("b_sale_location", columns.LOCATION, "CODE", wanted), "CODE")
    # Old versions of Bitrix stored the id.
    ids = [value for value in wanted if value not in by_code and value.isdecimal()]
    found = {**named(source.among("b_sale_location", columns.LOCATION, "ID", ids), "ID"), **by_code}
    cities = _cities(source, found)
    names = _names(source, {row["ID"] for row in cities.values()})
    return {value: _place(cities.get(value), names) for value in wanted}


def _cities(source: Source, found: Mapping[str, Row]) -> dict[str, Row]:
    types = named(source.rows("b_sale_loc_type", columns.LOCATION_TYPE), "ID")
    if not types:
        return dict(found)
    known = {row.get("ID"): row for row in found.values()}
    for _level in range(_LEVELS):
        parents = {row.get("PARENT_ID") for row in known.values()} - known.keys() - {None, "", "0"}
        rows = source.among("b_sale_location", columns.LOCATION, "ID", sorted(parents, key=str))
        if not rows:
            break
        known |= {row.get("ID"): row for row in rows}
    cities = {}
    for value, row in found.items():
        for place in _upwards(row, known):
            kind = types.get(place.get("TYPE_ID") or "")
            if kind is not None and (kind.get("CODE") or "").upper() in _CITIES:
                cities[value] = place
                break
    return cities


def _upwards(row: Row, known: Mapping[str | None, Row]) -> Iterator[Row]:
    place: Row | None = row
    for _level in range(_LEVELS):
        if place is None:
            return
        yield place
        place = known.get(place.get("PARENT_ID"))


def _names(source: Source, ids: Iterable[str | None]) -> dict[str, str]:
    names: dict[str, str] = {}
    rows = source.among("b_sale_loc_name", columns.LOCATION_NAME, "LOCATION_ID", sorted(filter(None, ids)))
    for row in rows:
        key, name = row.get("LOCATION_ID") or "", (row.get("NAME") or "").strip()
        if name and (row.get("LANGUAGE_ID") == _LANGUAGE or key not in names):
            names[key] = repair(name) or name
    return names


def _place(row: Row | None, names: Mapping[str, str]) -> Place | None:
    key = (row.get("ID") or "") if row else ""
    return Place(int(key), names[key]) if key in names else None
