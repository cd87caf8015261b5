"""Functions that make the usual columns of tables."""

from typing import TYPE_CHECKING

from orders.export.cells import Cell, Kind
from orders.export.pages import Page
from orders.export.reader import Reader
from orders.export.table import Column
from orders.export.tables import order_values as values

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise  # the stubs are not installed in production


def text(key: str, header: "StrOrPromise", field: str, width: int, *, is_default: bool = True) -> Column:
    """Return a column with texts that people have entered."""
    return Column(key, header, Kind.TEXT, width, (field,), values.typed(field), is_default=is_default, hides="phones")


def plain(key: str, header: "StrOrPromise", field: str, width: int, kind: Kind = Kind.TEXT) -> Column:
    """Return a column with the values of a field that everyone may see."""
    return Column(key, header, kind, width, (field,), values.plain(field))


def phone(key: str, header: "StrOrPromise", field: str, others: str = "") -> Column:
    """Return a column with phones. `others` is the field with the other phones."""
    fields = (field, others) if others else (field,)
    return Column(key, header, Kind.PHONE, 16, fields, values.phones(field, others), hides="phones")


def moment(key: str, header: "StrOrPromise", field: str) -> Column:
    """Return a column with local times."""
    return Column(key, header, Kind.MOMENT, 16, (field,), values.moments(field))


def name(key: str, header: "StrOrPromise", field: str, names: str, width: int) -> Column:
    """Return a column with the names of reference rows or people. `names` is an attribute of `AllNames`."""

    def cells(page: Page, reader: Reader) -> list[Cell]:
        known = getattr(reader.names, names)
        return [known[value] for value in page[field]]

    return Column(key, header, Kind.TEXT, width, (field,), cells)


def flag(key: str, header: "StrOrPromise", field: str, yes: "StrOrPromise", no: "StrOrPromise" = "") -> Column:
    """Return a column with a word for yes and a word for no."""

    def cells(page: Page, _reader: Reader) -> list[Cell]:
        words = {True: str(yes), False: str(no)}
        return [words[value] for value in page[field]]

    return Column(key, header, Kind.TEXT, 12, (field,), cells)
