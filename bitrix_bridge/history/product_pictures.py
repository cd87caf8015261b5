"""Read the addresses of the pictures of products from the site's database copy, in the format of the site's events.

An offer without a picture has the picture of its product. The values of properties are in one table, or, for an
infoblock of version 2, in a table of that infoblock with a column for each property.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bitrix_bridge.history import columns
from bitrix_bridge.history.source import Row, Source, named
from bitrix_bridge.payloads.amounts import read_id
from bitrix_bridge.payloads.pictures import MINIATURE

_COLUMNS = ("DETAIL_PICTURE", "PREVIEW_PICTURE")
_PARENT = "CML2_LINK"
_FILE = "F"
"""The `b_iblock_property.PROPERTY_TYPE` of a file."""

_Values = dict[str, dict[str, str]]
"""Id of an element -> code of a property -> value."""


def read_pictures(source: Source, elements: Sequence[Row]) -> Mapping[str, dict[str, Any]]:
    """Return the addresses of pictures, and the properties with the miniature and the product, by id of the element."""
    definitions = _definitions(source)
    values = _values(source, definitions, elements)
    parent_ids = {parent for found in values.values() if (parent := read_id(found.get(_PARENT, "")).value)}
    parents = source.among("b_iblock_element", columns.ELEMENT, "ID", sorted(parent_ids))
    values |= _values(source, definitions, parents)
    miniatures_are_files = {
        row.get("IBLOCK_ID") for row in definitions if (row.get("CODE"), row.get("PROPERTY_TYPE")) == (MINIATURE, _FILE)
    }
    rows = [*elements, *parents]
    files = _files(source, rows, values)

    def own(row: Row) -> dict[str, Any]:
        pictures: dict[str, Any] = {
            column: files[key] for column in _COLUMNS if (key := row.get(column) or "") in files
        }
        properties = dict(values.get(row.get("ID") or "", {}))
        if pictures:
            properties.pop(MINIATURE, None)
        elif row.get("IBLOCK_ID") in miniatures_are_files and MINIATURE in properties:
            properties[MINIATURE] = files.get(properties[MINIATURE], properties[MINIATURE])
        return pictures | ({"PROPERTIES": properties} if properties else {})

    of_parents = {row.get("ID") or "": next(iter(_addresses(own(row))), "") for row in parents}
    found = {}
    for row in elements:
        pictures = own(row)
        parent = pictures.get("PROPERTIES", {}).get(_PARENT, "")
        found[row.get("ID") or ""] = pictures | ({"PARENT_PICTURE": of_parents[parent]} if parent in of_parents else {})
    return found


def _addresses(pictures: Mapping[str, Any]) -> list[str]:
    sent = [*(pictures.get(column) for column in _COLUMNS), pictures.get("PROPERTIES", {}).get(MINIATURE)]
    return [address for address in sent if address and not address.isdecimal()]


def _definitions(source: Source) -> list[Row]:
    return source.among("b_iblock_property", columns.ELEMENT_PROPERTY, "CODE", [_PARENT, MINIATURE])


def _values(source: Source, definitions: Iterable[Row], elements: Sequence[Row]) -> _Values:
    found: _Values = {}
    ids = [row.get("ID") for row in elements]
    codes = {row.get("ID") or "": row.get("CODE") or "" for row in definitions}
    marks = ", ".join(["%s"] * len(ids)), ", ".join(["%s"] * len(codes))
    is_whole = all(source.has("b_iblock_element_property", name) for name in columns.ELEMENT_VALUE)
    if ids and codes and is_whole:
        where = f"`IBLOCK_ELEMENT_ID` IN ({marks[0]}) AND `IBLOCK_PROPERTY_ID` IN ({marks[1]})"
        for row in source.rows("b_iblock_element_property", columns.ELEMENT_VALUE, where, [*ids, *codes]):
            values = found.setdefault(row.get("IBLOCK_ELEMENT_ID") or "", {})
            values.setdefault(codes[row.get("IBLOCK_PROPERTY_ID") or ""], row.get("VALUE") or "")
    for infoblock in sorted({row.get("IBLOCK_ID") or "" for row in elements}):
        table = f"b_iblock_element_prop_s{infoblock}"
        own = {f"PROPERTY_{key}": code for key, code in codes.items() if source.has(table, f"PROPERTY_{key}")}
        of_table = [row.get("ID") for row in elements if row.get("IBLOCK_ID") == infoblock] if own else []
        for row in source.among(table, ("IBLOCK_ELEMENT_ID", *own), "IBLOCK_ELEMENT_ID", of_table):
            values = found.setdefault(row.get("IBLOCK_ELEMENT_ID") or "", {})
            values.update({code: value for column, code in own.items() if (value := row.get(column))})
    return found


def _files(source: Source, rows: Iterable[Row], values: _Values) -> dict[str, str]:
    """Return the paths of the files to which the rows refer. A file in a cloud storage has no path on the site."""
    keys = {row.get(column) or "" for row in rows for column in _COLUMNS}
    keys |= {found[MINIATURE] for found in values.values() if found.get(MINIATURE, "").isdecimal()}
    files = named(source.among("b_file", columns.FILE, "ID", sorted(keys - {"", "0"})), "ID")
    return {
        key: f"/upload/{row.get('SUBDIR')}/{row.get('FILE_NAME')}"
        for key, row in files.items()
        if not row.get("HANDLER_ID")
    }
